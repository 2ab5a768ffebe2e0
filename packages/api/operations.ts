/** Every operation of the API, once: its path for the routes, and what `/openapi.json` says about it. */
import type * as v from "valibot";
import * as s from "./schemas.ts";

export interface Operation {
  method: "get" | "post" | "put" | "patch" | "delete";
  path: string;
  summary: string;
  json?: v.GenericSchema;
  query?: v.GenericSchema;
  headers?: Record<string, string>;
  /** The status and the body of a success. */
  answer: { status: 200 | 201 | 202 | 204; schema?: v.GenericSchema };
  /** Other statuses that it may answer with, apart from 401 and 503. */
  errors: readonly number[];
  /** Needs no key. */
  open?: boolean;
}

const USER = {
  "Tickwork-User":
    "Who asks, as the caller says: kept in userCreated_Id or userUpdated_Id, 1 to 255 characters. It is not checked.",
};

export const operations = {
  createTasks: {
    method: "post",
    path: "/tasks",
    summary: "Creates a task, or up to 1,000 in an array: all or none.",
    json: s.NewTasksSchema,
    headers: {
      "Idempotency-Key": "The same key within 24 hours answers with the same tasks and creates none.",
      ...USER,
    },
    answer: { status: 201, schema: s.CreatedSchema },
    errors: [400, 409, 413, 422],
  },
  listTasks: {
    method: "get",
    path: "/tasks",
    summary: "Tasks, the newest first.",
    query: s.ListQuerySchema,
    answer: { status: 200, schema: s.TaskListSchema },
    errors: [422],
  },
  notStarted: {
    method: "get",
    path: "/tasks/not-started",
    summary: "The waiting tasks that are due within 4 hours, by due time (getNotStartedTasks).",
    answer: { status: 200, schema: s.TasksSchema },
    errors: [],
  },
  isRunning: {
    method: "get",
    path: "/tasks/running",
    summary: "Whether a task is running anywhere (isTaskRunning).",
    answer: { status: 200, schema: s.RunningSchema },
    errors: [],
  },
  setRunning: {
    method: "put",
    path: "/tasks/running",
    summary: "The operator's override of the running flag (setTaskRunning).",
    json: s.RunningSchema,
    answer: { status: 200, schema: s.RunningSchema },
    errors: [400, 413, 422],
  },
  refresh: {
    method: "post",
    path: "/tasks/refresh",
    summary: "Rebuilds the cache from Postgres (forceRefresh), and answers as stats does.",
    answer: { status: 200, schema: s.StatsSchema },
    errors: [],
  },
  stats: {
    method: "get",
    path: "/tasks/stats",
    summary: "The state of the cache (getCacheStats).",
    answer: { status: 200, schema: s.StatsSchema },
    errors: [],
  },
  resetStuck: {
    method: "post",
    path: "/tasks/reset-stuck",
    summary:
      "Ends every running task in Error, releases the running flags, and answers with the tasks that were reset.",
    answer: { status: 200, schema: s.ResetSchema },
    errors: [],
  },
  getTask: {
    method: "get",
    path: "/tasks/:id",
    summary: "A task.",
    answer: { status: 200, schema: s.TaskSchema },
    errors: [404],
  },
  changeTask: {
    method: "patch",
    path: "/tasks/:id",
    summary: "Changes a task that has not started.",
    json: s.TaskChangesSchema,
    headers: USER,
    answer: { status: 200, schema: s.TaskSchema },
    errors: [400, 404, 409, 413, 422],
  },
  deleteTask: {
    method: "delete",
    path: "/tasks/:id",
    summary: "Deletes a task that is not running.",
    answer: { status: 204 },
    errors: [404, 409],
  },
  retryTask: {
    method: "post",
    path: "/tasks/:id/retry",
    summary: "Starts a finished task anew, at once.",
    headers: USER,
    answer: { status: 200, schema: s.TaskSchema },
    errors: [400, 404, 409, 422],
  },
  cancelTask: {
    method: "post",
    path: "/tasks/:id/cancel",
    summary: "Ends a waiting task in Error; asks a running one to stop (then the answer is 202).",
    headers: USER,
    answer: { status: 200, schema: s.TaskSchema },
    errors: [400, 404, 409, 422],
  },
  hook: {
    method: "post",
    path: "/hooks/:collection/:event",
    summary:
      "Reports that an item of a collection was created, changed or deleted elsewhere. For baasix_Tasks, the cache follows.",
    json: s.HookSchema,
    answer: { status: 200, schema: s.HookAnswerSchema },
    errors: [400, 404, 413, 422],
  },
  health: {
    method: "get",
    path: "/health/tasks",
    summary: "200 when Tickwork is healthy, otherwise 500.",
    answer: { status: 200, schema: s.HealthSchema },
    errors: [500],
    open: true,
  },
  openapi: {
    method: "get",
    path: "/openapi.json",
    summary: "This description.",
    answer: { status: 200 },
    errors: [],
  },
} as const satisfies Record<string, Operation>;
