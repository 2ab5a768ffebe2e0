import { randomUUID } from "node:crypto";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type Clock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Doorbell } from "./doorbell/doorbell.ts";
import { createRinger } from "./doorbell/ringer.ts";
import { withFallback } from "./gate/fallback-gate.ts";
import type { GateOptions } from "./gate/gate.ts";
import { createPostgresGate } from "./gate/postgres-gate.ts";
import type { RedisCommands } from "./gate/redis-commands.ts";
import { createRedisGate } from "./gate/redis-gate.ts";
import { FOREIGN_LEASE_MS } from "./limits.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { createTasksService, type TasksService } from "./services/service.ts";
import type { Database } from "./store/database.ts";
import { withClock } from "./store/statement.ts";
import { createStore, type Store } from "./store/store.ts";
import { createRegistry, type TaskDefinition } from "./tasks/define-task.ts";
import { createHooks, type Hooks } from "./tasks/hooks.ts";

/** What a Tickwork is made of. */
export interface Parts {
  config: Config;
  log: Logger;
  database: Database;
  /** Absent: Postgres alone. */
  redis?: RedisCommands | undefined;
  doorbell: Doorbell;
  definitions: readonly TaskDefinition<StandardSchemaV1>[];
  /** What a handler may declare at most, in milliseconds; absent where nothing ends a process. */
  timeoutLimitMs?: number | undefined;
  /** Begins every key in Redis. */
  prefix?: string;
  /** Absent: hooks of its own. */
  hooks?: Hooks | undefined;
  metrics?: Metrics | undefined;
  /** Ends the process: a handler goes on although it was told to stop. */
  exit?: (reason: string) => never | Promise<never>;
  clock?: Clock;
  /** An SQL expression that takes the place of Postgres's clock in tests. */
  now?: string;
  newToken?: () => string;
}

export interface Tickwork {
  tasks: TasksService;
  hooks: Hooks;
  store: Store;
  database: Database;
  /** Absent when there is no cache. */
  redis: RedisCommands | undefined;
  /** Begins every key in Redis. */
  prefix: string;
  config: Config;
  log: Logger;
}

/**
 * Puts the parts together. Nothing is asked of Postgres or Redis before it is used.
 *
 * @throws TickworkError when the definitions of tasks are not usable
 */
export function createTickwork(parts: Parts): Tickwork {
  const { config, log, database, redis, clock = systemClock, now, prefix = "tickwork" } = parts;
  const leaseMs = config.runningTtlSeconds * 1000;
  const registry = createRegistry(
    parts.definitions,
    parts.timeoutLimitMs === undefined ? {} : { timeoutLimitMs: parts.timeoutLimitMs },
  );
  const timed = now === undefined ? database : withClock(database, now);
  const store = createStore({
    database: timed,
    leaseMs,
    maxCrashes: config.maxCrashes,
    cacheLimit: config.cacheLimit,
    foreign: registry.foreign,
  });
  const gateOptions: GateOptions = {
    prefix,
    slots: config.concurrency,
    flagTtlMs: leaseMs,
    operatorTtlMs: FOREIGN_LEASE_MS,
    limit: config.cacheLimit,
    earlyMs: parts.doorbell.earlyMs,
  };
  const postgresGate = createPostgresGate(timed, gateOptions, registry.foreign);
  const gate = redis
    ? withFallback(createRedisGate(redis, gateOptions), postgresGate, clock, log)
    : postgresGate;
  const hooks = parts.hooks ?? createHooks(log);
  const tasks = createTasksService({
    store,
    gate,
    hooks,
    config,
    clock,
    log,
    registry,
    ringer: createRinger(parts.doorbell, clock, log, { horizonMs: 2 * config.refreshIntervalSeconds * 1000 }),
    newToken: parts.newToken ?? randomUUID,
    exit: parts.exit ?? exitProcess(log),
    metrics: parts.metrics,
  });
  return {
    tasks,
    hooks,
    store,
    database,
    redis,
    prefix,
    config,
    log,
  };
}

function exitProcess(log: Logger) {
  return (reason: string): never => {
    log.error("the process is given up", { reason });
    process.exit(1);
  };
}
