/** A deployment of Tickwork in the world: containers that come and go, one API, schedules, two servers. */
import {
  createTickwork,
  defineTask,
  readConfig,
  silent,
  type TaskContext,
  type TickEvent,
  type Tickwork,
} from "#core";
import { Lambda } from "./doorbell.ts";
import { BATCH_SIZE, type RowWatcher } from "./row-watcher.ts";
import { CLOCK, type SimulatedPostgres, type SimulatedRedis } from "./wires.ts";
import { Process, type World } from "./world.ts";

export interface DeploymentOptions {
  env: Record<string, string>;
  /** What an invocation has, in milliseconds. */
  invocationMs: number;
  /** Every second process has older code, which does not know the type `fresh`, nor version 2 of `work`. */
  mixed: boolean;
  /** How wrong the clock of each new container is. */
  skewMs: () => number;
}

/** What a task of the world does. */
export interface Work {
  /** How long it takes, in milliseconds. */
  ms: number;
  /** How often it fails before it completes. */
  fails?: number;
  /** How long it goes on after its signal, in milliseconds. */
  stubbornMs?: number;
  progress?: boolean;
}

interface Container {
  process: Process;
  tickwork: Tickwork;
  busy: boolean;
}

const COLD_START_MS = [50, 400] as const;
const TIMEOUT_SECONDS = 120;
const MAX_ATTEMPTS = 3;
const BACKOFF_MS = 5_000;

export class Deployment {
  readonly lambda: Lambda;
  readonly containers: Container[] = [];
  /** Whether processes with older code are started, too. */
  mixed: boolean;
  #names = 0;
  readonly #world: World;
  readonly #postgres: SimulatedPostgres;
  readonly #redis: SimulatedRedis;
  readonly #watcher: RowWatcher;
  readonly #options: DeploymentOptions;

