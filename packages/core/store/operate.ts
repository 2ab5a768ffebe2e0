/** What operators and the cleanup handlers do to many tasks at once. */
import type { Task } from "../tasks/task.ts";
import { epochMs } from "./fragments.ts";
import { type Connection, type Row, tasksOf } from "./rows.ts";
import { statement } from "./statement.ts";

const operateSql = (now: string) => ({
  resetRunning: statement<{ message: string }>(`
    with reset as (
      update "baasix_Tasks" set task_status = 'Error', "updatedAt" = ${now},
        error_data = json_build_object('message', :message::text, 'name', 'ResetError', 'code', 'reset',
          'attempts', attempts, 'history', coalesce(history, '[]'::jsonb))
      where task_status = 'Running' returning *)
    select row_to_json(reset) as task, ${epochMs(now)} as now_ms from reset order by id`),
  deleteFinished: statement<{ older_than_days: number; limit: number; keep_id: number }>(`
    with gone as (
      delete from "baasix_Tasks" where id in (
        select id from "baasix_Tasks"
        where task_status in ('Completed', 'Error') and id <> :keep_id::bigint
          and coalesce(finished_at, "updatedAt") < ${now} - :older_than_days::float8 * interval '1 day'
        order by id limit :limit::int)
      returning id)
    select count(*)::int as deleted from gone`),
  endLeases: statement(`
    update "baasix_Tasks" set lease_expires_at = ${now}
    where task_status = 'Running' and lease_expires_at > ${now}`),
});

export function operating({ now, query, queryRepeatable }: Connection) {
  const sql = operateSql(now);
  return {
    /** Ends every running task in `Error`, whoever runs it. */
    async resetRunning(message: string): Promise<{ tasks: Task[]; nowMs: number }> {
      const rows = await query<{ task: Row; now_ms: number }>(sql.resetRunning({ message }));
      return { tasks: tasksOf(rows), nowMs: rows[0]?.now_ms ?? 0 };
    },

    /** Deletes finished tasks, `limit` at most, but never the task `keepId`. Returns how many it deleted. */
    async deleteFinished(olderThanDays: number, limit: number, keepId: number): Promise<number> {
      const [row] = await queryRepeatable<{ deleted: number }>(
        sql.deleteFinished({ older_than_days: olderThanDays, limit, keep_id: keepId }),
      );
      return row?.deleted ?? 0;
    },

    /** Ends the leases of workers that are known to be dead. */
    async endLeases(): Promise<void> {
      await queryRepeatable(sql.endLeases({}));
    },
  };
}
