/** What callers change about a task. Each method answers undefined when the task's state does not allow it. */
import type { Task, TaskChanges, TaskErrorData } from "../tasks/task.ts";
import { epochMs } from "./fragments.ts";
import {
  type Changed,
  type Connection,
  changedOf,
  type Row,
  tasksOf,
  translatingDataErrors,
} from "./rows.ts";
import { json, statement } from "./statement.ts";

const changeSql = (now: string) => {
  const answer = `select row_to_json(changed) as task, ${epochMs(now)} as now_ms from changed`;
  return {
    patch: (id: number, changes: TaskChanges) => {
      const given = Object.entries(changes).filter(([, value]) => value !== undefined);
      const values = given.map(([column, value]) => [column, column === "task_data" ? json(value) : value]);
      const assignments = given.map(([column]) => `${column} = :${column}`).join(", ");
      return statement<Record<string, string | number | null>>(`
        with changed as (
          update "baasix_Tasks" set ${assignments}, "updatedAt" = ${now}
          where id = :id::bigint and task_status = 'Not started' returning *)
        ${answer}`)({ id, ...Object.fromEntries(values) });
    },
    remove: statement<{ id: number }>(`
      delete from "baasix_Tasks" where id = :id::bigint and task_status <> 'Running'
      returning row_to_json("baasix_Tasks") as task`),
    retry: statement<{ id: number }>(`
      with changed as (
        update "baasix_Tasks" set task_status = 'Not started', scheduled_time = ${now}, attempts = 0, crashes = 0,
          error_data = null, result_data = null, progress = null, started_at = null, finished_at = null,
          "updatedAt" = ${now}
        where id = :id::bigint and task_status in ('Error', 'Completed') returning *)
      ${answer}`),
    cancel: statement<{ id: number; error: string | null }>(`
      with ended as (
        update "baasix_Tasks" set task_status = 'Error', error_data = :error::json, "updatedAt" = ${now}
        where id = :id::bigint and task_status = 'Not started' returning *),
      asked as (
        update "baasix_Tasks" set cancel_requested = true, "updatedAt" = ${now}
        where id = :id::bigint and task_status = 'Running' returning *)
      select row_to_json(ended) as task from ended union all select row_to_json(asked) from asked`),
  };
};

export function changing({ now, query }: Connection) {
  const sql = changeSql(now);
  type Answer = { task: Row; now_ms: number };
  return {
    /** Changes a task that has not started. */
    async patch(id: number, changes: TaskChanges): Promise<Changed | undefined> {
      return changedOf(await translatingDataErrors(() => query<Answer>(sql.patch(id, changes))));
    },

    /** Deletes a task that is not running. */
    async remove(id: number): Promise<Task | undefined> {
      return tasksOf(await query(sql.remove({ id })))[0];
    },

    /** Starts a finished task anew, at once. */
    async retry(id: number): Promise<Changed | undefined> {
      return changedOf(await query<Answer>(sql.retry({ id })));
    },

    /** Ends a waiting task in `Error`; asks a running one to stop. */
    async cancel(id: number, error: TaskErrorData): Promise<Task | undefined> {
      return tasksOf(await query(sql.cancel({ id, error: json(error) })))[0];
    },
  };
}
