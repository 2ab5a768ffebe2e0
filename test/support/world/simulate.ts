/** Tells one story with the real core, and says what it violated. */
import type { PGlite } from "@electric-sql/pglite";
import type { Tickwork } from "#core";
import { pgliteDriver } from "#drivers";
import { createMemoryRedis } from "#memory-redis";
import { Deployment } from "./deployment.ts";
import { Ledger, readRows } from "./ledger.ts";
import { type Kind, refreshSeconds, type Scenario, type Step } from "./scenario.ts";
import { noFaults, SimulatedPostgres, SimulatedRedis, type WireFaults } from "./wires.ts";
import { World } from "./world.ts";

export interface Verdict {
  violations: string[];
  story: string[];
  /** Virtual seconds that the story took. */
  seconds: number;
}

/** How long after the last fault everything that is due has to be done, when no refresh was needed. */
const HEAL_MS = 20 * 60_000;
/** What may be left for so long at the end: it became due only a moment ago. */
const OVERDUE_MS = 5 * 60_000;
/** As many as a task of the world has. */
const ATTEMPTS = 3;
/** Invocations that healing may take; more is going round in circles. */
const HEAL_INVOCATIONS = 400;

/** Not TRUNCATE, which makes new files: that takes the embedded Postgres longer than a story. */
const CLEANING = [
  `delete from "baasix_Tasks"`,
  "delete from tickwork_flags",
  "delete from tickwork_requests",
  `select setval(pg_get_serial_sequence('"baasix_Tasks"', 'id'), 1, false)`,
];

/**
 * Where nothing goes wrong, a task starts as soon as it is due and a slot is free: the queue, a cold start and some
 * requests may come between.
 */
const START_MS: Partial<Record<Kind, number>> = { calm: 2_500, hurry: 10_000 };
const UNEVEN_TRAVEL_MS = [0.5, 400] as const;

const STORMS: WireFaults[] = [
  { ...noFaults, lostAnswer: 0.15 },
  { ...noFaults, lostRequest: 0.15 },
  { ...noFaults, slow: 0.1 },
  { ...noFaults, late: 0.1 },
];

export async function simulate(db: PGlite, kind: Kind, scenario: Scenario): Promise<Verdict> {
  const world = new World(scenario.seed);
  const driver = pgliteDriver(db);
  for (const text of CLEANING) await db.query(text);
  const postgres = new SimulatedPostgres(world, driver, scenario.skew.postgres);
  const memory = createMemoryRedis({ now: () => world.nowMs + scenario.skew.redis });
  const redis = new SimulatedRedis(world, memory);
  // What is sent in a hurry does not arrive in the order in which it was sent.
  if (kind === "hurry") redis.travelMs = UNEVEN_TRAVEL_MS;
  const ledger = new Ledger(world, postgres, { slots: scenario.concurrency, startMs: START_MS[kind] });
  const deployment = new Deployment(world, postgres, redis, ledger, {
    env: {
      TASK_CONCURRENCY: String(scenario.concurrency),
      TASK_RUNNING_TTL: String(scenario.ttlSeconds),
      TASK_LIST_REFRESH_INTERVAL: String(refreshSeconds),
      TASK_MAX_CRASHES: "50",
    },
    invocationMs: scenario.invocationMs,
    skewMs: () => (world.random() - 0.5) * 2 * scenario.skew.workers,
  });
  const story = new Story(world, deployment, postgres, redis, memory, ledger);
  await story.begin();
  for (const { afterMs, step } of scenario.steps) {
    if (world.violations.length > 0) break;
    await world.runUntil(world.nowMs + afterMs);
    story.take(step);
  }
  await story.end(kind, scenario);
  return {
    violations: world.violations,
    story: world.story,
    seconds: (world.nowMs - new World(0).nowMs) / 1000,
  };
}

class Story {
  /** Something happened after which only a refresh may know what is due. */
  #mayWaitForRefresh = false;
  readonly #acknowledged = new Set<number>();
  readonly #removed = new Set<number>();
  #underWay = 0;
  readonly #world: World;
  readonly #deployment: Deployment;
  readonly #postgres: SimulatedPostgres;
  readonly #redis: SimulatedRedis;
  readonly #memory: ReturnType<typeof createMemoryRedis>;
  readonly #ledger: Ledger;

  constructor(
    world: World,
    deployment: Deployment,
    postgres: SimulatedPostgres,
    redis: SimulatedRedis,
    memory: ReturnType<typeof createMemoryRedis>,
    ledger: Ledger,
  ) {
    this.#world = world;
    this.#deployment = deployment;
    this.#postgres = postgres;
    this.#redis = redis;
    this.#memory = memory;
    this.#ledger = ledger;
  }

