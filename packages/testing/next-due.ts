import type { Database } from "#core";
import { NEXT_DUE_MS } from "../core/store/fragments.ts";
import { queryRepeatable, statement } from "../core/store/statement.ts";

const NEXT_DUE = statement({ ours: "text[]" })`select ${NEXT_DUE_MS} as next_ms`;

/**
 * When something is due next, in epoch milliseconds: a waiting task, or the end of a lease. Undefined when nothing is.
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
