/** The real Tickwork in memory, on a clock that something else moves. */
import {
  type Clock,
  type Config,
  createDatabase,
  createRedisCommands,
  createTickwork,
  type Database,
  type DeclaredSchedule,
  type Definitions,
  type Hooks,
  type PostgresDriver,
  systemClock,
  type Task,
  type Tickwork,
} from "#core";
import { openMemory } from "#drivers";
import { withClock } from "../core/store/statement.ts";
import { createHooks, TASKS } from "../core/tasks/hooks.ts";
import { createRegistry } from "../core/tasks/registry.ts";
import { type Activity, watchActivity } from "./activity.ts";
import { createTimelineDoorbell } from "./doorbell.ts";
import { createDrive, type Drive } from "./drive.ts";
import { readNextDueMs } from "./next-due.ts";
import { type NotedLine, noteLog } from "./noted-log.ts";
import { NOW, openDatabase } from "./postgres.ts";
import { type RunReport, reportOf } from "./report.ts";
import { seeded } from "./seeded.ts";
import { createTimeline, type Timeline } from "./timeline.ts";
import { createVirtualClock } from "./virtual-clock.ts";

export interface EngineOptions {
  definitions: Definitions;
  schedules: readonly DeclaredSchedule[] | undefined;
  config: Config;
  nowMs: number;
  hooks: Hooks | undefined;
  seed: number;
  onMove: (nowMs: number) => unknown;
  handlerLimitMs: number;
}

export interface Engine {
  tickwork: Tickwork;
  clock: Clock;
  drive: Drive;
  logged: readonly NotedLine[];
  /** The attempts that ended since this was last called. */
  takeRuns(): RunReport[];
  close(): Promise<void>;
}

/** So many times at one moment, tasks may create tasks that are due at that moment. */
const GENERATIONS_LIMIT = 100;
/** Running tasks that a message names. */
const NAMED_LIMIT = 5;

export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { definitions, config, handlerLimitMs } = options;
  // Refuses what is not usable before anything is opened.
  const { ours, encryption } = createRegistry(definitions, { keys: config.encryptionKeys });
  const timeline = createTimeline(options.nowMs);
  const { log, lines } = noteLog();
  const activity = watchActivity({
    limitMs: handlerLimitMs,
    stuck: async () => stuck(tickwork, handlerLimitMs),
  });
  const clock = createVirtualClock(timeline, activity.fallAsleep);
  const postgres = await openDatabase(clock.now);
  const door = closable(postgres, activity);
  const generations = watchGenerations(options.hooks ?? createHooks(log), (error) => {
    activity.fail(error);
    // Nothing more is claimed: it ends here.
    void tickwork.worker.shutdown();
  });
  const runs: RunReport[] = [];
  let tokens = 0;
  const tickwork: Tickwork = createTickwork({
    config,
    log,
    database: door.database,
    redis: config.cacheEnabled ? createRedisCommands(openMemory(clock.now)) : undefined,
    doorbell: createTimelineDoorbell(timeline, (event) => activity.begin(() => tickwork.worker.tick(event))),
    definitions,
    schedules: options.schedules,
    hooks: generations.hooks,
    clock,
    now: NOW,
    newToken: () => `token-${++tokens}`,
    random: seeded(options.seed),
    // In a test, the process goes on.
    exit: (reason) => log.error("in a deployment, the process would give up", { reason }) as never,
    onAttempt(task, end) {
      activity.goOn();
      const outcome = end.outcome && encryption.openOutcome(task, end.outcome);
      runs.push(reportOf(task, { ...end, outcome }));
      generations.ran(task);
    },
  });
  const timed = withClock(tickwork.database, NOW);
  const drive = createDrive({
    timeline,
    activity,
    nextDueMs: () => readNextDueMs(timed, ours),
    refresh: () => tickwork.worker.refresh(),
    refreshIntervalMs: config.refreshIntervalSeconds * 1000,
    moved: options.onMove,
    begun: generations.begun,
  });
  // As a deployment does when it starts.
  await tickwork.worker.refresh();
  return {
    // SQL of a test has the time of the test.
    tickwork: { ...tickwork, database: timed },
    clock,
    drive,
    logged: lines,
    takeRuns: () => runs.splice(0),
    async close() {
      await endRuns(tickwork, timeline, activity);
      await door.close();
    },
  };
}

/** Interrupts what runs, as the end of a process does, and lets the time pass that it has to stop. */
async function endRuns({ worker }: Tickwork, timeline: Timeline, activity: Activity): Promise<void> {
  const ended = worker.shutdown();
  // Nobody cares any more what a handler does that does not stop.
  ended.catch(() => {});
  while (activity.goesOn && timeline.nextMs !== undefined) {
    timeline.step();
    await activity.rest().catch(() => {});
  }
}

/** What still goes on after the end meets a closed door, and never the next test's tasks. */
function closable(postgres: PostgresDriver, activity: Activity) {
  // A failure of PGlite passes in real time, if at all.
  const { query, transaction } = createDatabase(postgres, systemClock);
  let closed = false;
  const within = async <T>(ask: () => Promise<T>): Promise<T> => {
    if (closed) throw new Error("this test Tickwork is closed");
    return activity.during(ask());
  };
  const database: Database = {
    query: <Row>(...given: Parameters<Database["query"]>) => within(() => query<Row>(...given)),
    transaction: <Row>(...given: Parameters<Database["transaction"]>) =>
      within(() => transaction<Row>(...given)),
  };
  return {
    database,
    close: async () => {
      closed = true;
      await postgres.close();
    },
  };
}

/**
 * Finds tasks that enqueue tasks for now without end. What runs first is the first generation, what that created is the
 * second: a task may create a thousand others, but there is an end to generations.
 */
function watchGenerations(hooks: Hooks, tooMany: (error: Error) => void) {
  let newestId = 0;
  let lastOfGeneration = 0;
  let generations = 0;
  return {
    hooks: {
      ...hooks,
      fire(event, context) {
        if (context.collection === TASKS) newestId = Math.max(newestId, (context.data as Task).id);
        return hooks.fire(event, context);
      },
    } satisfies Hooks,
    begun() {
      lastOfGeneration = newestId;
      generations = 0;
    },
    ran({ id, type }: Task) {
      if (id <= lastOfGeneration) return;
      newestId = Math.max(newestId, id);
      lastOfGeneration = newestId;
      if (++generations !== GENERATIONS_LIMIT) return;
      tooMany(
        new Error(
          `Tasks enqueued tasks for now without end: ${GENERATIONS_LIMIT} generations ran while the clock stood still, the last task of type "${type}". ` +
            "If a handler goes by Date for when the next one is due, give Date the time of the test: see onMove.",
        ),
      );
    },
  };
}

async function stuck({ tasks }: Tickwork, limitMs: number): Promise<Error> {
  const running = await tasks.list({ status: "Running", limit: NAMED_LIMIT });
  const names = running
    .map(({ id, type, attempts }) => `task ${id} (${type}, attempt ${attempts})`)
    .join(", ");
  return new Error(
    `The handler of ${names || "a task"} is still running after ${limitMs} ms of real time, while the clock of the test stands still. ` +
      "Give it a fake of what it waits for, or have it wait by the clock of the test; handlerLimitMs sets the limit. " +
      "A handler that waits for its signal is aborted at its time limit: advance the clock so far.",
  );
}
