/**
 * The public entry: what users get as `tickwork`, and other rooms as `#core`. Everything in it has a docstring, whose
 * examples `test/core/examples.test.ts` checks. Rooms import internals from their own files, by relative path.
 */
export type {
  Actor,
  ApiKey,
  AuditAction,
  AuditEntry,
  Identity,
  MadeApiKey,
  NewApiKey,
  Scope,
} from "./api-key.ts";
export { type Clock, type Moment, systemClock } from "./clock.ts";
export { type Config, type Environment, readConfig } from "./config.ts";
export { current, hooks } from "./current.ts";
export type { Doorbell, TickEvent } from "./doorbell/doorbell.ts";
export type { EncryptionKey } from "./encryption-keys.ts";
export {
  ConfigError,
  type ErrorCode,
  type ErrorKind,
  type Issue,
  PermanentError,
  RetryAfter,
  type TaskErrorCode,
  TickworkError,
} from "./errors.ts";
export {
  createRedisCommands,
  type RedisCommands,
  type RedisDriver,
  RedisError,
  type RedisReply,
} from "./gate/redis-commands.ts";
export { createLogger, type Logger, silent } from "./log.ts";
export type { Measurements, Metrics } from "./metrics.ts";
export { type AbortCode, TaskAborted } from "./run/abort.ts";
export type { RefreshReport } from "./run/refresh.ts";
export type { Ending, TickReport } from "./run/tally.ts";
export type { CacheStats, Health } from "./services/health.ts";
export type { Insight, Overview, TypeInfo } from "./services/insight.ts";
export type { Operator } from "./services/operator.ts";
export type { Schedules } from "./services/schedules-api.ts";
export type { Worker } from "./services/worker.ts";
export {
  createDatabase,
  type Database,
  type PostgresDriver,
  PostgresError,
  type Statement,
} from "./store/database.ts";
export { type MigrateOptions, migrate } from "./store/schema/migrate.ts";
export {
  type DeclaredLimit,
  defineLimit,
  type LimitDefinition,
  type TypeLimit,
} from "./tasks/define-limit.ts";
export { defineSchedule, type ScheduleDefinition } from "./tasks/define-schedule.ts";
export {
  type BatchContext,
  type BatchItem,
  type BatchOptions,
  type DataOf,
  type DefinitionOf,
  type Definitions,
  defineTask,
  type EnqueueArguments,
  type EnqueueEntry,
  type EnqueueOptions,
  type Enqueuer,
  type ResultOf,
  type TaskContext,
  type TaskDefinition,
  type TaskOf,
  type TaskSettings,
} from "./tasks/define-task.ts";
export type { BulkAction, BulkCount, BulkRequest, BulkResult, TaskFilter } from "./tasks/filter.ts";
export { foreignTask } from "./tasks/foreign-task.ts";
export type { HandlerConfig } from "./tasks/handler-config.ts";
export type { Hook, HookContext, HookEvent, Hooks } from "./tasks/hooks.ts";
export { type LazySchema, type LazyTaskOptions, lazyTask } from "./tasks/lazy-task.ts";
export type { Limit, LimitHold, LimitTarget, LimitTerms, Rate } from "./tasks/limit.ts";
export type { TaskNotes } from "./tasks/notes.ts";
export type { Pause, PauseTarget } from "./tasks/pause.ts";
export type { ItemOutcome } from "./tasks/run-many.ts";
export type {
  CatchUp,
  DeclaredSchedule,
  LastOccurrence,
  Overlap,
  Schedule,
  ScheduleChanges,
  ScheduleTimes,
} from "./tasks/schedule.ts";
export { type ListPlace, TASK_SORTS, type TaskSort } from "./tasks/sort.ts";
export type { Stored } from "./tasks/stored.ts";
export {
  type AttemptRecord,
  type Lateness,
  type NewTask,
  type OnConflict,
  TASK_STATUSES,
  type Task,
  type TaskChanges,
  type TaskErrorData,
  type TaskStatus,
  type UniqueBy,
  type UniqueFor,
  type Uniqueness,
  type UniqueOutcome,
} from "./tasks/task.ts";
export { TaskFailedError } from "./tasks/task-failed.ts";
export type { By, CreateOptions, ListFilter, Tasks } from "./tasks/tasks.ts";
export { createTickwork, type Parts, type Tickwork } from "./tickwork.ts";
