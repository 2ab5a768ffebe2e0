export { type Clock, type Moment, systemClock } from "./clock.ts";
export {
  type Config,
  DEFAULTS,
  type Environment,
  MAX_REFRESH_INTERVAL_SECONDS,
  readConfig,
} from "./config.ts";
export { current, hooks, install, installed } from "./current.ts";
export type { Doorbell, TickEvent } from "./doorbell/doorbell.ts";
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
export { createRedisCommands, type RedisCommands, RedisError } from "./gate/redis-commands.ts";
export { BATCH_LIMIT, IDEMPOTENCY_HOURS, NAME_LIMIT, TASK_DATA_LIMIT_BYTES, WINDOW_MS } from "./limits.ts";
export { createLogger, type Logger, silent } from "./log.ts";
export { createEmbeddedMetrics, type Measurements, type Metrics } from "./metrics.ts";
export { type AbortCode, TaskAborted } from "./run/abort.ts";
export type { RefreshReport } from "./run/refresh.ts";
export type { TickReport } from "./run/tally.ts";
export { type CacheStats, TASKS, type TasksService } from "./services/service.ts";
export { createDatabase, type Database, PostgresError, type Statement } from "./store/database.ts";
export { migrate, SCHEMA_VERSION } from "./store/migrations.ts";
export { isUniqueViolation } from "./store/postgres-errors.ts";
export { toTask } from "./store/rows.ts";
export type { ListFilter } from "./store/store.ts";
export {
  createRegistry,
  defineTask,
  foreignTask,
  type Registry,
  type TaskContext,
  type TaskDefinition,
} from "./tasks/define-task.ts";
export {
  createHooks,
  HOOK_EVENTS,
  type Hook,
  type HookContext,
  type HookEvent,
  type Hooks,
} from "./tasks/hooks.ts";
export { type LazyTaskOptions, lazyTask } from "./tasks/lazy-task.ts";
export {
  type AttemptRecord,
  type Lateness,
  type NewTask,
  TASK_STATUSES,
  type Task,
  type TaskChanges,
  type TaskErrorData,
  type TaskStatus,
} from "./tasks/task.ts";
export { parseTime, TIME_FORMAT } from "./tasks/time.ts";
export { createTickwork, type Parts, type Tickwork } from "./tickwork.ts";
