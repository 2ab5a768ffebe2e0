import {
  type Due,
  type Facts,
  fromNow,
  type KnownTypes,
  missing,
  type Standing,
  standingOf,
} from "../tasks/standing.ts";
import type { Task, TaskStatus } from "../tasks/task.ts";
import type { ListFilter } from "../tasks/tasks.ts";
import type { StoreDeps } from "./deps.ts";
import { epochMs, LEFT_IN_WINDOW, NOW_MS, PAUSED, RUNNABLE_IN_WINDOW, VERSIONED_TYPE } from "./fragments.ts";
import { HOLDS_AS_JSON, type HoldRow, holdOf } from "./limits.ts";
import { PAUSES_AS_JSON, type PauseRow, pauseOf } from "./pauses.ts";
import { translatingDataErrors } from "./postgres-errors.ts";
import { type Row, type TaskRow, type TimedTasks, tasksOf, toTask } from "./rows.ts";
import { queryRepeatable, statement, variants } from "./statement.ts";

export const GET = statement({ id: "bigint" })`
  select row_to_json(t) as task, ${NOW_MS}, case when task_status = 'Not started' then (${PAUSES_AS_JSON}
    where name = case kind when 'all' then '' else to_jsonb(t)->>kind end) end as pauses,
  case when task_status = 'Not started' and scheduled_time <= now() then (${HOLDS_AS_JSON}) end as holds
  from "baasix_Tasks" t where id = :id`;

/** What holds it back goes with it, if something does. */
export async function get({ database }: StoreDeps, id: number): Promise<Task | undefined> {
  type Found = TaskRow & { pauses: PauseRow[] | null; holds: HoldRow[] | null };
  const [row] = await queryRepeatable<Found>(database, GET({ id }));
  if (!row) return undefined;
  const { task, pauses, holds } = row;
  return {
    ...toTask(task),
    ...(pauses?.length && { paused: pauses.map(pauseOf) }),
    ...(holds && { limited: holds.map(holdOf) }),
  };
}

/** When none of the tasks exists, one row has the time alone. */
export const GET_MANY = statement({ ids: "bigint[]" })`select row_to_json(t) as task, ${NOW_MS}
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
  /** Of a search that has not looked further: the id of the last task that it looked at. */
  lookedTo?: number;
}

/** Whatever is in a row of `source`, at least one of them comes. `source` names the rows `t`. */
export const withinBytes = (source: string, order: string) => `
  select task, found from (
    select task, sum(octet_length(task::text)) over (order by ${order}) as bytes,
      row_number() over (order by ${order}) as n, count(*) over ()::int as found
    from ${source} cross join lateral (select row_to_json(t) as task offset 0) one) sized
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

/** In the text, not a parameter: only then does the planner know that a partial index will do. */
export const WITH_STATUS: Record<TaskStatus, string> = {
  "Not started": "task_status = 'Not started' and id > 0",
  Running: "task_status = 'Running'",
  Completed: "task_status = 'Completed' and id > 0",
  Error: "task_status = 'Error' and id > 0",
};

type Filter = "type" | "beforeId";

/**
 * Written as the indexes are, `tickwork_by_status` and `tickwork_by_type`. The running tasks, which are in neither, are few.
 * The tasks of a type are the newest of each status, merged.
 */
export function newestTasks(status: TaskStatus | undefined, ...filters: Filter[]) {
  const columns = Object.fromEntries(filters.map((name) => [name, "column" as const]));
  const newest = (from: string, conditions: string[], id: "id" | "id + 0") => {
    const all = [...conditions, ...(filters.includes("beforeId") ? [`${id} < :beforeId`] : [])];
    return `(select * from ${from} ${all.length > 0 ? `where ${all.join(" and ")}` : ""} order by ${id} desc limit :limit + 1)`;
  };
  const ofType = filters.includes("type") ? ["type = :type"] : [];
  const withStatus = (one: string) => newest('"baasix_Tasks"', [one, ...ofType], "id + 0");
  const source = status
    ? withStatus(WITH_STATUS[status])
    : ofType.length > 0
      ? newest(`(${Object.values(WITH_STATUS).map(withStatus).join(" union all ")}) one`, [], "id")
      : newest('"baasix_Tasks"', [], "id");
  return { source, columns };
}

export const LIST = variants((...kind: Parameters<typeof newestTasks>) => {
  const { source, columns } = newestTasks(...kind);
  return statement({ limit: "int", bytes: "bigint", ...columns })`${withinBytes(`${source} t`, "t.id desc")}`;
});

/** The newest first: up to `limit` of them, and as many as one answer may have. */
export async function list(
  { database }: StoreDeps,
  { status, limit, ...rest }: ListFilter,
  bytes: number,
): Promise<Page> {
  const filters = (["type", "beforeId"] as const).filter((name) => rest[name] !== undefined);
  const request = LIST(status, ...filters)({ limit, bytes, ...rest });
  const { tasks, more } = pageOf(
    await translatingDataErrors(() => queryRepeatable<SizedRow>(database, request)),
  );
  return { tasks: tasks.slice(0, limit), more: more || tasks.length > limit };
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
