import {
  type Facts,
  fromNow,
  type KnownTypes,
  missing,
  type Standing,
  standingOf,
} from "../tasks/standing.ts";
import type { Task, TaskStatus } from "../tasks/task.ts";
import type { StoreDeps } from "./deps.ts";
import { epochMs, NOW_MS, WINDOW } from "./fragments.ts";
import { translatingDataErrors } from "./postgres-errors.ts";
import { type Row, type TaskRow, type TimedTasks, tasksOf, toTask } from "./rows.ts";
import { queryRepeatable, statement, variants } from "./statement.ts";

export const GET = statement({ id: "bigint" })`
  select row_to_json(t) as task, ${NOW_MS} from "baasix_Tasks" t where id = :id`;

export async function get({ database }: StoreDeps, id: number): Promise<Task | undefined> {
  return tasksOf(await queryRepeatable<TaskRow>(database, GET({ id })))[0];
}

/** When none of the tasks exists, one row has the time alone. */
export const GET_MANY = statement({ ids: "bigint[]" })`select row_to_json(t) as task, ${NOW_MS}
  from (select) one left join "baasix_Tasks" t on t.id = any(:ids)`;

/** The tasks that exist. */
export async function getMany({ database }: StoreDeps, ids: readonly number[]): Promise<TimedTasks> {
  const rows = await queryRepeatable<{ task: Row | null; now_ms: number }>(database, GET_MANY({ ids }));
  return { tasks: rows.flatMap(({ task }) => (task ? [toTask(task)] : [])), nowMs: rows[0]?.now_ms ?? 0 };
}

export interface ListFilter {
  status?: TaskStatus;
  type?: string;
  /** Only tasks that were created before this one. */
  beforeId?: number;
  limit: number;
}

/** In the text, not a parameter: only then does the planner know that a partial index will do. */
const WITH_STATUS: Record<TaskStatus, string> = {
  "Not started": "task_status = 'Not started'",
  Running: "task_status = 'Running'",
  Completed: "task_status = 'Completed'",
  Error: "task_status = 'Error'",
};

const FILTERS = { type: "type = :type", beforeId: "id < :beforeId" };

export const LIST = variants((status: TaskStatus | undefined, ...filters: (keyof typeof FILTERS)[]) => {
  const conditions = [...(status ? [WITH_STATUS[status]] : []), ...filters.map((name) => FILTERS[name])];
  const columns = Object.fromEntries(filters.map((name) => [name, "column" as const]));
  return statement({ limit: "int", ...columns })`select row_to_json(t) as task from (
      select * from "baasix_Tasks" ${conditions.length > 0 ? `where ${conditions.join(" and ")}` : ""}
      order by id desc limit :limit) t order by id desc`;
});

/** The newest first. */
export async function list({ database }: StoreDeps, { status, limit, ...rest }: ListFilter): Promise<Task[]> {
  const filters = (["type", "beforeId"] as const).filter((name) => rest[name] !== undefined);
  const request = LIST(status, ...filters)({ limit, ...rest });
  return tasksOf(await translatingDataErrors(() => queryRepeatable<TaskRow>(database, request)));
}

export const READ_WINDOW = statement({
  limit: "int",
})`select row_to_json(t) as task from (select * from "baasix_Tasks"
    where task_status = 'Not started' and scheduled_time <= now() + ${WINDOW}
    order by scheduled_time, id limit :limit) t order by scheduled_time, id`;

/** The window's tasks, whole, by due time. */
export async function readWindow({ database, cacheLimit }: StoreDeps): Promise<Task[]> {
  return tasksOf(await queryRepeatable<TaskRow>(database, READ_WINDOW({ limit: cacheLimit })));
}

export const STANDING = statement({ ids: "bigint[]" })`
  select id, rev, task_status as status, type, ${epochMs("scheduled_time")} as due_ms,
    ${epochMs("lease_expires_at")} as lease_ms, ${NOW_MS} from "baasix_Tasks" where id = any(:ids)`;

export async function standing({ database, types }: StoreDeps, id: number): Promise<Standing> {
  const [row] = await queryRepeatable<Facts & { now_ms: number }>(database, STANDING({ ids: [id] }));
  return standingNow(id, row && { ...row, id, rev: Number(row.rev) }, row?.now_ms ?? 0, types);
}

/** Where a task stands, as a time from now. */
export function standingNow(
  id: number,
  facts: Facts | undefined,
  nowMs: number,
  types: KnownTypes,
): Standing {
  return facts ? fromNow(standingOf(facts, nowMs, types), nowMs) : missing(id);
}
