/**
 * The words of Tickwork.
 *
 * - **task**: a row of `"baasix_Tasks"`; its status is one of the four below, nothing else
 * - **handler**: the code for one `type` of task
 * - **window**: the tasks due within four hours; only they are cached
 * - **cache**: the window's `Not started` tasks in Redis, and the running ones at the end of their lease
 * - **refresh**: rebuilds the window from Postgres
 * - **tick**: one run of the processor: enter, run what is due, leave
 * - **running flag**: a Redis key with a TTL and its holder's token, "a task is running"
 * - **lease**: the same claim in Postgres, on the row; it ends by itself when its holder dies
 * - **slot**: 0 … TASK_CONCURRENCY-1; one running task in each
 * - **doorbell**: what makes a tick happen, at once or at a given time
 * - **rev**: a number on every row that grows with each write to it, whoever writes
 * - **attempt**: one start of a task's handler
 */

export const TASK_STATUSES = ["Not started", "Running", "Completed", "Error"] as const;

export type TaskStatus = (typeof TASK_STATUSES)[number];

/** What `error_data` holds of a task that failed. */
export interface TaskErrorData {
  message: string;
  name: string;
  /** A machine-readable reason where there is one: `timeout`, `cancelled`, `unknown_type`, `crashed`, … */
  code?: string;
  stack?: string;
  /** How often the handler was started. */
  attempts: number;
  /** Earlier attempts that failed or died, oldest first; absent when there were none. */
  history?: AttemptRecord[];
}

/** One attempt that did not complete the task. */
export interface AttemptRecord {
  attempt: number;
  /** ISO 8601, UTC. */
  started_at: string | null;
  ended_at: string;
  outcome: "failed" | "crashed";
  message: string;
  code?: string;
}

/** Why an attempt started more than a second after its task was due. */
export interface Lateness {
  ms: number;
  /**
   * - `flag_held`: another task was running; `task` says which, where that is known
   * - `wake_up`: the doorbell is only so precise
   * - `crash`: the worker of an earlier attempt died
   * - `cache_miss`: the cache did not know of it
   * - `worker_down`: nobody was there, or a ring was lost
   */
  reason: "flag_held" | "wake_up" | "crash" | "cache_miss" | "worker_down";
  task?: number;
}

/**
 * A task as everybody sees it: the row, with ISO 8601 strings (UTC) for times and parsed JSON.
 * A table that was there before Tickwork may have more columns; they are passed on as they are.
 */
export interface Task {
  /** Opaque to callers. */
  id: number;
  task_status: TaskStatus;
  type: string;
  /** When the task is due. A retry moves it. */
  scheduled_time: string;
  attachment_id: string | null;
  task_data: unknown;
  result_data: unknown;
  error_data: unknown;
  userCreated_Id: string | null;
  userUpdated_Id: string | null;
  createdAt: string;
  updatedAt: string;
  /** How often the handler was started. */
  attempts: number;
  /** How often it may fail before the task ends in `Error`; null means the default of its type. */
  max_attempts: number | null;
  /** How often a worker died while it ran the task. */
  crashes: number;
  /** 0 to 1, as the handler reported it; null before it did. */
  progress: number | null;
  /** Set when somebody asked a running task to stop. */
  cancel_requested: boolean;
  started_at: string | null;
  finished_at: string | null;
  slot: number | null;
  lease_expires_at: string | null;
  /** Attempts that failed or died, oldest first. */
  history: AttemptRecord[] | null;
  /** Why the last attempt that ended had started late; null when it had not. */
  lateness: Lateness | null;
  rev: number;
}

/** What a caller gives to make a task. */
export interface NewTask {
  type: string;
  /** When it is due; absent means now. */
  scheduled_time?: Date | string | null | undefined;
  task_data?: unknown;
  attachment_id?: string | null | undefined;
  /** How often it may fail before it ends in `Error`; absent means the default of its type. */
  max_attempts?: number | null | undefined;
}

/** What a caller may change of a task that has not started. */
export type TaskChanges = { [Field in keyof NewTask]?: NewTask[Field] | undefined };

/** How an attempt ended, and so what becomes of the row. */
export type Outcome =
  | { kind: "completed"; result: unknown }
  | { kind: "failed"; error: TaskErrorData; record: AttemptRecord }
  | { kind: "retried"; error: TaskErrorData; record: AttemptRecord; delayMs: number }
  /** Interrupted through no fault of its own (or, with `crashed`, for using up a whole invocation). */
  | { kind: "given_back"; crashed: boolean };

/** The attempts that count against `max_attempts`: crashes have a limit of their own. */
export function failuresOf(task: Pick<Task, "attempts" | "crashes">): number {
  return Math.max(1, task.attempts - task.crashes);
}
