export { type AbortCode, TaskAborted } from "./attempt.ts";
export { type Clock, type Moment, systemClock } from "./clock.ts";
export {
  type Config,
  DEFAULTS,
  type Environment,
  MAX_REFRESH_INTERVAL_SECONDS,
  readConfig,
} from "./config.ts";
export {
  createRegistry,
  defineTask,
  foreignTask,
  type Registry,
  type TaskContext,
  type TaskDefinition,
} from "./define-task.ts";
export type { Doorbell, TickEvent } from "./doorbell.ts";
export {
  ConfigError,
  type ErrorKind,
  errors,
  type Issue,
  messageOf,
  PermanentError,
  quote,
  RetryAfter,
  TickworkError,
} from "./errors.ts";
export {
  createHooks,
  HOOK_EVENTS,
  type Hook,
  type HookContext,
  type HookEvent,
  type Hooks,
} from "./hooks.ts";
export { type LazyTaskOptions, lazyTask } from "./lazy-task.ts";
export { BATCH_LIMIT, IDEMPOTENCY_HOURS, NAME_LIMIT, TASK_DATA_LIMIT_BYTES, WINDOW_MS } from "./limits.ts";
export { createLogger, type Logger, silent } from "./log.ts";
export { createEmbeddedMetrics, type Measurements, type Metrics } from "./metrics.ts";
export { migrate, SCHEMA_VERSION } from "./migrations.ts";
export { createDatabase, type Database, PostgresError, type Statement } from "./postgres.ts";
export { createRedisCommands, type RedisCommands, RedisError } from "./redis.ts";
export type { RefreshReport } from "./refresh.ts";
export {
  current,
  hooks,
  postgresOnly,
  prefixOf,
  runtime,
  type Secrets,
  useWires,
  type Wires,
} from "./runtime.ts";
export { type CacheStats, TASKS, type TasksService } from "./service.ts";
export { isUniqueViolation, type ListFilter, toTask } from "./store.ts";
export {
  type AttemptRecord,
  type Lateness,
  type NewTask,
  TASK_STATUSES,
  type Task,
  type TaskChanges,
  type TaskErrorData,
  type TaskStatus,
} from "./task.ts";
export type { TickReport } from "./tick.ts";
export { createTickwork, type Parts, type Tickwork } from "./tickwork.ts";
export { parseTime, TIME_FORMAT } from "./time.ts";
