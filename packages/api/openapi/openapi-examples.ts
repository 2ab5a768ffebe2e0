/** The examples in `/openapi.json`. The compiler holds them to the types, a test to the schemas. */
import type {
  ApiKey,
  AuditEntry,
  BulkRequest,
  CacheStats,
  Health,
  Identity,
  NewTask,
  Overview,
  Pause,
  Task,
  TypeInfo,
} from "#core";
import type { operations } from "../operations/operations.ts";
import { limitExamples } from "./limit-examples.ts";
import { scheduleExamples } from "./schedule-examples.ts";

interface Examples {
  request?: unknown;
  answer?: unknown;
  otherwise?: unknown;
}

const newTask: NewTask = {
  type: "http_request",
  scheduled_time: "2026-11-24T09:00:00Z",
  task_data: { url: "https://example.com/report", method: "POST" },
  max_attempts: 3,
};

const waiting: Task = {
  id: 7,
  task_status: "Not started",
  type: "http_request",
  scheduled_time: "2026-11-24T09:00:00.000Z",
  attachment_id: null,
  task_data: { url: "https://example.com/report", method: "POST" },
  result_data: null,
  error_data: null,
  userCreated_Id: null,
  userUpdated_Id: null,
  createdAt: "2026-11-24T08:30:00.000Z",
  updatedAt: "2026-11-24T08:30:00.000Z",
  attempts: 0,
  max_attempts: 3,
  version: null,
  crashes: 0,
  excused: 0,
  progress: null,
  cancel_requested: false,
  started_at: null,
  finished_at: null,
  slot: null,
  lease_expires_at: null,
  history: null,
  lateness: null,
  schedule: null,
  schedule_time: null,
  priority: null,
  queue: null,
  concurrency_key: null,
  lane: null,
  rev: 1,
  unique_key: null,
  unique_for: null,
};

const running: Task = {
  ...waiting,
  task_status: "Running",
  attempts: 1,
  progress: 0.5,
  started_at: "2026-11-24T09:00:00.120Z",
  slot: 0,
  lease_expires_at: "2026-11-24T09:01:00.120Z",
  rev: 2,
};

const completed: Task = {
  ...waiting,
  task_status: "Completed",
  attempts: 1,
  result_data: { status: 200 },
  started_at: "2026-11-24T09:00:00.120Z",
  finished_at: "2026-11-24T09:00:01.480Z",
  updatedAt: "2026-11-24T09:00:01.480Z",
  rev: 3,
};

const failed = (message: string, code: string): Task => ({
  ...waiting,
  task_status: "Error",
  error_data: { message, name: "CancelledError", code, attempts: 0 },
  finished_at: "2026-11-24T08:45:00.000Z",
  rev: 2,
});

const bulkTask: Task = {
  ...waiting,
  id: 8,
  type: "tickwork_bulk",
  scheduled_time: "2026-11-24T08:30:00.000Z",
  task_data: {
    action: "retry",
    filter: { type: "http_request", dead: true, created_from: "2026-11-23T00:00:00.000Z" },
  },
  max_attempts: null,
};

const pause: Pause = {
  type: "http_request",
  reason: "the partner's API is down",
  created_at: "2026-11-24T08:40:00.000Z",
  created_by: "API_KEY",
};

const stats: CacheStats = {
  cachedTasksCount: 5,
  isTaskRunning: false,
  refreshInterval: 600_000,
  refreshIntervalSeconds: 600,
  maxRefreshIntervalSeconds: 10_800,
  taskTimeWindow: "4 hours",
  initialized: true,
  lastRefreshed: "2026-11-24T08:40:00.000Z",
};

const overview: Overview = {
  now: "2026-11-24T08:45:00.000Z",
  counts: {
    "Not started": { count: 5, exact: true },
    Running: { count: 0, exact: true },
    Completed: { count: 1_204_311, exact: false },
    Error: { count: 3, exact: true },
  },
  flag: { held_by: null },
  finished: {
    bucket_seconds: 225,
    counted_since: null,
    buckets: [{ completed: 12, failed: 1, late: 1, latest_ms: 1_500 }],
  },
  upcoming: { bucket_seconds: 300, overdue: 0, cut: false, buckets: [5] },
};

