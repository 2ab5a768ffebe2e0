import { SEARCH_SCAN } from "../limits.ts";
import type { TaskStatus } from "../tasks/task.ts";
import type { ListFilter } from "../tasks/tasks.ts";
import type { Statement } from "./database.ts";
import type { StoreDeps } from "./deps.ts";
import { conditionsOf, type Looked, lookedOf, paramsOf, valuesOf } from "./filter.ts";
import { translatingDataErrors } from "./postgres-errors.ts";
import { newestTasks, type Page, withinBytes } from "./read.ts";
import { type Row, tasksOf } from "./rows.ts";
import { type Params, queryRepeatable, statement, variants } from "./statement.ts";

type Filter = "type" | "beforeId";

/** What has waited for code for longest is due for longest: nothing that was due before it waits any more. */
const longestDue = (filters: readonly Filter[]) => ({
  source: `(select * from "baasix_Tasks" where task_status = 'Not started' and scheduled_time <= now()
    order by scheduled_time, id limit :limit + 1)`,
  conditions: [...filters.map((name) => (name === "type" ? "type = :type" : "id < :beforeId")), ""],
  columns: Object.fromEntries(filters.map((name) => [name, "column" as const])),
});

/**
 * Looks through the newest tasks that meet the other conditions, at most so many of them. No index helps to find them, and
 * none is kept: it would slow down every write. So a page says how far it has looked, and the next one goes on from there.
 */
export const SEARCH = variants(
  (status: TaskStatus | undefined, filters: readonly Filter[], ...looked: Looked[]) => {
    const { source, columns, conditions } = looked.includes("waiting_for_code")
      ? longestDue(filters)
      : { ...newestTasks(status, ...filters), conditions: [] };
    return statement({
      ...{ limit: "int", bytes: "bigint", more: "int" },
      ...columns,
      ...paramsOf(looked),
    } as Params)`
    with looked as materialized (select * from ${source} t),
    found as (select * from looked where ${conditions.filter(Boolean).concat(conditionsOf(looked)).join(" and ")}
      order by id desc limit :more + 1)
    select one.task, one.found, looked_to, looked
    from (select min(id) as looked_to, count(*)::int as looked from looked) bounds
    left join (${withinBytes("found t", "t.id desc")}) one on true order by (task->>'id')::bigint desc`;
  },
);

interface SearchRow {
  task: Row | null;
  found: number | null;
  looked_to: string | null;
  looked: number;
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
  const request = searchRequest(deps, filter, bytes);
  const rows = await translatingDataErrors(() => queryRepeatable<SearchRow>(deps.database, request));
  const tasks = tasksOf(rows.flatMap(({ task }) => (task ? [{ task }] : [])));
  const { found, looked, looked_to } = rows[0] ?? { found: 0, looked: 0, looked_to: null };
  const hasMore = (found ?? 0) > tasks.length || tasks.length > limit;
  // What has been due for longest is looked through once, not page by page.
  if (hasMore || filter.waiting_for_code || looked < SEARCH_SCAN)
    return { tasks: tasks.slice(0, limit), more: hasMore };
  return { tasks, more: true, lookedTo: Number(looked_to) };
}
