/** What Tickwork counts. Units are in the names. */
export interface Measurements {
  /** By every tick that ran something. */
  TasksCompleted?: number;
  TasksFailed?: number;
  TasksRetried?: number;
  TasksGivenBack?: number;
  TasksLeaseLost?: number;
  /** How long after they were due the attempts began. */
  TaskLatenessMilliseconds?: readonly number[];
  TaskDurationMilliseconds?: readonly number[];
  /** By every refresh: waiting tasks that are due, as far as the cache takes them. */
  QueueDepth?: number;
  /** How long the one that waits longest has been due; a lost wake-up is seen here. */
  OldestDueAgeSeconds?: number;
  RunningTasks?: number;
  RefreshMilliseconds?: number;
}

export type Metrics = (measurements: Measurements) => void;