const type: TypeInfo = {
  type: "http_request",
  runs: "here",
  max_attempts: 1,
  timeout_seconds: 750,
  batch_size: null,
  waiting: 5,
  due: 0,
  running: 0,
  recent: [{ id: 7, completed: true }],
  median_ms: 1_360,
};

const healthy: Health = {
  healthy: true,
  stats,
  last: {
    postgres: "2026-11-24T08:44:58.000Z",
    redis: "2026-11-24T08:45:00.000Z",
    refresh: "2026-11-24T08:40:00.000Z",
    write: "2026-11-24T08:44:58.000Z",
  },
};

const apiKey: ApiKey = {
  id: 3,
  name: "shop",
  scopes: ["read", "write"],
  created_at: "2026-11-24T08:30:00.000Z",
  expires_at: "2027-11-24T00:00:00.000Z",
  used_at: null,
};

const entry: AuditEntry = {
  id: 12,
  at: "2026-11-24T08:30:00.000Z",
  action: "key_created",
  subject: "3 shop: read, write",
  key_id: null,
  key_name: "API_KEY",
  user_id: "ada",
};

const session: Identity = {
  name: "API_KEY",
  scopes: ["read", "write", "admin"],
  expires_at: "2026-11-24T16:30:00.000Z",
};

/** Of the form of a key, and none. */
const SHOWN_KEY = `tw_${"x".repeat(43)}`;

export const examples: Partial<Record<keyof typeof operations, Examples>> = {
  createTasks: {
    request: newTask,
    answer: waiting,
    otherwise: { ...waiting, unique_key: "report", unique_for: "waiting", unique_outcome: "kept" },
  },
  listTasks: { answer: { tasks: [completed], next_cursor: "YmVmb3JlOjc" } },
  notStarted: { answer: [waiting] },
  isRunning: { answer: { isRunning: false } },
  setRunning: { request: { isRunning: false }, answer: { isRunning: false } },
  refresh: { answer: stats },
  stats: { answer: stats },
  overview: { answer: overview },
  listTypes: { answer: { types: [type], next: null } },
  getType: {
    answer: {
      ...type,
      schema: { type: "object", properties: { url: { type: "string" } }, required: ["url"] },
    },
  },
  resetStuck: { answer: { reset: [], isRunning: false } },
  getTask: { answer: completed },
  changeTask: { request: { scheduled_time: "2026-11-24T09:00:00Z" }, answer: waiting },
  retryTask: { answer: waiting },
  cancelTask: {
    answer: failed("the task was cancelled before it started", "cancelled"),
    otherwise: { ...running, cancel_requested: true },
  },
  bulk: {
    request: {
      action: "retry",
      filter: { type: "http_request", dead: true, created_from: "2026-11-23T00:00:00Z" },
    } satisfies BulkRequest,
    answer: bulkTask,
    otherwise: { count: 1_204, exact: true },
  },
  pause: { request: { type: "http_request", reason: "the partner's API is down" }, answer: pause },
  listPauses: { answer: [pause] },
  resume: { answer: { resumed: true } },
  ...limitExamples,
  ...scheduleExamples,
  runSchedule: { answer: { ...waiting, schedule: "weekday report", schedule_time: waiting.scheduled_time } },
  createKey: {
    request: { name: "shop", scopes: ["read", "write"], expires_at: "2027-11-24T00:00:00Z" },
    answer: { ...apiKey, key: SHOWN_KEY },
  },
  listKeys: { answer: { keys: [apiKey] } },
  audit: { answer: { entries: [entry], next_cursor: null } },
  signIn: { request: { key: SHOWN_KEY }, answer: session },
  session: { answer: session },
  hook: { request: { data: { id: 7 } }, answer: { ran: 0, failed: 0 } },
  health: {
    answer: healthy,
    otherwise: {
      ...healthy,
      healthy: false,
      stats: { ...stats, initialized: false, lastRefreshed: null },
      last: { ...healthy.last, refresh: null },
    },
  },
};
