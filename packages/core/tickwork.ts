import { createHash, randomUUID } from "node:crypto";
import { type Clock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Doorbell } from "./doorbell/doorbell.ts";
import { createRinger, horizonMsOf } from "./doorbell/ringer.ts";
import { withFallback } from "./gate/fallback-gate.ts";
import type { GateOptions } from "./gate/gate.ts";
import { createLazyPostgresGate } from "./gate/lazy-postgres-gate.ts";
import { outside } from "./gate/outside-gate.ts";
import type { RedisCommands } from "./gate/redis-commands.ts";
import { createRedisGate } from "./gate/redis-gate.ts";
import { FOREIGN_LEASE_MS, WINDOW_MS } from "./limits.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { TallyDeps } from "./run/tally.ts";
import { windowMsOf } from "./run/trust.ts";
import { createAnnouncer } from "./services/announce.ts";
import { createBulk } from "./services/bulk.ts";
import { createInsight, type Insight } from "./services/insight.ts";
import { createLazySchedules } from "./services/lazy-schedules.ts";
import { createOperator, type Operator } from "./services/operator.ts";
import type { Schedules } from "./services/schedules-api.ts";
import { createTasks } from "./services/tasks.ts";
import { createVitals, watchDatabase, watchRedis } from "./services/vitals.ts";
import { createWorker, type Worker } from "./services/worker.ts";
import type { Database } from "./store/database.ts";
import { withClock } from "./store/statement.ts";
import { createStore, type Store } from "./store/store.ts";
import type { Definitions } from "./tasks/define-task.ts";
import { schedulesOf } from "./tasks/definitions-of.ts";
import { createHooks, type Hooks } from "./tasks/hooks.ts";
import { checkDeclared, createRegistry, type Registry } from "./tasks/registry.ts";
import type { DeclaredSchedule } from "./tasks/schedule.ts";
import type { Tasks } from "./tasks/tasks.ts";

/** What a Tickwork is made of. */
export interface Parts {
  config: Config;
  log: Logger;
  database: Database;
  /** Absent: Postgres alone. */
  redis?: RedisCommands | undefined;
  doorbell: Doorbell;
  definitions: Definitions;
  /** Default: those of the module that the definitions came from. */
  schedules?: readonly DeclaredSchedule[] | undefined;
  /**
   * This process runs nothing: others have the definitions, so it takes tasks of any type. Where they may not read the
   * cache that it writes to, their ticks are told to ask Postgres.
   */
  enqueuesOnly?: boolean | undefined;
  /** The longest time limit that a type may declare, in milliseconds; absent where nothing ends a process. */
  timeoutLimitMs?: number | undefined;
  /** Begins every key in Redis. Default `tickwork`. */
  prefix?: string;
  /** Default: hooks of its own. */
  hooks?: Hooks | undefined;
  /** Receives what is counted. Default: nothing does. */
  metrics?: Metrics | undefined;
  /** Told how each attempt of this process ended, with the task as it was claimed. Default: nobody is. */
  onAttempt?: TallyDeps["onAttempt"];
  /** Ends the process when a handler ignores its signal. Default `process.exit(1)`. */
  exit?: (reason: string) => never | Promise<never>;
  /** Default: the system's. */
  clock?: Clock;
  /** An SQL expression that takes the place of Postgres's clock in tests. */
  now?: string;
  /** Default `randomUUID`. */
  newToken?: () => string;
  /** The jitter of backoffs, from 0 to 1. Default `Math.random`. */
  random?: () => number;
}

/** A Tickwork: its services, and the parts that they stand on. */
export interface Tickwork {
  /** Creates, finds and changes tasks. */
  tasks: Tasks;
  /** Recurring tasks. */
  schedules: Schedules;
  /** Watches and corrects the whole. */
  operator: Operator;
  /** Runs tasks. */
  worker: Worker;
  /** Shows what is there. */
  insight: Insight;
  hooks: Hooks;
  store: Store;
  database: Database;
  /** Undefined when there is no cache. */
  redis: RedisCommands | undefined;
  /** Begins every key in Redis. */
  prefix: string;
  config: Config;
  log: Logger;
}

