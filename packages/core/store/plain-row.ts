/**
 * Rows as a few values. Nearly every task that a batch leases is as it was created: then its JSON needs no more than
 * what its creator said. To make, send and read all columns of such a row costs more than to lease it.
 */
import type { Task } from "../tasks/task.ts";
import { versionOfRow } from "../tasks/version.ts";
import type { Database } from "./database.ts";
import { type Row, toIso } from "./rows.ts";

/** Nothing happened to the row since it was created, and it asks for nothing special. */
const IS_PLAIN = `attempts = 0 and crashes = 0 and excused = 0 and history is null and started_at is null and lateness is null
  and result_data is null and error_data is null and progress is null and not cancel_requested and attachment_id is null
  and unique_key is null and unique_for is null and schedule is null
  and schedule_time is null and priority is null and queue is null and concurrency_key is null and lane is null
  and "createdAt" is not null and "updatedAt" is not null`;

/** The JSON of a waiting row: an array if it is plain, else all of it. With `:whole` all of it in any case. */
export const PLAIN_OR_WHOLE = (row: string) => `case when not :whole and ${IS_PLAIN}
    then json_build_array(id, type, scheduled_time, task_data, "createdAt", "updatedAt", "userCreated_Id",
      "userUpdated_Id", max_attempts, rev, version)
    else row_to_json(${row}.*) end`;

export type PlainRow = [
  id: number,
  type: string,
  scheduledTime: string,
  data: unknown,
  createdAt: string,
  updatedAt: string,
  createdBy: string | null,
  updatedBy: string | null,
  maxAttempts: number | null,
  rev: number,
  version: number | null,
];

/** What a new task has of its own; all else is the same in each. Times are ISO 8601 in UTC. */
type OwnColumns = Pick<
  Task,
  | "id"
  | "type"
  | "scheduled_time"
  | "task_data"
  | "createdAt"
  | "updatedAt"
  | "userCreated_Id"
  | "userUpdated_Id"
  | "max_attempts"
  | "rev"
  | "version"
>;

/** A task to which nothing happened. All columns are written out, in their order: spreading an object takes ten times as long. */
export function plainTask(own: OwnColumns): Task {
  return {
    id: own.id,
    task_status: "Not started",
    type: own.type,
    scheduled_time: own.scheduled_time,
    attachment_id: null,
    task_data: own.task_data,
    result_data: null,
    error_data: null,
    userCreated_Id: own.userCreated_Id,
    userUpdated_Id: own.userUpdated_Id,
    createdAt: own.createdAt,
    updatedAt: own.updatedAt,
    attempts: 0,
    max_attempts: own.max_attempts,
    crashes: 0,
    progress: null,
    cancel_requested: false,
    started_at: null,
    finished_at: null,
    slot: null,
    lease_expires_at: null,
    history: null,
    lateness: null,
    rev: own.rev,
    excused: 0,
    unique_key: null,
    unique_for: null,
    version: own.version,
    schedule: null,
    schedule_time: null,
    priority: null,
    queue: null,
    concurrency_key: null,
    lane: null,
  };
}

export const taskOfPlain = ([
  id,
  type,
  due,
  data,
  created,
  updated,
  createdBy,
  updatedBy,
  most,
  rev,
  version,
]: PlainRow) =>
  plainTask({
    id,
    type,
    scheduled_time: toIso(due),
    task_data: data as Task["task_data"],
    createdAt: toIso(created),
    updatedAt: toIso(updated),
    userCreated_Id: createdBy,
    userUpdated_Id: updatedBy,
    max_attempts: most,
    rev,
    version: versionOfRow(version),
  });

/** Databases of which a row was seen, and whether their table had these columns and no others so far: some may be added. */
const seen = new WeakMap<Database, boolean>();

/** Whether rows must be answered whole: the table may have columns of its own, which handlers get too. */
export const needsWhole = (database: Database): boolean => seen.get(database) !== true;

/** @param row one that was answered whole */
export function noteColumns(database: Database, { lease_token: _, ...row }: Row): void {
  if (seen.get(database) === false) return;
  const known = taskOfPlain([0, "", "", null, "", "", null, null, null, 0, null]);
  const names = Object.keys(row);
  seen.set(database, names.length === Object.keys(known).length && names.every((name) => name in known));
}
