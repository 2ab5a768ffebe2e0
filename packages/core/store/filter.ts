/** What a filter means in SQL. The list and the operations on many tasks share it. */
import { SEARCH_VALUE_BYTES } from "../limits.ts";
import { SEALED_IN_JSON, SEALED_MARK } from "../tasks/encryption.ts";
import type { TaskFilter } from "../tasks/filter.ts";
import type { StoreDeps } from "./deps.ts";
import { WAITS_FOR_CODE_OF_MANY } from "./fragments.ts";
import { typesToSend } from "./registered-types.ts";
import type { Params } from "./statement.ts";

/** The conditions of a filter that no index answers. With one of them, a bounded number of tasks is looked at in a page. */
export type Looked = Exclude<keyof TaskFilter, "status" | "type">;

/** As text, without what is encrypted: a short text is in any ciphertext by chance. */
const readable = (column: string) =>
  `case when strpos(${column}::text, '${SEALED_MARK}') = 0 then ${column}::text
    else regexp_replace(${column}::text, '${SEALED_IN_JSON}', '', 'g') end`;

/** The text is somewhere in this value. Large ones are passed over: each would have to be fetched and unpacked. */
const has = (column: string) => `(pg_column_size(${column}) <= ${SEARCH_VALUE_BYTES}
  and strpos(lower(${column}::text), lower(:text)) > 0 and strpos(lower(${readable(column)}), lower(:text)) > 0)`;

/** How often a task may fail: what it says, or its type, or once. */
const MAX_ATTEMPTS = `coalesce(max_attempts,
  (select tries from unnest(:retried, :tries) as declared (name, tries) where name = type), 1)`;

const CONDITIONS: Readonly<Record<Looked, { sql: string; params: Params }>> = {
  queue: { sql: "queue = :queue", params: { queue: "column" } },
  concurrency_key: { sql: "concurrency_key = :concurrency_key", params: { concurrency_key: "column" } },
  text: {
    sql: `(${has("task_data")} or ${has("result_data")} or ${has("error_data")})`,
    params: { text: "text" },
  },
  dead: {
    sql: `(task_status = 'Error' and error_data->>'code' is distinct from 'cancelled'
      and (crashes >= :maxCrashes or greatest(1, attempts - crashes - excused) >= ${MAX_ATTEMPTS}))`,
    params: { retried: "text[]", tries: "bigint[]", maxCrashes: "int" },
  },
  waiting_for_code: {
    // Where other processes have the code of all types, nothing is known to wait for any.
    sql: `(not :open and task_status = 'Not started' and scheduled_time <= now() and ${WAITS_FOR_CODE_OF_MANY})`,
    params: { ours: "text[]", foreign: "text[]", open: "boolean" },
  },
  created_from: { sql: `"createdAt" >= :created_from`, params: { created_from: "column" } },
  created_to: { sql: `"createdAt" < :created_to`, params: { created_to: "column" } },
  scheduled_from: { sql: "scheduled_time >= :scheduled_from", params: { scheduled_from: "column" } },
  scheduled_to: { sql: "scheduled_time < :scheduled_to", params: { scheduled_to: "column" } },
};
const NAMES = Object.keys(CONDITIONS) as Looked[];

/** Those that a filter has. */
export const lookedOf = (filter: TaskFilter): Looked[] => NAMES.filter((name) => filter[name] !== undefined);

/** Of these conditions, one after the other; empty when there are none. */
export const conditionsOf = (names: readonly Looked[]): string =>
  names.map((name) => CONDITIONS[name].sql).join(" and ");

export const paramsOf = (names: readonly Looked[]): Params =>
  Object.assign({}, ...names.map((name) => CONDITIONS[name].params));

/** With what a statement with this filter is sent: each row would be compared with all of ten thousand types. */
export async function depsFor(deps: StoreDeps, filter: TaskFilter): Promise<StoreDeps> {
  if (!filter.waiting_for_code) return deps;
  return { ...deps, types: { ...deps.types, ours: await typesToSend(deps) } };
}

/** The values of these parameters. */
export function valuesOf(
  { types, maxCrashes }: Pick<StoreDeps, "types" | "maxCrashes">,
  filter: TaskFilter,
  names: readonly Looked[],
): Record<string, never> {
  const { ours, foreign, open = false, retried = new Map<string, number>() } = types;
  return {
    ...Object.fromEntries(names.map((name) => [name, filter[name]])),
    ...(names.includes("dead") && { retried: [...retried.keys()], tries: [...retried.values()], maxCrashes }),
    ...(names.includes("waiting_for_code") && { ours, foreign, open }),
  } as Record<string, never>;
}
