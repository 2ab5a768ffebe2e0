import type { PGlite, Results, Transaction } from "@electric-sql/pglite";
import { getTypeParser } from "pg-types";
import type { PostgresDriver, Statement } from "#core";

/** Every value as the text that Postgres has for it: it is then parsed as node-postgres and Neon's driver parse it. */
const AS_TEXT = new Proxy({}, { get: () => (text: string) => text });
const TO_TEXT = new Proxy({}, { get: () => textOf });

/**
 * The embedded Postgres, in this process. It has one session: statements wait for each other, and one whose caller gave
 * up is still carried out.
 *
 * @param db an open PGlite; its parsers and serializers are replaced
 * @example const driver = pgliteDriver(await PGlite.create("./data"));
 */
export function pgliteDriver(db: PGlite): PostgresDriver {
  db.parsers = AS_TEXT;
  db.serializers = TO_TEXT;
  const run = async (session: PGlite | Transaction, { text, params = [] }: Statement) =>
    rowsOf(await session.query<(string | null)[]>(text, [...params], { rowMode: "array" }));
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

function rowsOf({ fields, rows }: Results<(string | null)[]>): unknown[] {
  const columns = fields.map(({ name, dataTypeID }) => ({ name, parse: getTypeParser(dataTypeID) }));
  return rows.map((row) => {
    const values: Record<string, unknown> = {};
    columns.forEach(({ name, parse }, n) => {
      const text = row[n] ?? null;
      values[name] = text === null ? null : parse(text);
    });
    return values;
  });
}

/** A parameter as Postgres reads it. */
function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return `{${value.map(elementOf).join(",")}}`;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** An element of an array literal. */
function elementOf(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  return Array.isArray(value) ? textOf(value) : `"${textOf(value).replace(/["\\]/g, "\\$&")}"`;
}
