/** Every operation of the API, once: its path for the routes, and what `/openapi.json` says about it. */
import type * as v from "valibot";
import type { ErrorCode, Scope } from "#core";
import * as q from "../schemas/query-schemas.ts";
import * as s from "../schemas/schemas.ts";
import { accessOperations } from "./access-operations.ts";
import { bulkOperations } from "./bulk-operations.ts";
import { insightOperations } from "./insight-operations.ts";
import { limitOperations } from "./limit-operations.ts";
import { pauseOperations } from "./pause-operations.ts";
import { scheduleOperations } from "./schedule-operations.ts";

type Success = 200 | 201 | 202 | 204;

export interface Operation {
  method: "get" | "post" | "put" | "patch" | "delete";
  path: string;
  summary: string;
  json?: v.GenericSchema;
  query?: v.GenericSchema;
  headers?: v.ObjectSchema<v.ObjectEntries, undefined>;
  /** The status and the body of a success. */
  answer: { status: Success; schema?: v.GenericSchema; headers?: Readonly<Record<string, string>> };
  /** Another answer that is no error in the sense of the catalogue, and when it comes. */
  otherwise?: { status: Success | 500; schema: v.GenericSchema; when: string };
  /** The errors that it may answer with, apart from those that every operation may. */
  errors: readonly ErrorCode[];
  /** What the key must be for. Absent: any key will do; or none, where it is open. */
  scope?: Scope;
  /** Needs no key. */
  open?: boolean;
  /** Asked by monitors, and so often that it is not counted. */
  unlimited?: boolean;
  /**
   * Leaves parameters that it does not know alone. Elsewhere one that is misspelt must not be lost; this is asked by
   * others' programs at an address that they were given, and they may add what they need, as against caches.
   */
  anyQuery?: boolean;
}

/** What every operation may answer with; what those that need a key may, and what those that read a body may. */
export const COMMON_ERRORS = {
  all: ["malformed_request", "internal"],
  withKey: ["key_missing", "key_wrong", "key_expired", "session_ended", "cross_site", "postgres_unavailable"],
  limited: ["rate_limited", "redis_unavailable"],
  withScope: ["scope_missing"],
  withBody: ["malformed_json", "body_too_large"],
  withoutAnyQuery: ["invalid_request"],
} as const satisfies Record<string, readonly ErrorCode[]>;

