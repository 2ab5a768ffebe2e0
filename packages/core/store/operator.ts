import { ANSWER_LIMIT_BYTES } from "../limits.ts";
import type { StoreDeps } from "./deps.ts";
import { NOW_MS, wholeOrOmitting } from "./fragments.ts";
import { type TimedRow, type TimedTasks, timedTasksOf } from "./rows.ts";
import { queryRepeatable, statement } from "./statement.ts";

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

export const DELETE_FINISHED = statement({ days: "float8", batch: "int", keepId: "bigint" })`
  with gone as (
    delete from "baasix_Tasks" where id in (
      select id from "baasix_Tasks"
      where task_status in ('Completed', 'Error') and coalesce(finished_at, "updatedAt") < now() - :days * interval '1 day'
        and id <> :keepId
      order by id limit :batch)
    returning id)
  select count(*)::int as deleted from gone`;

/** Deletes the oldest finished tasks, at most `batch` of them and never `keepId`. Returns how many it deleted. */
export async function deleteFinished(
  { database }: StoreDeps,
  olderThanDays: number,
  batch: number,
  keepId: number,
): Promise<number> {
  const request = DELETE_FINISHED({ days: olderThanDays, batch, keepId });
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
