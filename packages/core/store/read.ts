import type { ListPlace } from "../tasks/sort.ts";
import {
  type Due,
  type Facts,
  fromNow,
  isKnown,
  type KnownTypes,
  missing,
  type Standing,
  standingOf,
} from "../tasks/standing.ts";
import type { Task } from "../tasks/task.ts";
import { versionedType } from "../tasks/version.ts";
import type { StoreDeps } from "./deps.ts";
import { epochMs, LEFT_IN_WINDOW, NOW_MS, PAUSED, RUNNABLE_IN_WINDOW, VERSIONED_TYPE } from "./fragments.ts";
import { HOLDS_AS_JSON, type HoldRow, holdOf } from "./limits.ts";
import { PAUSES_AS_JSON, type PauseRow, pauseOf } from "./pauses.ts";
import { type Row, type TaskRow, type TimedTasks, tasksOf, toTask } from "./rows.ts";
import { queryRepeatable, statement } from "./statement.ts";

export const GET = statement({ id: "bigint" })`
  select row_to_json(t.*) as task, ${NOW_MS}, case when task_status = 'Not started' then (${PAUSES_AS_JSON}
    where name = case kind when 'all' then '' else to_jsonb(t)->>kind end) end as pauses,
  case when task_status = 'Not started' and scheduled_time <= now() then (${HOLDS_AS_JSON}) end as holds
  from "baasix_Tasks" t where id = :id`;

/** What holds it back goes with it, if something does. */
export async function get({ database, types }: StoreDeps, id: number): Promise<Task | undefined> {
  type Found = TaskRow & { now_ms: number; pauses: PauseRow[] | null; holds: HoldRow[] | null };
  const [row] = await queryRepeatable<Found>(database, GET({ id }));
  if (!row) return undefined;
  const { pauses, holds, now_ms: nowMs } = row;
  const task = toTask(row.task);
  const isDue = task.task_status === "Not started" && Date.parse(task.scheduled_time) <= nowMs;
  return {
    ...task,
    ...(pauses?.length && { paused: pauses.map(pauseOf) }),
    ...(holds && { limited: holds.map(holdOf) }),
    ...(isDue && !isKnown(versionedType(task.type, task.version), types) && { waiting_for_code: true }),
  };
}

/** When none of the tasks exists, one row has the time alone. */
export const GET_MANY = statement({ ids: "bigint[]" })`select row_to_json(t.*) as task, ${NOW_MS}
  from (select) one left join "baasix_Tasks" t on t.id = any(:ids)`;

/** The tasks that exist. */
export async function getMany({ database }: StoreDeps, ids: readonly number[]): Promise<TimedTasks> {
  const rows = await queryRepeatable<{ task: Row | null; now_ms: number }>(database, GET_MANY({ ids }));
  return { tasks: rows.flatMap(({ task }) => (task ? [toTask(task)] : [])), nowMs: rows[0]?.now_ms ?? 0 };
}

/** Tasks, as many of those that were asked for as one answer may have. */
export interface Page {
  tasks: Task[];
  /** Whether there are more of those that were asked for, or may be. */
  more: boolean;
  /** Of a list with more: after what the next page begins. */
  next?: ListPlace;
}

/** Whatever is in a row of `source`, at least one of them comes. `source` names the rows `t`. */
export const withinBytes = (source: string, order: string) => `
  select task, found, n from (
    select row.task, sum(octet_length(row.task::text)) over (order by ${order}) as bytes,
      row_number() over (order by ${order}) as n, count(*) over ()::int as found
    from ${source} cross join lateral (select row_to_json(t.*) as task offset 0) row) sized
  where bytes <= :bytes or n = 1 order by n`;

type SizedRow = TaskRow & { found: number };

const pageOf = (rows: readonly SizedRow[]): Page => ({
  tasks: tasksOf(rows),
  more: (rows[0]?.found ?? 0) > rows.length,
});

export const GET_SOME = statement({ ids: "bigint[]", bytes: "bigint" })`${withinBytes(
  'unnest(:ids) with ordinality as asked(id, n) join "baasix_Tasks" t on t.id = asked.id',
  "asked.n",
)}`;

/** The tasks that exist, in this order, as many as one answer may have. */
export async function getSome({ database }: StoreDeps, ids: readonly number[], bytes: number): Promise<Page> {
  return pageOf(await queryRepeatable<SizedRow>(database, GET_SOME({ ids, bytes })));
}

export const WINDOW_IDS = statement({ limit: "int", ours: "text[]", foreign: "text[]" })`
  select id, ${epochMs("scheduled_time")} as due_ms from ${RUNNABLE_IN_WINDOW(":limit")} runnable
  union all
  select id, ${epochMs("scheduled_time")} from ${LEFT_IN_WINDOW(":limit")} left_to_others`;

/** What is in the window, in any order, and when it is due. */
export async function windowIds({ database, cacheLimit, types }: StoreDeps): Promise<Due[]> {
  const request = WINDOW_IDS({ limit: cacheLimit, ours: types.ours, foreign: types.foreign });
  const rows = await queryRepeatable<{ id: string; due_ms: number }>(database, request);
  return rows.map(({ id, due_ms }) => ({ id: Number(id), atMs: due_ms }));
}

export const STANDING = statement({ ids: "bigint[]" })`
  select id, rev, task_status as status, ${VERSIONED_TYPE} as type, ${PAUSED} as paused, lane is not null as laned, ${epochMs("scheduled_time")} as due_ms,
    ${epochMs("lease_expires_at")} as lease_ms, ${NOW_MS} from "baasix_Tasks" where id = any(:ids)`;

export async function standing({ database, types }: StoreDeps, id: number): Promise<Standing> {
  const [row] = await queryRepeatable<Facts & { now_ms: number }>(database, STANDING({ ids: [id] }));
  return standingNow(id, row && { ...row, id, rev: Number(row.rev) }, row?.now_ms ?? 0, types);
}

/**
 * Where a task stands, as a time from now. The pause that holds it back may be over when this is told: the cache is to
 * know.
 */
export function standingNow(
  id: number,
  facts: Facts | undefined,
  nowMs: number,
  types: KnownTypes,
): Standing {
  if (!facts) return missing(id);
  const standing = fromNow(standingOf(facts, nowMs, types), nowMs);
  return standing.kind === "foreign" && facts.paused ? { ...standing, paused: true } : standing;
}
