/** The embedded Postgres. */
import type { PGlite, Transaction } from "@electric-sql/pglite";
import type { PostgresDriver, Statement } from "#core";

/** Types by their number in Postgres, where PGlite would answer otherwise than node-postgres and Neon's driver do. */
const INT8 = 20;
const NUMERIC = 1700;

/** Parameters travel as text, whatever their type, as they do with the other drivers. */
const TO_TEXT = new Proxy({}, { get: () => textOf });

/**
 * Tickwork on an open PGlite, which from now on answers its other callers as node-postgres would. It has one session,
 * so statements never run beside each other, and none can be aborted.
 *
 * @example const driver = pgliteDriver(await PGlite.create("./data"));
 */
export function pgliteDriver(db: PGlite): PostgresDriver {
  db.parsers = { ...db.parsers, [INT8]: String, [NUMERIC]: String };
  db.serializers = TO_TEXT;
  const run = async (session: PGlite | Transaction, { text, params = [] }: Statement): Promise<unknown[]> =>
    (await session.query(text, [...params])).rows;
  return {
    query: (statement) => run(db, statement),
    transaction: (statements) =>
      db.transaction(async (session) => {
        const results: unknown[][] = [];
        for (const statement of statements) results.push(await run(session, statement));
        return results;
      }),
    close: () => db.close(),
  };
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
