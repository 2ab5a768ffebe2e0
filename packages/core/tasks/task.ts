/**
 * The words of Tickwork.
 *
 * - **task**: a row of `"baasix_Tasks"`; its status is always one of the four below
 * - **handler**: the code for one `type` of task
 * - **window**: the tasks due within four hours; only they are cached
 * - **cache**: the window's `Not started` tasks in Redis, and the running ones, filed under the end of their lease
 * - **refresh**: rebuilds the window from Postgres
 * - **tick**: one run of the processor: enter, run what is due, leave
 * - **running flag**: a Redis key with a TTL and its holder's token, "a task is running"
 * - **lease**: the same claim in Postgres, on the row; when its holder dies, it expires
 * - **slot**: 0 … TASK_CONCURRENCY-1; one running task in each
 * - **doorbell**: what makes a tick happen, at once or at a given time
 * - **rev**: a number on every row that grows with each write to it, no matter who writes
 * - **attempt**: one start of a task's handler
 */
import type { LimitHold } from "./limit.ts";
import type { Pause } from "./pause.ts";

/** Every status that a task can have. */
export const TASK_STATUSES = ["Not started", "Running", "Completed", "Error"] as const;

/** The status of a task. */
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** What `error_data` holds when a task failed. */
export interface TaskErrorData {
  message: string;
  name: string;
  /** A machine-readable reason where there is one: a TaskErrorCode, or whatever the handler's error had. */
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
  /** `interrupted`: its process had to stop. */
  outcome: "failed" | "crashed" | "interrupted";
  message: string;
  code?: string;
}

/** Why an attempt started more than a second after its task was due. */
export interface Lateness {
  ms: number;
  /**
   * - `flag_held`: another task was running; `task` says which, where that is known
   * - `in_line`: its limits had no room for it, its queue, key or type was paused, or others of its line came first
   * - `wake_up`: the doorbell is precise to a minute only
   * - `crash`: the worker of an earlier attempt died
   * - `cache_miss`: the task was missing from the cache
   * - `worker_down`: no tick came in time, because a ring was lost, nothing could run, or its type was paused
   */
  reason: "flag_held" | "in_line" | "wake_up" | "crash" | "cache_miss" | "worker_down";
  task?: number;
}

/**
 * A task as callers see it: the row, with times as ISO 8601 strings (UTC) and JSON parsed.
 * A table that is older than Tickwork may have more columns; they are passed on as they are.
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
  /** How often the handler was started. No two of these runs have the same number, also after a retry by hand. */
  attempts: number;
  /** How often it may fail before the task ends in `Error`; null means the default of its type. */
  max_attempts: number | null;
  /** Of its type, when it was created; null is 1. Code that does not read this version leaves the task alone. */
  version: number | null;
  /** How often a worker died while it ran the task, or lost its lease. */
  crashes: number;
  /** Attempts that count as no failure: interrupted ones, and all before the task was retried by hand. */
  excused: number;
  /** 0 to 1, as the handler reported it; null before it did. */
  progress: number | null;
  /** Whether the running task was asked to stop. */
  cancel_requested: boolean;
  started_at: string | null;
  finished_at: string | null;
  slot: number | null;
  lease_expires_at: string | null;
  /** Attempts that failed or died, oldest first. */
  history: AttemptRecord[] | null;
  /** Why the last finished attempt started late; null when it started in time. */
  lateness: Lateness | null;
  /** The schedule whose occurrence it is; null where it is none. */
  schedule: string | null;
  /** Which one: when it was to start. A retry and a queue move `scheduled_time`, not this. */
  schedule_time: string | null;
  /** From -100 to 100; null is 0. Of the tasks of one group, each point is worth a minute of waiting. */
  priority: number | null;
  /** A named line with limits of its own; null: none. */
  queue: string | null;
  /** Tasks of a key share its limits, and those of a group, the part before the first `/`, their turn; null: none. */
  concurrency_key: string | null;
  /** Opaque. Tasks with the same one start one after the other; null: it starts by its due time alone. */
  lane: string | null;
  rev: number;
  /** What holds it back, where one task that waits is asked for; absent when nothing does. */
  paused?: Pause[];
  /** Which limits hold it back, where one task that is due is asked for; absent when none does. */
  limited?: LimitHold[];
  /** No process here has code for its type in its version, where one task that is due is asked for; absent when one has. */
  waiting_for_code?: true;
  /** Beside it, no other task of its type may have this key for as long as `unique_for` says. */
  unique_key: string | null;
  /** How long the key is taken; null when there is none, or when its seconds were over and another task has taken it. */
  unique_for: UniqueFor | null;
  /** What its `unique_key` made of it: only in the answer to the request that gave one. */
  unique_outcome?: UniqueOutcome;
  /** What of it is encrypted where it is kept; absent when nothing is. */
  encrypted?: (typeof CONTENT)[number][];
}

/** How long a unique key is taken that has a name; the other way is a number of seconds. */
export const UNIQUE_FOR = ["waiting", "unfinished"] as const;

/**
 * How long the key of a task is taken:
 * - `waiting`: until a worker first takes the task
 * - `unfinished`: until the task is `Completed` or `Error`
 * - a number: for so many seconds after it was created, whatever becomes of it
 */