/**
 * Puts the parts together. It asks nothing of Postgres and Redis until a method is called.
 *
 * @throws TickworkError `bad_definition`
 * @example
 * const { tasks, worker } = createTickwork({
 *   config: readConfig({}),
 *   log: silent,
 *   database,
 *   doorbell,
 *   definitions: [defineTask({ type: "greet", run: async () => "Hello" })],
 * });
 * await tasks.create([{ type: "greet" }]);
 * await worker.tick();
 */
export function createTickwork(parts: Parts): Tickwork {
  const { config, log, clock = systemClock, now, prefix = "tickwork", enqueuesOnly = false } = parts;
  const vitals = createVitals(clock);
  const database = watchDatabase(parts.database, vitals, clock);
  const redis = parts.redis && watchRedis(parts.redis, vitals, clock);
  const leaseMs = config.runningTtlSeconds * 1000;
  const { definition: bulkTask, bulk } = createBulk(() => ({ ...deps, announcer, tasks }));
  const registry = createRegistry(parts.definitions, {
    timeoutLimitMs: parts.timeoutLimitMs,
    open: enqueuesOnly,
    windowMs: windowMsOf(config),
    builtIn: enqueuesOnly ? [] : [bulkTask],
  });
  const declared = parts.schedules ?? schedulesOf(parts.definitions);
  if (declared.length > 0) checkDeclared(declared, registry);
  const timed = now === undefined ? database : withClock(database, now);
  const store = createStore({
    database: timed,
    leaseMs,
    slots: config.concurrency,
    maxCrashes: config.maxCrashes,
    cacheLimit: config.cacheLimit,
    types: registry,
  });
  const gateOptions: GateOptions = {
    prefix,
    slots: config.concurrency,
    flagTtlMs: leaseMs,
    operatorTtlMs: FOREIGN_LEASE_MS,
    limit: config.cacheLimit,
    basis: basisOf(registry, config.cacheLimit),
    earlyMs: parts.doorbell.earlyMs,
  };
  const postgresGate = createLazyPostgresGate(timed, gateOptions, registry);
  const own = redis
    ? withFallback(createRedisGate(redis, gateOptions), postgresGate, clock, log)
    : postgresGate;
  const gate = enqueuesOnly ? outside(own, redis !== undefined, clock, log) : own;
  const hooks = parts.hooks ?? createHooks(log);
  const deps = {
    store,
    gate,
    ringer: createRinger(parts.doorbell, clock, log, {
      // How often those refresh that run tasks, a process that runs none cannot know.
      horizonMs: enqueuesOnly ? WINDOW_MS : horizonMsOf(config),
    }),
    hooks,
    registry,
    config,
    clock,
    log,
    metrics: parts.metrics,
    onAttempt: parts.onAttempt,
    random: parts.random,
    vitals,
    warned: new Set<string>(),
    newToken: parts.newToken ?? randomUUID,
    exit: parts.exit ?? exitProcess(log),
  };
  const announcer = createAnnouncer(deps);
  const { schedules, scheduler } = createLazySchedules(
    { ...deps, database: timed, declared, cacheLimit: config.cacheLimit },
    announcer,
  );
  const tasks = createTasks(deps, announcer);
  const operator = createOperator({ ...deps, scheduler, bulk }, announcer);
  const worker = createWorker({ ...deps, scheduler, tasks, deleteFinished: operator.deleteFinished });
  return {
    tasks,
    schedules,
    operator,
    worker,
    insight: createInsight(deps),
    hooks,
    store,
    database,
    redis,
    prefix,
    config,
    log,
  };
}

/** Short, for it is sent with each refresh, and there may be many types. */
function basisOf({ ours, foreign, open, windowMs }: Registry, cacheLimit: number): string {
  const parts = [[...ours].sort(), [...foreign].sort(), open, windowMs, cacheLimit];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

function exitProcess(log: Logger) {
  return (reason: string): never => {
    log.error("the process gives up", { reason });
    process.exit(1);
  };
}
