/** Lists of tasks, each in an order that an index has. */
import { type ListPlace, readSort, type TaskSort } from "../tasks/sort.ts";
import type { TaskStatus } from "../tasks/task.ts";
import type { ListFilter } from "../tasks/tasks.ts";
import type { Statement } from "./database.ts";
import type { StoreDeps } from "./deps.ts";
import { firstWaiting } from "./fragments.ts";
import { translatingDataErrors } from "./postgres-errors.ts";
import { type Page, withinBytes } from "./read.ts";
import { type Row, type TaskRow, tasksOf } from "./rows.ts";
import { type Params, queryRepeatable, statement, variants } from "./statement.ts";

/** In the text, not a parameter: only then does the planner know that a partial index will do. */
export const WITH_STATUS: Record<TaskStatus, string> = {
  "Not started": "task_status = 'Not started' and id > 0",
  Running: "task_status = 'Running'",
  Completed: "task_status = 'Completed' and id > 0",
  Error: "task_status = 'Error' and id > 0",
};

/** What the rows of a list are taken by, beside their status. */
export type Narrowed = "type" | "after";

/** Their parameters. */
export function paramsOf(sort: TaskSort, narrowed: readonly Narrowed[]): Params {
  const isAfter = narrowed.includes("after");
  return {
    ...(narrowed.includes("type") && { type: "column" }),
    ...(isAfter && { afterId: "column" }),
    ...(isAfter && TIME_OF[readSort(sort).by] && { afterAt: "column" }),
  };
}

export const TIME_OF = { created: undefined, due: "scheduled_time", finished: "finished_at" } as const;

/** Which way a sort goes. */
const directionOf = (sort: TaskSort) =>
  readSort(sort).descending ? { dir: "desc", beyond: "<" } : { dir: "asc", beyond: ">" };

/**
 * How many rows are wanted: `most`, or as many of those as `wanted` says, a parameter. Of a limit that is a parameter
 * alone the planner expects a tenth of all rows; in a large table that looks so dear that it plans the statement anew
 * each time. So the text has a number as well.
 */
export interface First {
  most: number;
  wanted?: string;
}

/** The first `:limit` and one more, which tells whether there is another page. `most` is the `roofOf` that limit. */
export const firstOfPage = (most: number): First => ({ most, wanted: ":limit + 1" });

/** `limit` and one more, rounded up to a power of ten: each of these makes a text of its own. */
export const roofOf = (limit: number): number => 10 ** String(limit).length;

/** Of rows that are limited to `most`, in their order. */
export const wantedOf = (rows: string, { wanted }: First) =>
  wanted ? `(select * from ${rows} most limit ${wanted})` : rows;

/**
 * The first rows after a place, as `from` has them, and how they are in order. With `place`, what is in order of
 * creation has the column `PLACE`, by which the planner knows that it is, and every row has `SPOT`, by which the same
 * statement finds it again. Sorts by a time take no type: no index has both.
 */
export function ordered(
  status: TaskStatus | undefined,
  sort: TaskSort,
  narrowed: readonly Narrowed[],
  first: First,
  { place = false } = {},
) {
  const { by } = readSort(sort);
  const { dir } = directionOf(sort);
  if (by === "created")
    return {
      from: byCreation(status, sort, narrowed, first, place),
      order: `${place ? PLACE : "id"} ${dir}`,
    };
  const columns = place ? SPOTTED : "*";
  const rows =
    by === "due" ? byDueTime(sort, narrowed, first, columns) : byEnd(status, sort, narrowed, first, columns);
  return { from: wantedOf(rows, first), order: orderBy(TIME_OF[by], dir) };
}

/** Columns beside those of the table, which may have any of its own when it was adopted. */
export const PLACE = "tickwork_place";
export const SPOT = "tickwork_spot";
export const SPOTTED = `*, ctid as ${SPOT}`;

const orderBy = (time: string, dir: string) => `${time} ${dir}, id ${dir}`;

/**
 * Written as the indexes are, `tickwork_by_status` and `tickwork_by_type`. The running tasks, which are in neither, are
 * few. The tasks of a type are the first of each status, merged.
 */
