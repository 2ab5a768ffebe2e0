import type { Database } from "#core";
import { epochMs, NEXT_DUE_MS } from "../core/store/fragments.ts";
import { queryRepeatable, statement } from "../core/store/statement.ts";

const NEXT_DUE = statement({ ours: "text[]" })`
  select least(${NEXT_DUE_MS}, (select ${epochMs("min(next_time)")} from tickwork_schedules)) as next_ms`;

/**
 * When something is due next, in epoch milliseconds: a waiting task, the end of a lease, or an occurrence that was not
 * made yet. Undefined when nothing is.
 *
 * @param ours the types that are run here: tasks of others stay as they are
 */
export async function readNextDueMs(
  database: Database,
  ours: readonly string[],
): Promise<number | undefined> {
  const [row] = await queryRepeatable<{ next_ms: number | null }>(database, NEXT_DUE({ ours }));
  return row?.next_ms ?? undefined;
}
