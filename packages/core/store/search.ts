import { SEARCH_SCAN, SEARCH_VALUE_BYTES } from "../limits.ts";
import { SEALED_IN_JSON, SEALED_MARK } from "../tasks/encryption.ts";
import type { StoreDeps } from "./deps.ts";
import { translatingDataErrors } from "./postgres-errors.ts";
import { type ListFilter, newestTasks, type Page, withinBytes } from "./read.ts";
import { type Row, tasksOf } from "./rows.ts";
import { queryRepeatable, statement, variants } from "./statement.ts";

/** As text, without what is encrypted: a short text is in any ciphertext by chance. */
const readable = (column: string) =>
  `case when strpos(${column}::text, '${SEALED_MARK}') = 0 then ${column}::text
    else regexp_replace(${column}::text, '${SEALED_IN_JSON}', '', 'g') end`;

/** The text is somewhere in this value. Large ones are passed over: each would have to be fetched and unpacked. */
const has = (column: string) => `(pg_column_size(${column}) <= ${SEARCH_VALUE_BYTES}
  and strpos(lower(${column}::text), lower(:text)) > 0 and strpos(lower(${readable(column)}), lower(:text)) > 0)`;

/**
 * Looks through the newest tasks that meet the other conditions, at most so many of them. No index helps to find a text, and
 * none is kept: it would slow down every write. So a page says how far it has looked, and the next one goes on from there.
 */
export const SEARCH = variants((...kind: Parameters<typeof newestTasks>) => {
  const { source, columns } = newestTasks(...kind);
  return statement({ limit: "int", bytes: "bigint", text: "text", more: "int", ...columns })`
    with looked as materialized (select * from ${source} t),
    found as (select * from looked where ${has("task_data")} or ${has("result_data")} or ${has("error_data")}
      order by id desc limit :more + 1)
    select one.task, one.found, looked_to, looked
    from (select min(id) as looked_to, count(*)::int as looked from looked) bounds
    left join (${withinBytes("found t", "t.id desc")}) one on true order by (task->>'id')::bigint desc`;
});

interface SearchRow {
  task: Row | null;
  found: number | null;
  looked_to: string | null;
  looked: number;
}

/** The tasks with a text in their data, result or error, of those that a page looks through. */
export async function search(
  { database }: StoreDeps,
  { status, limit, text, ...rest }: ListFilter & { text: string },
  bytes: number,
): Promise<Page> {
  const filters = (["type", "beforeId"] as const).filter((name) => rest[name] !== undefined);
  const request = SEARCH(status, ...filters)({ limit: SEARCH_SCAN - 1, bytes, text, more: limit, ...rest });
  const rows = await translatingDataErrors(() => queryRepeatable<SearchRow>(database, request));
  const tasks = tasksOf(rows.flatMap(({ task }) => (task ? [{ task }] : [])));
  const { found, looked, looked_to } = rows[0] ?? { found: 0, looked: 0, looked_to: null };
  const hasMore = (found ?? 0) > tasks.length || tasks.length > limit;
  if (hasMore || looked < SEARCH_SCAN) return { tasks: tasks.slice(0, limit), more: hasMore };
  return { tasks, more: true, lookedTo: Number(looked_to) };
}