function byCreation(
  status: TaskStatus | undefined,
  sort: TaskSort,
  narrowed: readonly Narrowed[],
  first: First,
  place: boolean,
): string {
  const { dir, beyond } = directionOf(sort);
  const part = (id: "id" | "id + 0", ...conditions: string[]) => {
    const all = [...conditions, ...(narrowed.includes("after") ? [`${id} ${beyond} :afterId`] : [])];
    const columns = place ? `${SPOTTED}, ${id} as ${PLACE}` : "*";
    const rows = `(select ${columns} from "baasix_Tasks" ${all.length > 0 ? `where ${all.join(" and ")}` : ""}
      order by ${id} ${dir} limit ${first.most})`;
    return wantedOf(rows, first);
  };
  const ofType = narrowed.includes("type") ? ["type = :type"] : [];
  const withStatus = (one: TaskStatus) => part("id + 0", WITH_STATUS[one], ...ofType);
  if (status) return withStatus(status);
  if (ofType.length === 0) return part("id");
  const each = (Object.keys(WITH_STATUS) as TaskStatus[]).map(withStatus).join(" union all ");
  return wantedOf(
    `(select * from (${each}) one order by ${place ? PLACE : "id"} ${dir} limit ${first.most})`,
    first,
  );
}

/** What has the time, and comes after the place. */
const inTime = (time: string, sort: TaskSort, narrowed: readonly Narrowed[]) =>
  narrowed.includes("after")
    ? `${time} is not null and (${time}, id) ${directionOf(sort).beyond} (:afterAt, :afterId)`
    : `${time} is not null`;

const byDueTime = (sort: TaskSort, narrowed: readonly Narrowed[], { most }: First, columns: string) =>
  firstWaiting(inTime("scheduled_time", sort, narrowed), String(most), columns, directionOf(sort).dir);

/** `tickwork_by_age` has them. One that another program ended before Tickwork came may have no time, and is not among them. */
const byEnd = (
  status: TaskStatus | undefined,
  sort: TaskSort,
  narrowed: readonly Narrowed[],
  { most }: First,
  columns: string,
) => `(
  select ${columns} from "baasix_Tasks" where task_status = '${status === "Error" ? "Error" : "Completed"}'
    and ${inTime("finished_at", sort, narrowed)} order by ${orderBy("finished_at", directionOf(sort).dir)} limit ${most})`;

/** Of the rows `t`. */
export const orderOfRows = (order: string) => order.replace(/(^|, )/g, "$1t.");

const PAGE = variants(
  (most: number, status: TaskStatus | undefined, sort: TaskSort, ...narrowed: Narrowed[]) => {
    const { from, order } = ordered(status, sort, narrowed, firstOfPage(most));
    return statement({
      ...{ limit: "int", bytes: "bigint" },
      ...paramsOf(sort, narrowed),
    } as Params)`${withinBytes(`${from} t`, orderOfRows(order))}`;
  },
);

/** A page of at most `limit` tasks and one more, with at most `bytes` together. */
export const LIST =
  (status?: TaskStatus, sort: TaskSort = "-created", ...narrowed: Narrowed[]) =>
  (values: { limit: number; bytes: number }): Statement =>
    PAGE(roofOf(values.limit), status, sort, ...narrowed)(values as never);

export const placeOf = (row: Row, sort: TaskSort | undefined): ListPlace => {
  const time = TIME_OF[readSort(sort).by];
  return { id: row.id, ...(time && { at: String(row[time]) }) };
};

/** What a list is narrowed by, and with which values. */
export function narrowedBy({ sort = "-created", type, after }: ListFilter) {
  const narrowed: Narrowed[] = [];
  if (type !== undefined) narrowed.push("type");
  if (after) narrowed.push("after");
  return { sort, narrowed, values: { type, afterId: after?.id, afterAt: after?.at } };
}

/** In the order that is asked for: up to `limit` of them, and as many as one answer may have. */
export async function list({ database }: StoreDeps, filter: ListFilter, bytes: number): Promise<Page> {
  const { status, limit } = filter;
  const { sort, narrowed, values } = narrowedBy(filter);
  const request = LIST(status, sort, ...narrowed)({ limit, bytes, ...values });
  const rows = await translatingDataErrors(() =>
    queryRepeatable<TaskRow & { found: number }>(database, request),
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = (rows[0]?.found ?? 0) > shown.length;
  return {
    tasks: tasksOf(shown),
    more,
    ...(more && last && { next: placeOf(last.task, sort) }),
  };
}
