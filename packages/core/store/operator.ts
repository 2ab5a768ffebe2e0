import { ANSWER_LIMIT_BYTES, RETENTION_PROBE } from "../limits.ts";
import type { FinishedStatus } from "../tasks/retention.ts";
import type { StoreDeps } from "./deps.ts";
import { NOW_MS, STORED, wholeOrOmitting } from "./fragments.ts";
import { type TimedRow, type TimedTasks, timedTasksOf } from "./rows.ts";
import { type Params, queryRepeatable, statement, variants } from "./statement.ts";

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

export const FINISHED_STATUSES: readonly FinishedStatus[] = ["Completed", "Error"];

/**
 * The index has them by age. Rows that finished before Tickwork came have no such time, and are the first batch of
 * those without one; they get old in the order in which they were written, as good as. The order by what they lack has
 * the planner take the index all the same: waiting rows lack it, too, and it knows only how many do in all. What
 * somebody else deletes just now, or writes, is passed over.
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

/** The oldest tasks of a type, as good as: those that were written first. */
const oldestOf = (status: FinishedStatus, limit: string, more = "") => `(
  select id, coalesce(finished_at, "updatedAt") as at from "baasix_Tasks"
  where type = names.type and task_status = '${status}' and id > 0 ${more} order by id + 0 limit ${limit})`;
const STORED_TYPES = `stored as (
      select (select min(type) from "baasix_Tasks" where ${STORED})::text as type
      union all
      select (select min(t.type) from "baasix_Tasks" t where t.type > stored.type and ${STORED})::text
      from stored where stored.type is not null),`;
const TOO_OLD = "now() - names.days * interval '1 day'";

/**
 * The same where types have ages of their own. The index by age would have to be read past all that some type keeps; so
 * each type is asked for its oldest. Those that say nothing are found by leaping from one to the next, as in
 * `types.ts`.
 */
export const DELETE_FINISHED_BY_TYPE = variants(
  (status: FinishedStatus, hasDefault: boolean) => statement({
    ...{ aged: "text[]", ages: "text[]", batch: "int" },
    ...(hasDefault && { own: "text[]", days: "float8" }),
  } as Params)`
    with recursive ${hasDefault ? STORED_TYPES : ""}
    names as (select * from unnest(:aged, :ages::float8[]) as said (type, days)
      ${hasDefault ? "union all select type, :days from stored where type is not null and not type = any(:own)" : ""}),
    old as (
      select one.id from names
      cross join lateral (select min(at) as at from ${oldestOf(status, String(RETENTION_PROBE))} few) first
      cross join lateral (select id from ${oldestOf(status, ":batch", `and first.at < ${TOO_OLD}`)} many where at < ${TOO_OLD}) one
      limit :batch),
    gone as (
      delete from "baasix_Tasks" where id = any(array(
        select id from "baasix_Tasks" where id = any(array(select id from old)) and task_status = '${status}'
        for update skip locked))
      returning id)
    select count(*)::int as deleted from gone`,
);

/** How long finished tasks are kept, in days: by type, and where a type says nothing; undefined: for good. */
export interface Ages {
  byType: ReadonlyMap<string, number | null>;
  days: number | undefined;
}

/** Deletes finished tasks that are older than their type may be, at most `batch` of them. Returns how many it deleted. */
export async function deleteFinishedByType(
  { database }: StoreDeps,
  status: FinishedStatus,
  { byType, days }: Ages,
  batch: number,
): Promise<number> {
  const aged = [...byType].filter(([, age]) => age !== null);
  const request = DELETE_FINISHED_BY_TYPE(
    status,
    days !== undefined,
  )({
    own: [...byType.keys()],
    aged: aged.map(([type]) => type),
    ages: aged.map(([, age]) => String(age)),
    batch,
    days,
  } as never);
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
