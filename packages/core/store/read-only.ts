import { READ_ROWS_LIMIT_MS } from "../limits.ts";
import type { Database, Statement } from "./database.ts";

const READ_ONLY: Statement = { text: "set transaction read only" };

/** Reads rows of the user's own in a transaction that can write nothing, whatever the statement says. */
export async function readRows<Row>(database: Database, statement: Statement): Promise<Row[]> {
  const [, rows = []] = await database.transaction<Row>([READ_ONLY, statement], {
    repeatable: true,
    timeoutMs: READ_ROWS_LIMIT_MS,
  });
  return rows;
}
