import type { StandardSchemaV1 } from "@standard-schema/spec";
import { TickworkError } from "#core";
import { mustBe, quote } from "../core/errors.ts";

/**
 * How a column is written:
 * - `text`: as Postgres writes it
 * - `integer`: up to 64 bits, exact in each format
 * - `number`: exact in CSV and NDJSON; in Parquet a double
 * - `boolean`
 * - `timestamp`: ISO 8601 in UTC, to the microsecond; in Parquet to the millisecond
 * - `json`: in Parquet and CSV as text
 */
export type ColumnType = "text" | "integer" | "number" | "boolean" | "timestamp" | "json";

/** What a parameter may be once the schema has made it what it is. */
export type ExportParam = string | number | boolean | null | Date;

/** A query that `data_export` may run. It is part of the code: a task says its name and its parameters, nothing else. */
export interface ExportDefinition {
  /** What tasks call it: 1 to 63 lower-case letters, digits, `_` and `-`, a letter first. */
  name: string;
  /** One `select`. `:from` is the parameter of that name, `:from::date` with its type. */
  sql: string;
  /** What is exported, in this order; other columns of the query are left out. */
  columns: Readonly<Record<string, ColumnType>>;
  /**
   * Columns that together are unique and never null, best those of an index: pages are read in their order, each behind
   * the last row of the one before.
   */
  key: string | readonly string[];
  /** Any Standard Schema of an object of parameters. Default: there are none. */
  params?: StandardSchemaV1<unknown, Readonly<Record<string, ExportParam>>>;
  /** Rows that are read at a time, 1 to 10,000. Fewer, where rows are large. Default 1,000. */
  pageRows?: number;
}

export const PAGE_ROWS = 1_000;
const PAGE_ROWS_MAX = 10_000;
const TYPES: readonly string[] = ["text", "integer", "number", "boolean", "timestamp", "json"];

/**
 * Defines a query for `dataExport`.
 *
 * @throws TickworkError `bad_definition`
 * @example
 * const orders = defineExport({
 *   name: "orders",
 *   sql: "select id, total, paid_at from orders where paid_at >= :from::timestamptz",
 *   columns: { id: "integer", total: "number", paid_at: "timestamp" },
 *   key: "id",
 *   params: v.object({ from: v.string() }),
 * });
 */
export function defineExport<const Definition extends ExportDefinition>(definition: Definition): Definition {
  const { name, sql, columns, pageRows = PAGE_ROWS } = definition;
  const refuse = (what: string): never => {
    throw new TickworkError("bad_definition", `the export ${quote(String(name))}: ${what}`);
  };
  if (!/^[a-z][a-z0-9_-]{0,62}$/.test(name))
    refuse(`name ${mustBe("1 to 63 lower-case letters, digits, _ and -, a letter first", name)}`);
  if (!/^\s*(select|with)\b/i.test(sql)) refuse("sql must be one select");
  if (/;\s*$/.test(sql)) refuse("sql must have no semicolon at its end");
  const entries = Object.entries(columns);
  if (entries.length === 0) refuse("columns must have at least one");
  for (const [column, type] of entries)
    if (!TYPES.includes(type)) refuse(`columns.${column} ${mustBe(`one of ${TYPES.join(", ")}`, type)}`);
  const keys = keysOf(definition);
  if (keys.length === 0) refuse("key must have at least one column");
  const unknown = keys.find((key) => !Object.hasOwn(columns, key));
  if (unknown !== undefined) refuse(`key must be among the columns, got ${quote(unknown)}`);
  if (!(Number.isInteger(pageRows) && pageRows >= 1 && pageRows <= PAGE_ROWS_MAX))
    refuse(`pageRows ${mustBe(`a whole number from 1 to ${PAGE_ROWS_MAX}`, pageRows)}`);
  return definition;
}

export function keysOf({ key }: ExportDefinition): readonly string[] {
  return typeof key === "string" ? [key] : key;
}
