import { ANSWER_LIMIT_BYTES } from "../limits.ts";
import type { StoreDeps } from "./deps.ts";
import { NOW_MS, wholeOrOmitting } from "./fragments.ts";
import { type TimedRow, type TimedTasks, timedTasksOf } from "./rows.ts";
import { queryRepeatable, statement, variants } from "./statement.ts";

export const RESET_RUNNING = statement({ message: "text", bytes: "bigint" })`
  with reset as (
    update "baasix_Tasks" set task_status = 'Error', "updatedAt" = now(),
      error_data = json_build_object('message', :message, 'name', 'ResetError', 'code', 'reset', 'attempts', attempts,
        'history', coalesce(history, '[]'::jsonb))
    where task_status = 'Running' returning *)
  select task, ${NOW_MS} from (${wholeOrOmitting("reset")}) told order by id`;

/** Ends every running task in `Error`, whoever runs it. */
export async function resetRunning({ database }: StoreDeps, message: string): Promise<TimedTasks> {
  return timedTasksOf(await database.query<TimedRow>(RESET_RUNNING({ message, bytes: ANSWER_LIMIT_BYTES })));
}

/** How a task may have finished. */
export type FinishedStatus = "Completed" | "Error";
export const FINISHED_STATUSES: readonly FinishedStatus[] = ["Completed", "Error"];

/**
 * The index has them by age. Rows that finished before Tickwork came have no such time, and are the first batch of those
 * without one; they get old in the order in which they were written, as good as. The order by what they lack has the planner take the
 * index all the same: waiting rows lack it, too, and it knows only how many do in all. What somebody else deletes just now, or
 * writes, is passed over.
 */
export const DELETE_FINISHED = variants((status: FinishedStatus) => {
  const finished = `"baasix_Tasks" where task_status = '${status}'`;
  return statement({ days: "float8", batch: "int", keepId: "bigint" })`
    with old as (
      (select id from ${finished} and finished_at < now() - :days * interval '1 day' order by finished_at limit :batch)
      union all
      select id from (select id, "updatedAt" as at from ${finished} and finished_at is null order by finished_at limit :batch) adopted
        where at < now() - :days * interval '1 day'),
    gone as (
      delete from "baasix_Tasks" where id = any(array(
        select id from "baasix_Tasks" where id = any(array(select id from old limit :batch))
          and task_status = '${status}' and id <> :keepId
        for update skip locked))
      returning id)
    select count(*)::int as deleted from gone`;
});

/** Deletes the oldest tasks that ended so, at most `batch` of them and never `keepId`. Returns how many it deleted. */
export async function deleteFinished(
  { database }: StoreDeps,
  status: FinishedStatus,
  olderThanDays: number,
  batch: number,
  keepId: number,
): Promise<number> {
  const request = DELETE_FINISHED(status)({ days: olderThanDays, batch, keepId });
  const [row] = await queryRepeatable<{ deleted: number }>(database, request);
  return row?.deleted ?? 0;
}

export const END_LEASES = statement({})`
  update "baasix_Tasks" set lease_expires_at = now()
  where task_status = 'Running' and lease_expires_at > now()`;

/** Ends every lease: on the embedded stack, at boot, the workers of the earlier process are dead. */
export async function endLeases({ database }: StoreDeps): Promise<void> {
  await queryRepeatable(database, END_LEASES({}));
}
