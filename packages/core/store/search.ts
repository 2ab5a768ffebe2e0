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
  type Narrowed,
  narrowedBy,
  ordered,
  orderOfRows,
  paramsOf as paramsOfOrder,
  placeOf,
  TIME_OF,
} from "./list.ts";
import { translatingDataErrors } from "./postgres-errors.ts";
import { type Page, withinBytes } from "./read.ts";
import { type Row, tasksOf } from "./rows.ts";
import { type Params, queryRepeatable, statement, variants } from "./statement.ts";

/** What has waited for code for longest is due for longest: nothing that was due before it waits any more. */
function longestDue(sort: TaskSort, narrowed: readonly Narrowed[]) {
  const { descending } = readSort(sort);
  return {
    from: `(select *, id as place from ${firstWaiting("scheduled_time <= now()", ":limit + 1")} due)`,
    order: `place ${descending ? "desc" : "asc"}`,
    conditions: narrowed.map((name) => (name === "type" ? OF_TYPE : `id ${descending ? "<" : ">"} :afterId`)),
  };
}

const OF_TYPE = "type = :type";

/** What is looked through, in the order that an index has, so that no more is read than it takes to find a page. */
function looking(
  status: TaskStatus | undefined,
  sort: TaskSort,
  narrowed: readonly Narrowed[],
  isLongestDue: boolean,
) {
  const isByTime = readSort(sort).by !== "created";
  if (isLongestDue && !isByTime) return longestDue(sort, narrowed);
  const conditions = isByTime && narrowed.includes("type") ? [OF_TYPE] : [];
  return { ...ordered(status, sort, narrowed, { place: true }), conditions };
}

/** The other way round. */
const reversed = (order: string) =>
  order.replace(/\b(asc|desc)\b/g, (way) => (way === "asc" ? "desc" : "asc"));

/**
 * Looks through the first tasks that meet the other conditions, at most so many of them, until it has a page. No index helps
 * to find them, and none is kept: it would slow down every write. So a page that is not full says how far it has looked,
 * and the next one goes on from there.
 */
export const SEARCH = variants(
  (status: TaskStatus | undefined, sort: TaskSort, narrowed: readonly Narrowed[], ...looked: Looked[]) => {
    const { from, order, conditions } = looking(status, sort, narrowed, looked.includes("waiting_for_code"));
    const time = TIME_OF[readSort(sort).by] ?? "null::text";
    return statement({
      ...{ limit: "int", bytes: "bigint", more: "int" },
      ...paramsOfOrder(sort, narrowed),
      ...paramsOf(looked),
    } as Params)`
    with found as materialized (select id from ${from} t where ${[...conditions, conditionsOf(looked)].filter(Boolean).join(" and ")}
      order by ${order} limit :more + 1)
    select one.task, one.found, bounds.* from (select
      case when (select count(*) from found) <= :more then (select json_build_object('count', count(*), 'to',
        (array_agg(json_build_object('id', id, 'at', ${time}) order by ${reversed(order)}))[1]) from ${from} t)
      end as looked) bounds
    left join (${withinBytes(`(select * from "baasix_Tasks" where id = any(array(select id from found))) t`, orderOfRows(order).replace("place", "id"))}) one
      on true order by one.n`;
  },
);

interface SearchRow {
  task: Row | null;
  found: number | null;
  /** Of all that it looked at: the last one, and how many there were; null when the page is full. */
  looked: { to: ListPlace | null; count: number } | null;
}

export function searchRequest(
  deps: Pick<StoreDeps, "types" | "maxCrashes">,
  filter: ListFilter,
  bytes: number,
): Statement {
  const looked = lookedOf(filter);
  const { sort, narrowed, values } = narrowedBy(filter);
  const given = { limit: SEARCH_SCAN - 1, bytes, more: filter.limit, ...values };
  return SEARCH(
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
  // What has been due for longest is looked through once, not page by page.
  const isDone = looked === null || looked.count < SEARCH_SCAN || isLongestDue(filter);
  if (isDone || !looked.to) return { tasks: tasksOf(shown), more };
  return {
    tasks: tasksOf(shown),
    more: true,
    next: { id: looked.to.id, ...(looked.to.at && { at: looked.to.at }) },
  };
}

const isLongestDue = ({ waiting_for_code, sort }: ListFilter) =>
  waiting_for_code === true && readSort(sort).by === "created";
