/** What happens in a story, step by step. */
import type { Tickwork } from "#core";
import type { MemoryRedis } from "#memory-redis";
import { askFor, BULK_RETRIED_MS, type BulkStep } from "./bulk.ts";
import type { Deployment } from "./deployment.ts";
import { finishLeader } from "./leaders.ts";
import { insertLater, runWithoutLease } from "./others.ts";
import type { RowWatcher } from "./row-watcher.ts";
import { refreshSeconds } from "./scenario.ts";
import { ScheduleBook } from "./schedules.ts";
import type { Step } from "./steps.ts";
import { runTransactionStep } from "./transactions.ts";
import { uniqueRequests } from "./unique-keys.ts";
import { noFaults, type SimulatedPostgres, type SimulatedRedis, type WireFaults } from "./wires.ts";
import type { World } from "./world.ts";

const STORMS: WireFaults[] = [
  { ...noFaults, lostAnswer: 0.15 },
  { ...noFaults, lostRequest: 0.15 },
  { ...noFaults, slow: 0.1 },
  { ...noFaults, late: 0.1 },
];

/** The flag of the first slot. */
const FLAG = "{sim}:flag:0";

/** What a story is played with. */
export interface StoryParts {
  world: World;
  deployment: Deployment;
  postgres: SimulatedPostgres;
  redis: SimulatedRedis;
  memory: MemoryRedis;
  watcher: RowWatcher;
}

export class Story {
  /** Whether the scheduled refreshes go on. */
  refreshes = false;
  /** Something happened after which only a refresh may know what is due. */
  mayWaitForRefresh = false;
  /** Something was written that the cache may never have been told: only a refresh that reads Postgres finds it. */
  mayBeUnseen = false;
  /** Somebody dies who resumes: only its armed ring, or a refresh that reads Postgres, finds what waits. */
  resumerDies = false;
  /** The tasks whose creation was acknowledged, and those that were removed. */
  readonly acknowledged = new Set<number>();
  readonly removed = new Set<number>();
  /** Those of transactions that are open, or were rolled back. */
  readonly uncommitted = new Set<number>();
  /** When servers were away. */
  readonly outages: { of: "postgres" | "redis" | "both"; fromMs: number; untilMs: number }[] = [];
  /** What was asked of schedules. */
  readonly schedules: ScheduleBook;
  /** Calls and deployments that have not ended. */
  underWay = 0;
  readonly #parts: StoryParts;

  constructor(parts: StoryParts) {
    this.#parts = parts;
    this.schedules = new ScheduleBook(parts);
  }

  /** The first refresh of a deployment has run, and others follow. */
  async begin(): Promise<void> {
    const { world, deployment } = this.#parts;
    deployment.lambda.enqueue("refresh");
    await world.runUntil(world.nowMs + 2_000);
    this.refreshes = true;
    const refreshing = () => {
      if (!this.refreshes) return;
      deployment.lambda.enqueue("refresh");
      world.after(refreshSeconds * 1000, refreshing);
    };
    world.after(refreshSeconds * 1000, refreshing);
  }

