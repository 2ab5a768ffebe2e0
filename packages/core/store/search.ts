import { SEARCH_SCAN } from "../limits.ts";
import type { TaskStatus } from "../tasks/task.ts";
import type { ListFilter } from "../tasks/tasks.ts";
import type { Statement } from "./database.ts";
import type { StoreDeps } from "./deps.ts";
import { conditionsOf, depsFor, type Looked, lookedOf, paramsOf, valuesOf } from "./filter.ts";
import { translatingDataErrors } from "./postgres-errors.ts";
import { newestTasks, type Page, WITH_STATUS, withinBytes } from "./read.ts";
import { type Row, tasksOf } from "./rows.ts";
import { type Params, queryRepeatable, statement, variants } from "./statement.ts";

type Filter = "type" | "beforeId";
const columnsOf = (filters: readonly Filter[]) =>
  Object.fromEntries(filters.map((name) => [name, "column" as const]));

/** What has waited for code for longest is due for longest: nothing that was due before it waits any more. */
const longestDue = (filters: readonly Filter[]) => ({
  source: `(select *, id as place from "baasix_Tasks" where task_status = 'Not started' and scheduled_time <= now()
    order by scheduled_time, id limit :limit + 1)`,
  conditions: filters.map((name) => (name === "type" ? "type = :type" : "id < :beforeId")),
});

/** In the order that the index has, so that no more of them are read than it takes to find a page. */
const newestOf = (status: TaskStatus | undefined, filters: readonly Filter[]) => ({
  source: status
    ? `(select *, id + 0 as place from "baasix_Tasks" where ${WITH_STATUS[status]}
        ${filters.map((name) => (name === "type" ? "and type = :type" : "and id + 0 < :beforeId")).join(" ")}
        order by id + 0 desc limit :limit + 1)`
    : `(select *, id as place from ${newestTasks(undefined, ...filters).source} newest)`,
  conditions: [],
});

/**
 * Looks through the newest tasks that meet the other conditions, at most so many of them, until it has a page. No index helps
 * to find them, and none is kept: it would slow down every write. So a page that is not full says how far it has looked,
 * and the next one goes on from there.
 */
export const SEARCH = variants(
  (status: TaskStatus | undefined, filters: readonly Filter[], ...looked: Looked[]) => {
    const isLongestDue = looked.includes("waiting_for_code");
    const { source, conditions } = isLongestDue ? longestDue(filters) : newestOf(status, filters);
    return statement({
      ...{ limit: "int", bytes: "bigint", more: "int" },
      ...columnsOf(filters),
      ...paramsOf(looked),
    } as Params)`
    with found as materialized (select id from ${source} t where ${[...conditions, conditionsOf(looked)].join(" and ")}
      order by place desc limit :more + 1)
    select one.task, one.found, bounds.* from (select
      case when (select count(*) from found) <= :more then (select json_build_object('to', min(id), 'count', count(*)) from ${source} t)
      end as looked) bounds
    left join (${withinBytes(`(select * from "baasix_Tasks" where id = any(array(select id from found))) t`, "t.id desc")}) one
      on true order by (task->>'id')::bigint desc`;
  },
);

interface SearchRow {
  task: Row | null;
  found: number | null;
  /** Of all that it looked at: the lowest id, and how many there were; null when the page is full. */
  looked: { to: number | null; count: number } | null;
}

export function searchRequest(
  deps: Pick<StoreDeps, "types" | "maxCrashes">,
  filter: ListFilter,
  bytes: number,
): Statement {
  const { limit, type, beforeId } = filter;
  const looked = lookedOf(filter);
  const status = filter.status ?? (filter.dead ? "Error" : undefined);
  const filters = (["type", "beforeId"] as const).filter((name) => filter[name] !== undefined);
  const given = { limit: SEARCH_SCAN - 1, bytes, more: limit, type, beforeId };
  return SEARCH(status, filters, ...looked)({ ...given, ...valuesOf(deps, filter, looked) } as never);
}

/** The tasks that meet conditions which no index answers, of those that a page looks through. */
export async function search(deps: StoreDeps, filter: ListFilter, bytes: number): Promise<Page> {
  const { limit } = filter;
  const request = searchRequest(await depsFor(deps, filter), filter, bytes);
  const rows = await translatingDataErrors(() => queryRepeatable<SearchRow>(deps.database, request));
  const tasks = tasksOf(rows.flatMap(({ task }) => (task ? [{ task }] : [])));
  const { found, looked } = rows[0] ?? { found: 0, looked: null };
  const more = (found ?? 0) > tasks.length || tasks.length > limit;
  // What has been due for longest is looked through once, not page by page.
  if (more || !looked?.to || looked.count < SEARCH_SCAN || filter.waiting_for_code)
    return { tasks: tasks.slice(0, limit), more };
  return { tasks, more: true, lookedTo: looked.to };
}
