import type { Actor } from "../api-key.ts";
import type { Task, TaskChanges, TaskErrorData } from "../tasks/task.ts";
import { ACTOR, noting, paramsOf } from "./audit.ts";
import type { StoreDeps } from "./deps.ts";
import { NOW_MS } from "./fragments.ts";
import { translatingDataErrors } from "./postgres-errors.ts";
import { type TaskRow, type TimedRow, type TimedTask, tasksOf, timedTaskOf } from "./rows.ts";
import { statement, variants } from "./statement.ts";

const COLUMNS = [
  "type",
  "scheduled_time",
  "task_data",
  "attachment_id",
  "max_attempts",
  "version",
  "priority",
  "queue",
  "concurrency_key",
] as const;

/** The user who changed it last stays as it was, unless the caller names one. */
export const UPDATED = `"updatedAt" = now(), "userUpdated_Id" = coalesce(:userId, "userUpdated_Id")`;

export const PATCH = variants((...columns: (typeof COLUMNS)[number][]) => {
  const typeOf = (column: string) => (column === "task_data" ? ("json" as const) : ("column" as const));
  const given = Object.fromEntries(columns.map((column) => [column, typeOf(column)]));
  return statement({ id: "bigint", userId: "column?", ...given })`
    with changed as (
      update "baasix_Tasks" set ${columns.map((column) => `${column} = :${column},`).join(" ")} ${UPDATED}
      where id = :id and task_status = 'Not started' returning *)
    select row_to_json(changed.*) as task, ${NOW_MS} from changed`;
});

/** Changes a task that has not started; undefined when there is none with this id. */
export async function patch(
  { database }: StoreDeps,
  id: number,
  changes: TaskChanges,
  userId?: string,
): Promise<TimedTask | undefined> {
  const columns = COLUMNS.filter((column) => changes[column] !== undefined);
  const request = PATCH(...columns)({ id, userId: userId ?? null, ...changes });
  return timedTaskOf(await translatingDataErrors(() => database.query<TimedRow>(request)));
}

export const REMOVE = statement({ id: "bigint" })`
  delete from "baasix_Tasks" where id = :id and task_status <> 'Running'
  returning row_to_json("baasix_Tasks") as task`;

export const REMOVE_NOTED = statement({ id: "bigint", ...ACTOR })`
  with gone as (delete from "baasix_Tasks" where id = :id and task_status <> 'Running' returning *),
    ${noting("'task_deleted'", "gone", "id || ' ' || type")}
  select row_to_json(gone.*) as task from gone`;

/**
 * Deletes a task that is not running; undefined when there is none with this id.
 *
 * @param actor the author for the audit log, since no row is left to tell it; absent: nobody
 */
export async function remove({ database }: StoreDeps, id: number, actor?: Actor): Promise<Task | undefined> {
  const request = actor ? REMOVE_NOTED({ id, ...paramsOf(actor) }) : REMOVE({ id });
  return tasksOf(await translatingDataErrors(() => database.query<TaskRow>(request)))[0];
}

/** What makes a finished task due again. */
export const ANEW = `task_status = 'Not started', scheduled_time = now(), crashes = 0, excused = attempts,
      error_data = null, result_data = null, progress = null, started_at = null,
      finished_at = null, ${UPDATED}`;

export const RETRY = statement({ id: "bigint", userId: "column?" })`
  with changed as (
    update "baasix_Tasks" set ${ANEW}
    where id = :id and task_status in ('Error', 'Completed') returning *)
  select row_to_json(changed.*) as task, ${NOW_MS} from changed`;

/** Makes a finished task due again, at once; undefined when there is none with this id. */
export async function retry(
  { database }: StoreDeps,
  id: number,
  userId?: string,
): Promise<TimedTask | undefined> {
  const request = RETRY({ id, userId: userId ?? null });
  return timedTaskOf(await translatingDataErrors(() => database.query<TimedRow>(request)));
}

/** A task that nobody could ask to stop: it waits, or another program runs it. */
export const CAN_BE_ENDED =
  "(task_status = 'Not started' or task_status = 'Running' and lease_token is null)";
export const CAN_BE_ASKED = "task_status = 'Running' and lease_token is not null";

export const CANCEL = statement({ id: "bigint", error: "json", userId: "column?" })`
  with ended as (
    update "baasix_Tasks" set task_status = 'Error', error_data = :error, ${UPDATED}
    where id = :id and ${CAN_BE_ENDED} returning *),
  asked as (
    update "baasix_Tasks" set cancel_requested = true, ${UPDATED}
    where id = :id and ${CAN_BE_ASKED} returning *)
  select row_to_json(ended.*) as task from ended union all select row_to_json(asked.*) from asked`;

/**
 * Ends a task in `Error` that waits, or that another program runs, for nobody could ask it; asks any other running one
 * to stop. Undefined when it is finished or does not exist.
 */
export async function cancel(
  { database }: StoreDeps,
  id: number,
  error: TaskErrorData,
  userId?: string,
): Promise<Task | undefined> {
  const request = CANCEL({ id, error, userId: userId ?? null });
  return tasksOf(await translatingDataErrors(() => database.query<TaskRow>(request)))[0];
}
