/** The examples in `/openapi.json`. The compiler holds them to the types, a test to the schemas. */
import type {
  CacheStats,
  ErrorCode,
  Health,
  Issue,
  NewTask,
  Pause,
  Schedule,
  ScheduleChanges,
  Task,
} from "#core";
import type { operations } from "./operations.ts";

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

const pause: Pause = {
  type: "http_request",
  reason: "the partner's API is down",
  created_at: "2026-11-24T08:40:00.000Z",
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

const schedule: Schedule = {
  name: "weekday report",
  source: "api",
  cron: "0 9 * * MON-FRI",
  every_seconds: null,
  time_zone: "Europe/Berlin",
  type: "http_request",
  task_data: { url: "https://example.com/report", method: "POST" },
  version: null,
  catch_up: "last",
  overlap: "skip",
  paused: false,
  next_times: [
    "2026-11-24T08:00:00.000Z",
    "2026-11-25T08:00:00.000Z",
    "2026-11-26T08:00:00.000Z",
    "2026-11-27T08:00:00.000Z",
    "2026-11-30T08:00:00.000Z",
  ],
  last: {
    task: 7,
    task_status: "Completed",
    schedule_time: "2026-11-23T08:00:00.000Z",
    started_at: "2026-11-23T08:00:00.120Z",
    finished_at: "2026-11-23T08:00:01.480Z",
  },
  created_at: "2026-11-20T12:00:00.000Z",
  updated_at: "2026-11-20T12:00:00.000Z",
};

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
  resetStuck: { answer: { reset: [], isRunning: false } },
  getTask: { answer: completed },
  changeTask: { request: { scheduled_time: "2026-11-24T09:00:00Z" }, answer: waiting },
  retryTask: { answer: waiting },
  cancelTask: {
    answer: failed("the task was cancelled before it started", "cancelled"),
    otherwise: { ...running, cancel_requested: true },
  },
  pause: { request: { type: "http_request", reason: "the partner's API is down" }, answer: pause },
  listPauses: { answer: [pause] },
  resume: { answer: { resumed: true } },
  listSchedules: { answer: { schedules: [schedule], next_cursor: null } },
  getSchedule: { answer: schedule },
  putSchedule: {
    request: {
      cron: "0 9 * * MON-FRI",
      time_zone: "Europe/Berlin",
      type: "http_request",
      task_data: { url: "https://example.com/report", method: "POST" },
      overlap: "skip",
    } satisfies ScheduleChanges,
    answer: schedule,
  },
  runSchedule: { answer: { ...waiting, schedule: "weekday report", schedule_time: waiting.scheduled_time } },
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

/** Of a status, the first of these codes that it may have. */
export const errorExamples: Partial<Record<ErrorCode, { message: string; issues?: Issue[] }>> = {
  malformed_json: { message: "The body must be JSON, got nothing." },
  key_missing: {
    message: "The request has no key; send the header Authorization: Bearer <API key>.",
  },
  task_not_found: { message: "There is no task 7." },
  schedule_not_found: { message: 'There is no schedule "weekday report".' },
  schedule_in_code: {
    message:
      'The schedule "weekday report" is declared in code: change it there. Here it can be paused, with paused alone.',
  },
  unknown_event: {
    message:
      'The event must be one of items.create.after, items.update.after, items.delete.after, got "items.eaten.after".',
  },
  task_running: { message: 'Task 7 must be "Not started" to be changed, got "Running".' },
  task_finished: {
    message: 'Task 7 must be "Not started" or "Running" to be cancelled, got "Completed".',
  },
  unique_key_taken: {
    message:
      "Another task has the type and the unique key that this one would have (http_request, report); wait until it has freed the key, or cancel or delete it.",
  },
  tasks_deleted: {
    message:
      'The request with the Idempotency-Key "order-7" was carried out before and created task 7; deleted since: task 7.',
  },
  too_many_tasks: { message: "The array must have at most 1000 tasks, got 1001." },
  invalid_request: {
    message: "type must be a string of 1 to 255 characters, got 7",
    issues: [{ path: "type", message: "must be a string of 1 to 255 characters, got 7" }],
  },
  internal: { message: "Something went wrong here; the log says what." },
  postgres_unavailable: {
    message:
      "A database does not answer. What was asked may have been done; with an Idempotency-Key it is safe to repeat.",
  },
};
