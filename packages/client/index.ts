/**
 * `tickwork/client`: Tickwork's HTTP API for programs. It imports nothing but types, so it runs wherever there is `fetch`.
 * Everything in it has a docstring, whose examples `test/client/examples.test.ts` runs.
 */
export type {
  ApiKey,
  AuditAction,
  AuditEntry,
  BulkAction,
  BulkCount,
  BulkRequest,
  BulkResult,
  CacheStats,
  CatchUp,
  ErrorCode,
  Health,
  Identity,
  Issue,
  LastOccurrence,
  Limit,
  LimitHold,
  LimitTarget,
  LimitTerms,
  MadeApiKey,
  NewApiKey,
  Overlap,
  Overview,
  Pause,
  PauseTarget,
  Schedule,
  ScheduleChanges,
  Scope,
  Task,
  TaskErrorData,
  TaskFilter,
  TaskSort,
  TaskStatus,
  TypeInfo,
} from "#core";
export type { BulkTask, ClientBulk } from "./bulk.ts";
export type { Client, CreateOptions } from "./client.ts";
export { type ClientOptions, createClient } from "./create-client.ts";
export { TickworkApiError, TickworkNetworkError, TickworkTimeoutError } from "./errors.ts";
export type { ClientLimits } from "./limits.ts";
export type { CallOptions, ChangeOptions } from "./request.ts";
export type { ClientSchedules, SchedulePage } from "./schedules.ts";
export type {
  EndedTaskOf,
  ListFilter,
  NewTaskOf,
  TaskChangesOf,
  TaskOf,
  TaskPage,
  TaskRef,
  TypeOf,
} from "./typed-tasks.ts";
export type { WaitOptions } from "./wait.ts";