  constructor(
    world: World,
    postgres: SimulatedPostgres,
    redis: SimulatedRedis,
    watcher: RowWatcher,
    options: DeploymentOptions,
  ) {
    this.#world = world;
    this.#postgres = postgres;
    this.#redis = redis;
    this.#watcher = watcher;
    this.#options = options;
    this.mixed = options.mixed;
    this.lambda = new Lambda(world, (name, event) => this.#invoke(name, event));
  }

  /** A new process with the service in it. */
  start(kind: string, newer = !this.mixed || this.#names % 2 === 0): Container {
    const process = new Process(this.#world, `${kind} ${++this.#names}`, this.#options.skewMs());
    const database = this.#postgres.connect(process);
    let tokens = 0;
    const tickwork = createTickwork({
      config: readConfig(this.#options.env, silent),
      log: tellTale(this.#world, process),
      database,
      redis: this.#redis.connect(process),
      doorbell: this.lambda.doorbellOf(process),
      definitions: newer
        ? [
            this.#work(process, "work", this.#options.mixed ? 2 : 1),
            this.#work(process, "short"),
            this.#work(process, "fresh"),
          ]
        : [this.#work(process, "work"), this.#work(process, "short")],
      prefix: "sim",
      clock: process.clock,
      now: CLOCK,
      newToken: () => `${process.name}#${++tokens}`,
      exit: (reason) => {
        this.#world.tell(`${process.name} gives up: ${reason}`);
        process.kill();
        return new Promise<never>(() => {});
      },
    });
    return { process, tickwork, busy: false };
  }

  #work(process: Process, type: "work" | "short" | "fresh", version = 1) {
    return defineTask({
      type,
      ...(version > 1 ? { version, migrate: (data: unknown) => data } : {}),
      ...(type === "short" ? { batch: { size: BATCH_SIZE, settleWithinMs: 200 } } : {}),
      maxAttempts: MAX_ATTEMPTS,
      timeoutSeconds: TIMEOUT_SECONDS,
      backoffMs: () => BACKOFF_MS,
      run: async (data, context: TaskContext) => {
        const { ms, fails = 0, stubbornMs = 0, progress = false } = (data ?? { ms: 0 }) as Work;
        if ((context.task.version ?? 1) > version)
          this.#world.violate(
            `${process.name} runs version ${context.task.version} of a type, and knows ${version}`,
          );
        const execution = this.#watcher.begin(context.task, context.attempt, process);
        try {
          if (progress) await context.progress(0.5);
          if (ms > 0) await process.clock.sleep(ms, context.signal);
          if (context.signal.aborted) {
            await process.clock.sleep(stubbornMs);
            throw context.signal.reason;
          }
          if (context.attempt <= fails) throw new Error(`it fails ${fails} times`);
          return { attempt: context.attempt };
        } finally {
          execution.ended = true;
          if (context.signal.aborted) this.#watcher.stopped(execution, context.signal.reason);
        }
      },
    });
  }

  /** An invocation of a function: in a container that is free, or in a new one. */
  async #invoke(name: "tick" | "refresh", event: TickEvent): Promise<void> {
    let container = this.containers.find(({ process, busy }) => process.alive && !busy);
    if (!container) {
      container = this.start("worker");
      this.containers.push(container);
      container.busy = true;
      await this.#world.sleep(this.#world.between(...COLD_START_MS));
    }
    container.busy = true;
    const { process, tickwork } = container;
    try {
      await this.#orDeath(process, () =>
        name === "refresh"
          ? tickwork.worker.refresh()
          : tickwork.worker.tick({ ...event, timeLeftMs: this.#options.invocationMs }),
      );
    } finally {
      container.busy = false;
    }
  }

  /** What a process does, as who waits for it sees it: its death, and the end of its time, are failures. */
  #orDeath(process: Process, work: () => Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      const forget = process.onDeath(() => {
        cancel();
        reject(new Error("the process died"));
      });
      const cancel = this.#world.after(this.#options.invocationMs, () => {
        this.#world.tell(`${process.name} is out of time`);
        process.kill();
      });
      const end = (act: () => void) => {
        forget();
        cancel();
        act();
      };
      if (!process.alive) return end(() => reject(new Error("the process is dead")));
      work().then(
        () => end(resolve),
        (error: unknown) => end(() => reject(error)),
      );
    });
  }

  /** A call of the API, in a process of its own that may die in the middle; undefined when it failed. */
  async call<T>(
    work: (tickwork: Tickwork) => Promise<T>,
    diesAfterMs?: number,
    newer?: boolean,
  ): Promise<{ value: T } | undefined> {
    const { process, tickwork } = this.start("api", newer);
    if (diesAfterMs !== undefined) this.#world.after(diesAfterMs, () => process.kill());
    let answer: { value: T } | undefined;
    try {
      await this.#orDeath(process, async () => {
        answer = { value: await work(tickwork) };
      });
    } catch (error) {
      if (isMistake(error)) this.#world.violate(`a mistake in the code: ${error}`);
      this.#world.tell(`${process.name}: ${(error as Error).message}`);
    }
    process.alive = false;
    return answer;
  }

  /** New code: every container is asked to stop, as with SIGTERM, and gone a moment later. */
  async deploy(): Promise<void> {
    await Promise.all(
      this.containers.splice(0).map(async (container) => {
        container.process.drainsSinceMs = this.#world.nowMs;
        await this.#orDeath(container.process, () => container.tickwork.worker.shutdown()).catch(() => {});
        // An invocation that is under way ends by itself.
        while (container.busy && container.process.alive) await this.#world.sleep(100);
        container.process.kill();
      }),
    );
  }
}

/** No server answers with these: the program itself is wrong, and a story would not notice what it left undone. */
const isMistake = (error: unknown) =>
  error instanceof ReferenceError || (error instanceof TypeError && error.cause === undefined);

/** A logger that tells the story. */
function tellTale(world: World, process: Process): typeof silent {
  const tell = (message: string, fields?: Record<string, unknown>) =>
    world.tell(`${process.name}: ${message}${fields ? ` ${JSON.stringify(fields)}` : ""}`);
  return { debug: () => {}, info: tell, warn: tell, error: tell, with: () => tellTale(world, process) };
}
