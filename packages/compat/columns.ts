import { type Database, TickworkError } from "#core";
import { inUse } from "./tickwork.ts";

/** A column of the table, be it ours or an adopted one. */
export interface Column {
  name: string;
  /** As SQL writes it, from Postgres's catalog, so it may stand in a statement. */
  type: string;
  kind: "time" | "json" | "integer" | "other";
  /** The default of a new row: an expression, from the catalog as well; null for null. */
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

/**
 * No columns here: the token is a secret between a worker and Postgres, and code written for Baasix may use the names
 * of the others for members of `task_data`.
 */
const HIDDEN: ReadonlySet<string> = new Set(["lease_token", "priority", "queue", "concurrency_key", "lane"]);

const CATALOG = `
  select attname as name, format_type(atttypid, null) as type, case when attidentity = '' then pg_get_expr(adbin, adrelid)
    else format('nextval(%L)', pg_get_serial_sequence('"baasix_Tasks"', attname)) end as initial
  from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
  where attrelid = to_regclass('"baasix_Tasks"') and attnum > 0 and not attisdropped order by attnum`;

const known = new WeakMap<Database, Promise<Columns>>();

/**
 * The table's columns, read once for each database: a column that is added later is seen after a restart.
 *
 * @throws TickworkError `table_missing`
 */
export function columnsOf(database: Database = inUse().database): Promise<Columns> {
  const cached = known.get(database);
  if (cached) return cached;
  const reading = readColumns(database);
  known.set(database, reading);
  // After a failure, the next caller asks again.
  reading.catch(() => known.delete(database));
  return reading;
}

async function readColumns(database: Database): Promise<Columns> {
  const rows = await database.query<Omit<Column, "kind">>({ text: CATALOG }, { repeatable: true });
  if (rows.length === 0)
    throw new TickworkError("table_missing", 'There is no table "baasix_Tasks"; migrations create it.');
  return new Map(
    rows
      .filter(({ name }) => !HIDDEN.has(name))
      .map((column) => [column.name, { ...column, kind: KINDS[column.type] ?? "other" }]),
  );
}
