import type { TaskStatus } from "./task.ts";

/**
 * Which tasks: those that meet all of it. The list of tasks and operations on many of them take the same.
 *
 * @example const filter: TaskFilter = { type: "greet", dead: true, created_from: "2026-11-24T00:00:00Z" };
 */
export interface TaskFilter {
  status?: TaskStatus | undefined;
  type?: string | undefined;
  /** Only tasks in this queue. */
  queue?: string | undefined;
  /** Only tasks of this key, to the letter: `acme` does not find `acme/7`. */
  concurrency_key?: string | undefined;
  /** Only tasks with this text in their data, result or error, in capitals or not. JSON above 16 KB is not searched. */
  text?: string | undefined;
  /**
   * Only tasks in `Error` that have no attempts left, or whose workers died too often. One that was cancelled is not
   * among them, nor one that gave up before its attempts were used up.
   */
  dead?: true | undefined;
  /** Only tasks that are due and of a type, or a version of it, that nobody here runs: what `waitingForCode` counts. */
  waiting_for_code?: true | undefined;
  /** Created then or later: a Date, or ISO 8601 with a zone, as all four times. */
  created_from?: Date | string | undefined;
  /** Created before that. */
  created_to?: Date | string | undefined;
  /** Due then or later. */
  scheduled_from?: Date | string | undefined;
  /** Due before that. */
  scheduled_to?: Date | string | undefined;
}

/** The status that a filter asks for, said or not. */
export function statusOf({ status, dead, waiting_for_code }: TaskFilter): TaskStatus | undefined {
  return status ?? (dead ? "Error" : waiting_for_code ? "Not started" : undefined);
}

/** What can be done to many tasks at once. */
export const BULK_ACTIONS = ["retry", "cancel", "delete", "reschedule"] as const;

/** What is done to many tasks at once, to each as the operation of this name does it. */
export type BulkAction = (typeof BULK_ACTIONS)[number];

/**
 * The statuses of the tasks that an action takes. The first ones are meant where the filter names none: whoever retries
 * what failed does not want all that is completed to run again.
 */
export const TAKEN_BY: Readonly<
  Record<BulkAction, { usual: readonly TaskStatus[]; named: readonly TaskStatus[] }>
> = {
  retry: { usual: ["Error"], named: ["Completed"] },
  cancel: { usual: ["Not started", "Running"], named: [] },
  delete: { usual: ["Not started", "Completed", "Error"], named: [] },
  reschedule: { usual: ["Not started"], named: [] },
};

/** Whether a filter says more than a status, and so does not mean all tasks. */
export const narrows = ({ status: _, ...filter }: TaskFilter): boolean =>
  Object.values(filter).some((value) => value !== undefined);

/** Something to be done to many tasks. */
export interface BulkRequest {
  /**
   * - `retry`: starts what ended in `Error` anew, at once; what is `Completed` only where the filter names that status
   * - `cancel`: ends what waits in `Error`, and asks what runs to stop
   * - `delete`: deletes what does not run
   * - `reschedule`: gives what waits another due time
   */
  action: BulkAction;
  /** Which tasks. One that is empty, or has a status alone, takes all, and needs `confirm`. */
  filter: TaskFilter;
  /** For `reschedule`, which needs it: when they are due; a time in the past is due at once. */
  scheduled_time?: Date | string | undefined;
  /** That all tasks are meant. Only a filter that is empty, or has a status alone, needs it. */
  confirm?: boolean | undefined;
}

/** How many tasks a bulk operation would take now. */
export interface BulkCount {
  count: number;
  /** False: there are more, which were not counted. */
  exact: boolean;
}

/** The `result_data` of a bulk operation. */
export interface BulkResult {
  action: BulkAction;
  /** Tasks that met the filter. */
  matched: number;
  /** Those of them that were retried, cancelled or asked to stop, deleted, or rescheduled. */
  changed: number;
  /** The others: they had changed meanwhile, or, of a retry, another task has their unique key. */
  skipped: number;
}

/** The type of the tasks that do it. */
export const BULK_TYPE = "tickwork_bulk";