  /** The first refresh of a deployment has run. */
  async begin(): Promise<void> {
    this.#deployment.lambda.enqueue("refresh");
    await this.#world.runUntil(this.#world.nowMs + 2_000);
    this.#refreshes = true;
    const refreshing = () => {
      if (!this.#refreshes) return;
      this.#deployment.lambda.enqueue("refresh");
      this.#world.after(refreshSeconds * 1000, refreshing);
    };
    this.#world.after(refreshSeconds * 1000, refreshing);
  }

  #refreshes = false;

  take(step: Step): void {
    const world = this.#world;
    world.tell(`── ${JSON.stringify(step)}`);
    const due = (ms: number) => new Date(this.#postgres.nowMs() + ms);
    const dies = "dies" in step ? step.dies : undefined;
    if (dies !== undefined) this.#mayWaitForRefresh = true;
    switch (step.do) {
      case "create": {
        const tasks = Array.from({ length: step.count }, () => ({
          type: "work",
          scheduled_time: due(step.dueInMs),
          task_data: step.work,
        }));
        this.#call(async ({ tasks: service }) => {
          for (const { id } of await service.create(tasks)) this.#acknowledged.add(id);
        }, dies);
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
            this.#removed.add(id);
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
        this.#deployment.lambda.enqueue("refresh");
        break;
      case "deploy":
        this.#under(this.#deployment.deploy());
        break;
      case "kill":
      case "stop": {
        const alive = this.#deployment.containers.filter(({ process }) => process.alive);
        const { process } = alive[step.pick % Math.max(1, alive.length)] ?? {};
        if (step.do === "kill") process?.kill();
        else process?.stop(step.ms);
        break;
      }
      case "flush":
        this.#memory.clear();
        break;
      case "evict": {
        const keys = ["waiting", "running", "rev", "task", "gone", "state", "flag:0"];
        // Without its revs the cache cannot tell an old write from a new one until the next refresh.
        if (step.key === 2 || step.key === 4) this.#mayWaitForRefresh = true;
        this.#memory.call(["DEL", `{sim}:${keys[step.key % keys.length]}`]);
        break;
      }
      case "flag":
        if (step.raise) this.#memory.call(["SET", "{sim}:flag:0", "by hand"]);
        else this.#memory.call(["DEL", "{sim}:flag:0"]);
        break;
      case "outage": {
        const server = step.of === "postgres" ? this.#postgres : this.#redis;
        server.up = false;
        this.#mayWaitForRefresh = true;
        world.after(step.ms, () => {
          server.up = true;
        });
        break;
      }
      case "storm":
        this.#storm(step.of, step.what, step.ms);
        break;
      case "insert":
        this.#foreign(async () => {
          const [row] = await this.#postgres.runForeign(
            `insert into "baasix_Tasks" (type, scheduled_time, "createdAt") values ('work', $1, $2) returning id`,
            [due(step.dueInMs).toISOString(), due(0).toISOString()],
          );
          this.#acknowledged.add(Number(row?.id));
          if (step.tells) this.#call(({ operator }) => operator.notifyChanged([Number(row?.id)]));
          else this.#mayWaitForRefresh = true;
        });
        break;
      case "run":
        this.#foreignRun(step.pick, step.ms);
        break;
    }
  }

  #storm(of: "postgres" | "redis" | "doorbell", what: number, ms: number): void {
    const { lambda } = this.#deployment;
    this.#mayWaitForRefresh = true;
    if (of === "doorbell") {
      lambda.faults = what === 0 ? { lost: 0.3, doubled: 0 } : { lost: 0, doubled: 0.5 };
      this.#world.after(ms, () => {
        lambda.faults = { lost: 0, doubled: 0 };
      });
      return;
    }
    const server = of === "postgres" ? this.#postgres : this.#redis;
    server.faults = STORMS[what % STORMS.length] ?? noFaults;
    this.#world.after(ms, () => {
      server.faults = noFaults;
    });
  }

  /** Another program runs a task without knowing of leases. */
  #foreignRun(pick: number, ms: number): void {
    this.#foreign(async () => {
      const waiting = [...this.#ledger.rows.values()].filter(({ status }) => status === "Not started");
      const row = waiting[pick % Math.max(1, waiting.length)];
      if (!row) return;
      const taken = await this.#postgres
        .runForeign(
          `update "baasix_Tasks" set task_status = 'Running' where id = $1 and task_status = 'Not started' returning id`,
          [String(row.id)],
        )
        .catch(() => []);
      if (taken.length === 0) return;
      this.#world.after(ms, () =>
        this.#foreign(async () => {
          await this.#postgres.runForeign(
            `update "baasix_Tasks" set task_status = 'Completed' where id = $1 and lease_token is null and task_status = 'Running'`,
            [String(row.id)],
          );
        }),
      );
    });
  }

  #foreign(write: () => Promise<void>): void {
    this.#under(
      this.#world.real(async () => {
        await write();
        await this.#ledger.look();
      }),
    );
  }

  #onTask(
    pick: number,
    change: (service: Tickwork["tasks"], id: number) => Promise<unknown>,
    dies: number | undefined,
  ): void {
    const ids = [...this.#acknowledged];
    const id = ids[pick % Math.max(1, ids.length)];
    if (id !== undefined) this.#call(({ tasks }) => change(tasks, id), dies);
  }

  #call(work: (tickwork: Tickwork) => Promise<unknown>, dies?: number): void {
    this.#under(this.#deployment.call(work, dies));
  }

  #under(work: Promise<unknown>): void {
    this.#underWay++;
    void work.finally(() => {
      this.#underWay--;
    });
  }

  /** Every fault is over: now everything has to come right. */
  async end(kind: Kind, scenario: Scenario): Promise<void> {
    const world = this.#world;
    if (world.violations.length > 0) return;
    world.tell("── the faults are over");
    this.#postgres.up = true;
    this.#redis.up = true;
    this.#postgres.faults = noFaults;
    this.#redis.faults = noFaults;
    this.#deployment.lambda.faults = { lost: 0, doubled: 0 };
    await world.runUntil(world.nowMs + 120_000, () => this.#underWay === 0);
    if (this.#underWay > 0) world.violate("a call or a deployment did not end");
    // The clocks of Redis and Postgres need not agree; then a refresh may have to help, as after lost rings.
    const disturbed =
      this.#mayWaitForRefresh ||
      this.#deployment.lambda.disturbed ||
      scenario.skew.postgres !== 0 ||
      scenario.skew.redis !== 0 ||
      scenario.skew.workers !== 0;
    if (disturbed) this.#deployment.lambda.enqueue("refresh");
    else this.#refreshes = false;
    const invocations = this.#deployment.lambda.invocations;
    await world.runUntil(world.nowMs + HEAL_MS);
    if (world.violations.length > 0) return;
    if (this.#deployment.lambda.invocations - invocations > HEAL_INVOCATIONS)
      world.violate("it goes round in circles");
    await this.#expectDone(kind, scenario);
    if (world.violations.length === 0) await this.#expectIdle(disturbed);
  }

  /** Promise 1. */
  async #expectDone(kind: Kind, scenario: Scenario): Promise<void> {
    const rows = await this.#world.real(() => readRows(this.#postgres));
    const nowMs = this.#postgres.nowMs();
    // With its clock behind Postgres's, Redis holds back each attempt by the difference.
    const allowedMs = OVERDUE_MS + ATTEMPTS * Math.max(0, scenario.skew.postgres - scenario.skew.redis);
    for (const id of this.#acknowledged)
      if (!rows.has(id) && !this.#removed.has(id))
        this.#world.violate(`promise 1: task ${id} was made and is gone`);
    for (const row of rows.values()) {
      const overdueMs = nowMs - row.dueMs;
      if (row.status === "Not started" && overdueMs > allowedMs)
        this.#world.violate(`promise 1: task ${row.id} has been due for ${Math.round(overdueMs / 1000)} s`);
      if (row.status === "Running" && (row.leaseMs ?? 0) < nowMs - OVERDUE_MS)
        this.#world.violate(`promise 1: task ${row.id} is left behind running`);
      const excused = kind === "late" ? (this.#ledger.leasedLate.get(row.id) ?? 0) : 0;
      if (
        (kind === "calm" || kind === "hurry" || kind === "answers" || kind === "late") &&
        row.crashes > excused
      )
        this.#world.violate(`rule 10: task ${row.id} counts a crash, and nothing crashed`);
    }
  }

  /** Promises 4, 6 and 7: a tick finds nothing to do with one look, and the cache is what Postgres says. */
  async #expectIdle(disturbed: boolean): Promise<void> {
    const world = this.#world;
    this.#refreshes = false;
    const rows = await world.real(() => readRows(this.#postgres));
    if (
      [...rows.values()].some(
        ({ status, dueMs }) =>
          status === "Running" || (status === "Not started" && dueMs < this.#postgres.nowMs() + 3_600_000),
      )
    )
      return;
    if (disturbed) await this.#let(() => this.#deployment.call(({ worker }) => worker.refresh()));
    const idler = this.#deployment.start("idler");
    // The first one may find something to correct: a Redis that was flushed, what others did without a word.
    await this.#let(() => idler.tickwork.worker.tick());
    idler.process.sent.postgres = 0;
    idler.process.sent.redis = 0;
    await this.#let(() => idler.tickwork.worker.tick());
    const { postgres, redis } = idler.process.sent;
    if (postgres !== 0 || redis !== 1)
      world.violate(`promise 4: an idle tick cost ${postgres} requests to Postgres and ${redis} to Redis`);
  }

  async #let(work: () => Promise<unknown>): Promise<void> {
    let done = false;
    void work().finally(() => {
      done = true;
    });
    await this.#world.runUntil(this.#world.nowMs + 60_000, () => done);
  }
}
