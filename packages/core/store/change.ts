import type { Task, TaskChanges, TaskErrorData } from "../tasks/task.ts";
import type { StoreDeps } from "./deps.ts";
import { NOW_MS } from "./fragments.ts";
import { translatingDataErrors } from "./postgres-errors.ts";
import { type TaskRow, type TimedRow, type TimedTask, tasksOf, timedTaskOf } from "./rows.ts";
import { statement, variants } from "./statement.ts";

const COLUMNS = ["type", "scheduled_time", "task_data", "attachment_id", "max_attempts"] as const;

export const PATCH = variants((...columns: (typeof COLUMNS)[number][]) => {
  const typeOf = (column: string) => (column === "task_data" ? ("json" as const) : ("column" as const));
  const given = Object.fromEntries(columns.map((column) => [column, typeOf(column)]));
  return statement({ id: "bigint", ...given })`
    with changed as (
      update "baasix_Tasks" set ${columns.map((column) => `${column} = :${column},`).join(" ")} "updatedAt" = now()
      where id = :id and task_status = 'Not started' returning *)
    select row_to_json(changed) as task, ${NOW_MS} from changed`;
});

/** Changes a task that has not started; undefined when there is none with this id. */
export async function patch(
  { database }: StoreDeps,
  id: number,
  changes: TaskChanges,
): Promise<TimedTask | undefined> {
  const columns = COLUMNS.filter((column) => changes[column] !== undefined);
  const request = PATCH(...columns)({ id, ...changes });
  return timedTaskOf(await translatingDataErrors(() => database.query<TimedRow>(request)));
}

export const REMOVE = statement({ id: "bigint" })`
  delete from "baasix_Tasks" where id = :id and task_status <> 'Running'
  returning row_to_json("baasix_Tasks") as task`;

/** Deletes a task that is not running; undefined when there is none with this id. */
export async function remove({ database }: StoreDeps, id: number): Promise<Task | undefined> {
  return tasksOf(await database.query<TaskRow>(REMOVE({ id })))[0];
}

export const RETRY = statement({ id: "bigint" })`
  with changed as (
    update "baasix_Tasks" set task_status = 'Not started', scheduled_time = now(), crashes = 0, excused = attempts,
      error_data = null, result_data = null, progress = null, started_at = null,
      finished_at = null, "updatedAt" = now()
    where id = :id and task_status in ('Error', 'Completed') returning *)
  select row_to_json(changed) as task, ${NOW_MS} from changed`;

/** Makes a finished task due again, at once; undefined when there is none with this id. */
export async function retry({ database }: StoreDeps, id: number): Promise<TimedTask | undefined> {
  return timedTaskOf(await database.query<TimedRow>(RETRY({ id })));
}

export const CANCEL = statement({ id: "bigint", error: "json" })`
  with ended as (
    update "baasix_Tasks" set task_status = 'Error', error_data = :error, "updatedAt" = now()
    where id = :id and (task_status = 'Not started' or task_status = 'Running' and lease_token is null) returning *),
  asked as (
    update "baasix_Tasks" set cancel_requested = true, "updatedAt" = now()
    where id = :id and task_status = 'Running' and lease_token is not null returning *)
  select row_to_json(ended) as task from ended union all select row_to_json(asked) from asked`;

/**
 * Ends a task in `Error` that waits, or that another program runs, for nobody could ask it; asks any other running one to
 * stop. Undefined when it is finished or does not exist.
 */
export async function cancel(
  { database }: StoreDeps,
  id: number,
  error: TaskErrorData,
): Promise<Task | undefined> {
  return tasksOf(await database.query<TaskRow>(CANCEL({ id, error })))[0];
}