export const operations = {
  createTasks: {
    method: "post",
    path: "/tasks",
    scope: "write",
    summary:
      "Creates a task, or up to 1,000 in an array: all or none. Where another task has its unique_key, the answer has that one.",
    json: s.NewTasksSchema,
    headers: s.CreateHeadersSchema,
    answer: { status: 201, schema: s.CreatedSchema },
    otherwise: {
      status: 200,
      schema: s.CreatedSchema,
      when: "No task was created: others have the unique keys. `unique_outcome` says what became of each.",
    },
    errors: [
      "too_many_tasks",
      "task_data_too_large",
      "invalid_request",
      "unknown_type",
      "idempotency_key_reused",
      "tasks_deleted",
      "postgres_unavailable",
    ],
  },
  listTasks: {
    method: "get",
    path: "/tasks",
    scope: "read",
    summary: "Tasks, the newest first.",
    query: q.ListQuerySchema,
    answer: { status: 200, schema: s.TaskListSchema },
    errors: ["invalid_request", "postgres_unavailable"],
  },
  notStarted: {
    method: "get",
    path: "/tasks/not-started",
    scope: "read",
    summary: "The waiting tasks that are due within 4 hours, by due time (getNotStartedTasks).",
    query: q.NotStartedQuerySchema,
    answer: {
      status: 200,
      schema: s.TasksSchema,
      headers: {
        Link: 'The address of the next page, with rel="next"; absent on the last one. A page has up to 1,000 tasks, and three megabytes.',
      },
    },
    errors: ["invalid_request"],
  },
  isRunning: {
    method: "get",
    path: "/tasks/running",
    scope: "read",
    summary: "Whether a task is running anywhere (isTaskRunning).",
    answer: { status: 200, schema: s.RunningSchema },
    errors: [],
  },
  setRunning: {
    method: "put",
    path: "/tasks/running",
    scope: "admin",
    summary: "The operator's override of the running flag (setTaskRunning).",
    json: s.RunningSchema,
    headers: s.UserHeadersSchema,
    answer: { status: 200, schema: s.RunningSchema },
    errors: ["invalid_request", "postgres_unavailable"],
  },
  refresh: {
    method: "post",
    path: "/tasks/refresh",
    scope: "admin",
    summary:
      "Rebuilds the cache from Postgres (forceRefresh), and answers as stats does. It deletes nothing that is over age.",
    headers: s.UserHeadersSchema,
    answer: { status: 200, schema: s.StatsSchema },
    errors: ["postgres_unavailable", "refresh_too_slow"],
  },
  stats: {
    method: "get",
    path: "/tasks/stats",
    scope: "read",
    summary: "The state of the cache (getCacheStats).",
    answer: { status: 200, schema: s.StatsSchema },
    errors: [],
  },
  ...insightOperations,
  resetStuck: {
    method: "post",
    path: "/tasks/reset-stuck",
    scope: "admin",
    summary:
      "Ends every running task in Error, releases the running flags, and answers with the tasks that were reset.",
    headers: s.UserHeadersSchema,
    answer: { status: 200, schema: s.ResetSchema },
    errors: ["postgres_unavailable"],
  },
  getTask: {
    method: "get",
    path: "/tasks/:id",
    scope: "read",
    summary: "A task.",
    answer: { status: 200, schema: s.TaskSchema },
    errors: ["task_not_found", "postgres_unavailable"],
  },
  changeTask: {
    method: "patch",
    path: "/tasks/:id",
    scope: "write",
    summary: "Changes a task that has not started.",
    json: s.TaskChangesSchema,
    headers: s.UserHeadersSchema,
    answer: { status: 200, schema: s.TaskSchema },
    errors: [
      "task_not_found",
      "task_running",
      "task_finished",
      "task_state",
      "unique_key_taken",
      "task_data_too_large",
      "invalid_request",
      "unknown_type",
      "postgres_unavailable",
    ],
  },
  deleteTask: {
    method: "delete",
    path: "/tasks/:id",
    scope: "write",
    summary: "Deletes a task that is not running.",
    headers: s.UserHeadersSchema,
    answer: { status: 204 },
    errors: ["task_not_found", "task_running", "task_state", "invalid_request", "postgres_unavailable"],
  },
  retryTask: {
    method: "post",
    path: "/tasks/:id/retry",
    scope: "write",
    summary: "Starts a finished task anew, at once.",
    headers: s.UserHeadersSchema,
    answer: { status: 200, schema: s.TaskSchema },
    errors: [
      "task_not_found",
      "task_running",
      "task_waiting",
      "task_state",
      "unique_key_taken",
      "invalid_request",
      "postgres_unavailable",
    ],
  },
  cancelTask: {
    method: "post",
    path: "/tasks/:id/cancel",
    scope: "write",
    summary: "Ends a waiting task in Error; asks a running one to stop.",
    headers: s.UserHeadersSchema,
    answer: { status: 200, schema: s.TaskSchema },
    otherwise: { status: 202, schema: s.TaskSchema, when: "The task is running, and was asked to stop." },
    errors: ["task_not_found", "task_finished", "task_state", "invalid_request", "postgres_unavailable"],
  },
  ...bulkOperations,
  ...pauseOperations,
  ...limitOperations,
  ...scheduleOperations,
  hook: {
    method: "post",
    path: "/hooks/:collection/:event",
    scope: "write",
    summary:
      "Reports that an item of a collection was created, changed or deleted elsewhere. For baasix_Tasks, the cache follows.",
    json: s.HookSchema,
    answer: { status: 200, schema: s.HookAnswerSchema },
    errors: ["unknown_event", "invalid_request", "postgres_unavailable"],
    anyQuery: true,
  },
  health: {
    method: "get",
    path: "/health/tasks",
    summary: "200 when Tickwork is healthy, otherwise 500.",
    answer: { status: 200, schema: s.HealthSchema },
    otherwise: { status: 500, schema: s.HealthSchema, when: "Something needs attention; `stats` says what." },
    errors: [],
    open: true,
    unlimited: true,
    anyQuery: true,
  },
  ...accessOperations,
  openapi: {
    method: "get",
    path: "/openapi.json",
    scope: "read",
    summary: "This description.",
    answer: { status: 200, schema: s.DocumentSchema },
    errors: [],
  },
} as const satisfies Record<string, Operation>;