export type UniqueFor = (typeof UNIQUE_FOR)[number] | number;

/** What to do when the key is taken. */
export const ON_CONFLICT = ["keep", "replace", "postpone"] as const;

/**
 * What becomes of a new task whose key is taken:
 * - `keep`: the task that has it stays as it is
 * - `replace`: if that one waits, it gets the data, the due time and the options of the new one
 * - `postpone`: if that one waits, it gets the due time of the new one where that is later
 */
export type OnConflict = (typeof ON_CONFLICT)[number];

export const UNIQUE_OUTCOMES = ["created", "kept", "replaced", "postponed"] as const;

/** What became of a task that was to be created with a unique key. All but `created` answer with the task that has the key. */
export type UniqueOutcome = (typeof UNIQUE_OUTCOMES)[number];

/** What makes a task large. */
export const CONTENT = ["task_data", "result_data", "error_data", "history"] as const;

/** A task without what it holds, and what was left out. */
export type OmittingTask = Omit<Task, (typeof CONTENT)[number]> & { omitted: (typeof CONTENT)[number][] };

/** How a task is the only one of its type and key. */
export interface Uniqueness {
  /** 1 to 255 characters: among tasks of this type, one at a time has it. Absent: it is like no other. */
  unique_key?: string | null | undefined;
  /** How long it is taken; default `waiting`. In seconds, 1 to 31,536,000, a year. */
  unique_for?: UniqueFor | null | undefined;
  /** What to do when another task has it; default `keep`. */
  on_conflict?: OnConflict | null | undefined;
  /**
   * How long after the waiting task was created `postpone` and `replace` may have it due at the latest: 1 to 31,536,000
   * seconds. `postpone` needs it.
   */
  longest_wait_seconds?: number | null | undefined;
}

/** In which line a task stands. */
export interface Laning {
  /** From -100 to 100, default 0. Of the tasks of one group, each point is worth a minute of waiting. */
  priority?: number | null | undefined;
  /** A named line with limits of its own, 1 to 255 characters. */
  queue?: string | null | undefined;
  /** Whose task it is, 1 to 255 characters: keys take turns, as one where they are alike up to the first `/`. */
  concurrency_key?: string | null | undefined;
}

/** What a caller gives to create a task. */
export interface NewTask extends Uniqueness, Laning {
  type: string;
  /** When it is due: a Date, or ISO 8601 with a zone. Absent means now. */
  scheduled_time?: Date | string | null | undefined;
  /** Any JSON, up to 256 KB; the schema of its type says what it must look like. */
  task_data?: unknown;
  /** A file that belongs to the task: 1 to 255 characters, opaque to Tickwork. */
  attachment_id?: string | null | undefined;
  /** How often it may fail before it ends in `Error`, 1 to 1,000; absent means the default of its type. */
  max_attempts?: number | null | undefined;
  /** Of its type, as in its definition; absent means the version of the code that creates it, or 1 where it has none. */
  version?: number | null | undefined;
}

/**
 * How tasks of a type are unique unless whoever creates one says otherwise.
 *
 * @example
 * const index = defineTask({
 *   type: "index",
 *   unique: { key: (data) => JSON.stringify(data), for: "unfinished" },
 *   run: async () => {},
 * });
 */
export interface UniqueBy<Data> {
  /** The key of a task with this data, 1 to 255 characters; undefined: it has none. */
  key(data: Data): string | undefined;
  /** How long the key is taken. Default `waiting`. */
  for?: UniqueFor;
  /** What to do when it is taken. Default `keep`. */
  onConflict?: OnConflict;
  /** As in `TaskSettings`. */
  longestWaitSeconds?: number;
}

/** What a caller may change of a task that has not started. */
export type TaskChanges = {
  [Field in Exclude<keyof NewTask, keyof Uniqueness>]?: NewTask[Field] | undefined;
};

/** How an attempt ended, which decides what becomes of the row. */
export type Outcome =
  | { kind: "completed"; result: unknown }
  | { kind: "failed"; error: TaskErrorData; record: AttemptRecord }
  | { kind: "retried"; error: TaskErrorData; record: AttemptRecord; delayMs: number }
  /** The handler was not started: the attempt does not count. */
  | { kind: "given_back"; delayMs?: number; error?: TaskErrorData }
  /** Its process had to stop: it is not the task's fault. */
  | { kind: "interrupted"; record: AttemptRecord }
  /** It used up a whole invocation, or its worker lost the lease. */
  | { kind: "crashed"; record: AttemptRecord };

/** The attempts that count against `max_attempts`; crashes have a limit of their own. */
export function failuresOf(task: Pick<Task, "attempts" | "crashes" | "excused">): number {
  return Math.max(1, task.attempts - task.crashes - task.excused);
}

/** One whose worker died runs in no batch, for it may be the reason; nor does an occurrence, whose schedule has a say first. */
export function runsAlone({ crashes, schedule, lane }: Pick<Task, "crashes" | "schedule" | "lane">): boolean {
  return crashes > 0 || schedule !== null || (lane ?? null) !== null;
}
