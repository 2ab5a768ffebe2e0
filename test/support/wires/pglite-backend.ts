import type { PGlite, Results, Transaction } from "@electric-sql/pglite";
import { type Backend, transactionModes, type WireQuery, type WireResult } from "./neon-wire.ts";

/** Every value as text in both directions, whatever its type. */
const AS_TEXT = new Proxy({}, { get: () => (value: unknown) => value });
const TO_TEXT = new Proxy({}, { get: () => String });

/** The embedded Postgres behind Neon's driver. It has one session, so statements never run beside each other. */
export function pgliteBackend(db: PGlite): Backend {
  // This database is ours alone, and options of a query are merged key by key, which would need every type's number.
  db.parsers = AS_TEXT;
  db.serializers = TO_TEXT;
  const run = async (session: PGlite | Transaction, { query, params }: WireQuery): Promise<WireResult> =>
    shape(await session.query(query, params, { rowMode: "array" }));
  return {
    query: (query) => run(db, query),
    transaction: (queries, options) =>
      db.transaction(async (session) => {
        const modes = transactionModes(options);
        if (modes) await session.exec(`SET TRANSACTION ${modes}`);
        const results: WireResult[] = [];
        for (const query of queries) results.push(await run(session, query));
        return results;
      }),
    close: () => db.close(),
  };
}

function shape(result: Results<unknown>): WireResult {
  return {
    command: "",
    rowCount: result.affectedRows ?? null,
    fields: result.fields.map(({ name, dataTypeID }) => ({ name, dataTypeID })),
    rows: result.rows as (string | null)[][],
  };
}
