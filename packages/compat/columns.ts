import { type Database, errors } from "#core";
import * as sql from "./sql.ts";
import { inUse } from "./tickwork.ts";

/** A column of the table: ours, or of a table that was there before. */
export interface Column {
  name: string;
  /** As SQL writes it, from Postgres's own catalog, so that it may stand in a statement. */
  type: string;
  kind: "time" | "json" | "integer" | "other";
  /** What it is when a new row does not say: an expression, from the catalog as well; null for null. */
  initial: string | null;
}

export type Columns = ReadonlyMap<string, Column>;

const KINDS: Readonly<Record<string, Column["kind"]>> = {
  "timestamp with time zone": "time",
  json: "json",
  jsonb: "json",
  smallint: "integer",
  integer: "integer",
  bigint: "integer",
};

/** The token is a secret between a worker and Postgres: here it is no column at all. */
const HIDDEN = "lease_token";

const known = new WeakMap<Database, Promise<Columns>>();

/**
 * The table's columns, read once for each database: a column that is added later is seen after a restart.
 *
 * @throws TickworkError when there is no table
 */
export function columnsOf(database: Database = inUse().database): Promise<Columns> {
  const cached = known.get(database);
  if (cached) return cached;
  const reading = readColumns(database);
  known.set(database, reading);
  // What failed is asked again by the next caller.
  reading.catch(() => known.delete(database));
  return reading;
}

async function readColumns(database: Database): Promise<Columns> {
  const rows = await database.query<Omit<Column, "kind">>(sql.columns(), { repeatable: true });
  if (rows.length === 0)
    throw errors.unavailable('There is no table "baasix_Tasks"; migrations make it.', undefined);
  return new Map(
    rows
      .filter(({ name }) => name !== HIDDEN)
      .map((column) => [column.name, { ...column, kind: KINDS[column.type] ?? "other" }]),
  );
}
