/** What Tickwork counts. Units are in the names. */
export interface Measurements {
  /** The next seven: sent by every tick that ran something. */
  TasksCompleted?: number;
  TasksFailed?: number;
  TasksRetried?: number;
  TasksGivenBack?: number;
  TasksLeaseLost?: number;
  /** How long after its due time each attempt began. */
  TaskLatenessMilliseconds?: readonly number[];
  TaskDurationMilliseconds?: readonly number[];
  /** Sent by a tick that failed. */
  TicksFailed?: number;
  /** From here on: sent by every refresh. Waiting tasks that are due, up to the limit of the cache. */
  QueueDepth?: number;
  /** How long the task that waits longest has been due; it shows a lost wake-up. */
  OldestDueAgeSeconds?: number;
  RunningTasks?: number;
  /** How long a task has been due whose type nobody here runs: longer than a deployment takes, and code is missing. */
  WaitingForCodeSeconds?: number;
  RefreshMilliseconds?: number;
}

/** Receives what Tickwork counts. */
export type Metrics = (measurements: Measurements) => void;
