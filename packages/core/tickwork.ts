import { createHash, randomUUID } from "node:crypto";
import { type Clock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Doorbell } from "./doorbell/doorbell.ts";
import { createRinger, horizonMsOf } from "./doorbell/ringer.ts";
import { ENCRYPTION_KEYS_ACCEPTED } from "./encryption-keys.ts";
import { ConfigError, mustBe, quote } from "./errors.ts";
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
import { declaringLimits } from "./services/lazy-limits.ts";
import { createLazySchedules } from "./services/lazy-schedules.ts";
import { createOperator, type Operator } from "./services/operator.ts";
import type { Schedules } from "./services/schedules-api.ts";
import { createTasks } from "./services/tasks.ts";
import { createVitals, watchDatabase, watchRedis } from "./services/vitals.ts";
import { createWorker, type Worker } from "./services/worker.ts";
import type { Database } from "./store/database.ts";
import { readRows } from "./store/read-only.ts";
import { withClock } from "./store/statement.ts";
import { createStore, type Store } from "./store/store.ts";
import { checkLimits, type DeclaredLimit } from "./tasks/define-limit.ts";
import type { Definitions } from "./tasks/define-task.ts";
import { limitsOf, schedulesOf } from "./tasks/definitions-of.ts";
import type { Encryption } from "./tasks/encryption.ts";
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
  /** Beside those that definitions say. Default: those of the module that the definitions came from. */
  limits?: readonly DeclaredLimit[] | undefined;
  /**
   * This process runs nothing: others have the definitions, so it takes tasks of any type. Where they may not read the
   * cache that it writes to, their ticks are told to ask Postgres.
   */
  enqueuesOnly?: boolean | undefined;
  /** What encrypts. Default: `encryptionKeys` of the configuration, for types whose definition says so. */
  encryption?: Encryption | undefined;
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
 * @throws TickworkError `bad_definition`; ConfigError when a type is encrypted, and there is no key
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
    keys: config.encryptionKeys,
    encryption: parts.encryption,
    builtIn: enqueuesOnly ? [] : [bulkTask],
  });
  checkKeys(parts.definitions, config);
  const declared = parts.schedules ?? schedulesOf(parts.definitions);
  if (declared.length > 0) checkDeclared(declared, registry);
  const limits = checkLimits(parts.definitions, parts.limits ?? limitsOf(parts.definitions));
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
    basis: basisOf(registry, config.cacheLimit, limits),
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
  const recurring = createLazySchedules(
    { ...deps, database: timed, declared, cacheLimit: config.cacheLimit },
    announcer,
  );
  const scheduler = declaringLimits(recurring.scheduler, store, registry, limits);
  const tasks = createTasks(deps, announcer);
  const operator = createOperator({ ...deps, scheduler, bulk }, announcer);
  const worker = createWorker({
    ...deps,
    scheduler,
    tasks,
    readRows: (statement) => readRows(database, statement),
    deleteFinished: operator.deleteFinished,
  });
  return {
    tasks,
    schedules: recurring.schedules,
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

/** Without a key nothing of such a type could be created or run: whoever starts the process is to know. */
function checkKeys(definitions: Definitions, { encryptionKeys }: Config): void {
  const encrypted = definitions.find(({ encrypt }) => encrypt);
  if (encrypted && encryptionKeys.length === 0)
    throw new ConfigError(
      `TASK_ENCRYPTION_KEYS ${mustBe(`keys ${ENCRYPTION_KEYS_ACCEPTED}, since tasks of type ${quote(encrypted.type)} are encrypted`, undefined)}.`,
    );
}

/** Short, for it is sent with each refresh, and there may be many types. */
function basisOf(
  { ours, foreign, open, windowMs }: Registry,
  cacheLimit: number,
  limits: readonly DeclaredLimit[],
): string {
  const parts: unknown[] = [[...ours].sort(), [...foreign].sort(), open, windowMs, cacheLimit];
  // What code declares anew, no cache vouches for: the refresh that reads Postgres declares it.
  if (limits.length > 0) parts.push(limits.map((one) => JSON.stringify(one)).sort());
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

function exitProcess(log: Logger) {
  return (reason: string): never => {
    log.error("the process gives up", { reason });
    process.exit(1);
  };
}