  take(step: Step): void {
    const { world, deployment, postgres, redis, memory } = this.#parts;
    world.tell(`── ${JSON.stringify(step)}`);
    const due = (ms: number) => new Date(postgres.nowMs() + ms);
    const dies = "dies" in step ? step.dies : undefined;
    if (dies !== undefined && step.do !== "pause") this.mayWaitForRefresh = this.mayBeUnseen = true;
    switch (step.do) {
      case "create": {
        if (step.unique) {
          for (const work of uniqueRequests(this.#parts, step.unique, due(step.dueInMs), step.work, this))
            this.call(work);
          break;
        }
        if (step.unflagged) memory.call(["DEL", FLAG]);
        const tasks = Array.from({ length: step.count }, (_, n) => ({
          type: step.fresh ? "fresh" : step.short ? "short" : "work",
          scheduled_time: due(step.dueInMs),
          task_data: n < (step.quick ?? 0) ? { ms: 0 } : step.work,
          ...step.line,
        }));
        this.call(
          async ({ tasks: service }) => {
            for (const { id } of await service.create(tasks)) this.acknowledged.add(id);
          },
          dies,
          step.fresh,
        );
        break;
      }
      case "move":
        this.#onTask(
          step.pick,
          (service, id) => service.update(id, { scheduled_time: due(step.dueInMs) }),
          dies,
        );
        break;
      case "remove":
        this.#onTask(
          step.pick,
          async (service, id) => {
            this.removed.add(id);
            await service.remove(id);
          },
          dies,
        );
        break;
      case "cancel":
        this.#onTask(step.pick, (service, id) => service.cancel(id), dies);
        break;
      case "retry":
        this.#onTask(step.pick, (service, id) => service.retry(id), dies);
        break;
      case "refresh":
        deployment.lambda.enqueue("refresh");
        break;
      case "deploy":
        this.under(deployment.deploy());
        break;
      case "kill":
      case "stop": {
        const alive = deployment.containers.filter(({ process }) => process.alive);
        const { process } = alive[step.pick % Math.max(1, alive.length)] ?? {};
        if (step.do === "kill") process?.kill();
        else process?.stop(step.ms);
        break;
      }
      case "flush":
        memory.clear();
        break;
      case "evict": {
        const keys = ["waiting", "running", "rev", "task", "gone", "state", "flag:0"];
        // Without its revs the cache cannot tell an old write from a new one until the next refresh.
        if (step.key === 2 || step.key === 4) this.mayWaitForRefresh = true;
        memory.call(["DEL", `{sim}:${keys[step.key % keys.length]}`]);
        break;
      }
      case "flag":
        if (step.raise) memory.call(["SET", FLAG, "by hand"]);
        else memory.call(["DEL", FLAG]);
        break;
      case "outage": {
        const outage = { of: step.of, fromMs: world.nowMs, untilMs: world.nowMs + step.ms };
        this.outages.push(outage);
        this.mayWaitForRefresh = true;
        // What a statement did whose answer was lost, its caller does not know.
        if (step.of !== "redis") this.mayBeUnseen = true;
        const look = () => {
          const away = this.outages.filter(({ untilMs }) => untilMs > world.nowMs);
          postgres.up = !away.some(({ of }) => of !== "redis");
          redis.up = !away.some(({ of }) => of !== "postgres");
        };
        look();
        world.after(step.ms, look);
        break;
      }
      case "storm":
        this.#storm(step.of, step.what, step.ms);
        break;
      case "insert":
        if (step.commitsAfterMs !== undefined) {
          const { dueInMs, commitsAfterMs } = step;
          this.foreign(() => insertLater(this.#parts, this, due(dueInMs), commitsAfterMs));
          break;
        }
        this.foreign(async () => {
          const [row] = await postgres.runForeign(
            `insert into "baasix_Tasks" (type, scheduled_time, "createdAt") values ('work', $1, $2) returning id`,
            [due(step.dueInMs).toISOString(), due(0).toISOString()],
          );
          this.acknowledged.add(Number(row?.id));
          if (step.tells) this.call(({ operator }) => operator.notifyChanged([Number(row?.id)]));
          else this.mayWaitForRefresh = this.mayBeUnseen = true;
        });
        break;
      case "transaction":
        this.under(runTransactionStep(this.#parts, step, this));
        break;
      case "pause": {
        const target = step.of === "all" ? ({ all: true } as const) : { type: step.of };
        this.call(({ operator }) => operator.pause(target), dies);
        if (step.resumerDies !== undefined) this.resumerDies = true;
        world.after(step.ms, () => this.call(({ operator }) => operator.resume(target), step.resumerDies));
        break;
      }
      case "schedule":
        this.call(this.schedules.change(step));
        break;
      case "bulk":
        this.#bulk(step);
        break;
      case "run":
        this.foreign(() => runWithoutLease(this.#parts, this, step.pick, step.ms));
        break;
      case "finish":
        this.foreign(() => finishLeader(this.#parts, step.slot));
        break;
    }
  }

  #storm(of: "postgres" | "redis" | "doorbell", what: number, ms: number): void {
    const { lambda } = this.#parts.deployment;
    this.mayWaitForRefresh = true;
    if (of === "doorbell") {
      lambda.faults = what === 0 ? { lost: 0.3, doubled: 0 } : { lost: 0, doubled: 0.5 };
      this.#parts.world.after(ms, () => {
        lambda.faults = { lost: 0, doubled: 0 };
      });
      return;
    }
    if (of === "postgres") this.mayBeUnseen = true;
    const server = of === "postgres" ? this.#parts.postgres : this.#parts.redis;
    server.faults = STORMS[what % STORMS.length] ?? noFaults;
    this.#parts.world.after(ms, () => {
      server.faults = noFaults;
    });
  }

  #bulk(step: BulkStep): void {
    const { world, deployment, postgres, watcher } = this.#parts;
    const user = `who asks at ${world.nowMs}, ${world.random()}`;
    const { workerDies: dies, cancelledAfterMs } = step;
    const each = (change: (tasks: Tickwork["tasks"], id: number) => Promise<unknown>) => () => {
      for (const id of watcher.bulk.askedBy(user)) this.call(({ tasks }) => change(tasks, id));
    };
    const cancel = each((tasks, id) => tasks.cancel(id));
    if (dies)
      watcher.bulk.cuts.set(user, {
        batch: dies.batch,
        kill: (name) => {
          const its = deployment.containers.find(({ process }) => process.name === name);
          world.after(dies.ms, () => {
            its?.process.kill();
            if (dies.cancelled) cancel();
          });
        },
      });
    for (const ask of askFor(step, user, postgres.nowMs(), this.acknowledged)) this.call(ask, step.dies);
    if (cancelledAfterMs === undefined) return;
    world.after(cancelledAfterMs, cancel);
    if (!step.retried) return;
    world.after(
      cancelledAfterMs + BULK_RETRIED_MS,
      each((tasks, id) => tasks.retry(id)),
    );
  }

  /** What another program writes. */
  foreign(write: () => Promise<void>): void {
    this.under(
      this.#parts.world.real(async () => {
        await write();
        await this.#parts.watcher.look();
      }),
    );
  }

  #onTask(
    pick: number,
    change: (service: Tickwork["tasks"], id: number) => Promise<unknown>,
    dies: number | undefined,
  ): void {
    const ids = [...this.acknowledged];
    const id = ids[pick % Math.max(1, ids.length)];
    if (id !== undefined) this.call(({ tasks }) => change(tasks, id), dies);
  }

  /** A call of the API, which may die. */
  call(work: (tickwork: Tickwork) => Promise<unknown>, dies?: number, newer?: boolean): void {
    this.under(this.#parts.deployment.call(work, dies, newer));
  }

  /** Watches what the story waits for at its end. */
  under(work: Promise<unknown>): void {
    this.underWay++;
    this.#parts.world.watch(
      work.finally(() => {
        this.underWay--;
      }),
    );
  }
}
