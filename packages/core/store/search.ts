import { SEARCH_SCAN } from "../limits.ts";
import { statusOf } from "../tasks/filter.ts";
import { type ListPlace, readSort, type TaskSort } from "../tasks/sort.ts";
import type { TaskStatus } from "../tasks/task.ts";
import type { ListFilter } from "../tasks/tasks.ts";
import type { Statement } from "./database.ts";
import type { StoreDeps } from "./deps.ts";
import { conditionsOf, depsFor, type Looked, lookedOf, paramsOf, valuesOf } from "./filter.ts";
import { firstWaiting } from "./fragments.ts";
import {
  firstOfPage,
  type Narrowed,
  narrowedBy,
  ordered,
  orderOfRows,
  PLACE,
  paramsOf as paramsOfOrder,
  placeOf,
  roofOf,
  SPOT,
  SPOTTED,
  TIME_OF,
  wantedOf,
} from "./list.ts";
import { translatingDataErrors } from "./postgres-errors.ts";
import { type Page, withinBytes } from "./read.ts";
import { type Row, tasksOf } from "./rows.ts";
import { type Params, queryRepeatable, statement, variants } from "./statement.ts";

const isByLongestDue = (looked: readonly Looked[], sort: TaskSort) =>
  looked.includes("waiting_for_code") && readSort(sort).by === "created";

/** What has waited for code for longest is due for longest: nothing that was due before it waits any more. */
function longestDue(sort: TaskSort, narrowed: readonly Narrowed[]) {
  const { descending } = readSort(sort);
  return {
    from: `(select *, id as ${PLACE} from ${firstWaiting("scheduled_time <= now()", String(SEARCH_SCAN), SPOTTED)} due)`,
    order: `${PLACE} ${descending ? "desc" : "asc"}`,
    conditions: narrowed.map((name) => (name === "type" ? OF_TYPE : `id ${descending ? "<" : ">"} :afterId`)),
  };
}

const OF_TYPE = "type = :type";

/** What is looked through, in the order that an index has, so that no more is read than it takes to find a page. */
function looking(
  status: TaskStatus | undefined,
  sort: TaskSort,
  narrowed: readonly Narrowed[],
  looked: readonly Looked[],
) {
  if (isByLongestDue(looked, sort)) return longestDue(sort, narrowed);
  const conditions = readSort(sort).by !== "created" && narrowed.includes("type") ? [OF_TYPE] : [];
  return { ...ordered(status, sort, narrowed, { most: SEARCH_SCAN }, { place: true }), conditions };
}

/** The other way round. */
const reversed = (order: string) =>
  order.replace(/\b(asc|desc)\b/g, (way) => (way === "asc" ? "desc" : "asc"));

/** Of all that it looked at: how many there were, and the last one. */
const lookedAt = (from: string, order: string, time: string) => `(
  select json_build_object('count', looked, 'to', json_build_object('id', id, 'at', at))
  from (select id, ${time} as at, count(*) over () as looked from ${from} t order by ${reversed(order)} limit 1) one)`;

/**
 * Looks through the first tasks that meet the other conditions, at most so many of them, until it has a page. No index
 * helps to find them, and none is kept: it would slow down every write. So a page that is not full says how far it has
 * looked, and the next one goes on from there; what has been due for longest is looked through once, not page by page.
 */
export const SEARCH = variants(
  (
    most: number,
    status: TaskStatus | undefined,
    sort: TaskSort,
    narrowed: readonly Narrowed[],
    ...looked: Looked[]
  ) => {
    const { from, order, conditions: more } = looking(status, sort, narrowed, looked);
    const time = TIME_OF[readSort(sort).by] ?? "null::text";
    const goesOn = isByLongestDue(looked, sort) ? "null::json" : lookedAt(from, order, time);
    const conditions = [...more, conditionsOf(looked)].filter(Boolean).join(" and ");
    const rows = `(select ${SPOT} from ${from} t where ${conditions} order by ${order} limit ${most})`;
    const found = wantedOf(rows, firstOfPage(most));
    return statement({
      ...{ limit: "int", bytes: "bigint" },
      ...paramsOfOrder(sort, narrowed),
      ...paramsOf(looked),
    } as Params)`
    with found as materialized (${found})
    select one.task, one.found, bounds.* from (select
      case when (select count(*) from found) <= :limit then ${goesOn} end as looked) bounds
    left join (${withinBytes(`(select * from "baasix_Tasks" where ctid = any(array(select ${SPOT} from found))) t`, orderOfRows(order).replace(PLACE, "id"))}) one
      on true order by one.n`;
  },
);

interface SearchRow {
  task: Row | null;
  found: number | null;
  /** As `lookedAt` says it; null when the page is full, or there is no other. */
  looked: { to: ListPlace; count: number } | null;
}

export function searchRequest(
  deps: Pick<StoreDeps, "types" | "maxCrashes">,
  filter: ListFilter,
  bytes: number,
): Statement {
  const looked = lookedOf(filter);
  const { sort, narrowed, values } = narrowedBy(filter);
  const given = { limit: filter.limit, bytes, ...values };
  return SEARCH(
    roofOf(filter.limit),
    statusOf(filter),
    sort,
    narrowed,
    ...looked,
  )({ ...given, ...valuesOf(deps, filter, looked) } as never);
}

/** Whether tasks have to be looked through for it. */
export const isSearch = (filter: ListFilter): boolean =>
  lookedOf(filter).length > 0 || (filter.type !== undefined && readSort(filter.sort).by !== "created");

/** The tasks that meet conditions which no index answers, of those that a page looks through. */
export async function search(deps: StoreDeps, filter: ListFilter, bytes: number): Promise<Page> {
  const { limit, sort } = filter;
  const request = searchRequest(await depsFor(deps, filter), filter, bytes);
  const rows = await translatingDataErrors(() => queryRepeatable<SearchRow>(deps.database, request));
  const found = rows.flatMap(({ task }) => (task ? [{ task }] : []));
  const shown = found.slice(0, limit);
  const { looked } = rows[0] ?? { looked: null };
  const more = (rows[0]?.found ?? 0) > shown.length;
  const last = shown.at(-1);
  if (more && last) return { tasks: tasksOf(shown), more, next: placeOf(last.task, sort) };
  if (looked === null || looked.count < SEARCH_SCAN) return { tasks: tasksOf(shown), more };
  return {
    tasks: tasksOf(shown),
    more: true,
    next: { id: looked.to.id, ...(looked.to.at && { at: looked.to.at }) },
  };
}
