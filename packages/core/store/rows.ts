/**
 * Rows travel as JSON (`row_to_json`): the same statement then works on a table of ours and on one that Baasix made,
 * where columns have other types and there may be more of them.
 */
import type { Task } from "../tasks/task.ts";

/** A row as Postgres gives it: times are ISO in the session's zone, the rest is as in `Task`. */
export type Row = Record<string, unknown> & { id: number };

export type TaskRow = { task: Row };
export type TimedRow = TaskRow & { now_ms: number };

/** A task, and when Postgres wrote it, by its own clock. */
export type TimedTask = { task: Task; nowMs: number };
export type TimedTasks = { tasks: Task[]; nowMs: number };

export const tasksOf = (rows: readonly TaskRow[]): Task[] => rows.map(({ task }) => toTask(task));

export const timedTasksOf = (rows: readonly TimedRow[]): TimedTasks => ({
  tasks: tasksOf(rows),
  nowMs: rows[0]?.now_ms ?? 0,
});

export const timedTaskOf = ([row]: readonly TimedRow[]): TimedTask | undefined =>
  row && { task: toTask(row.task), nowMs: row.now_ms };

/** A row as the world sees it: times in UTC, and nothing that only the holder of the lease may know. */
export function toTask({ lease_token: _, ...row }: Row): Task {
  for (const column of TIMES) {
    const value = row[column];
    if (typeof value === "string") row[column] = toIso(value);
  }
  return row as unknown as Task;
}

const TIMES = [
  "scheduled_time",
  "createdAt",
  "updatedAt",
  "started_at",
  "finished_at",
  "lease_expires_at",
  "schedule_time",
];

/** How Postgres writes a UTC time in JSON, when it has at least three digits after the second. */
const IN_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}\+00:00$/;

/** `infinity` and whatever else is not a date stays as it is. */
function toIso(text: string): string {
  // Nearly every time has this form, and every task has several: parsing them all would cost more.
  if (IN_UTC.test(text)) return `${text.slice(0, 23)}Z`;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text : time.toISOString();
}
