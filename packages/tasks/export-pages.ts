/** Reads the rows of an export, a page at a time: what is in memory does not depend on how many there are. */
import { PermanentError, type Statement, type TaskContext } from "#core";
import { NAMES } from "../core/store/statement.ts";
import {
  type ColumnType,
  type ExportDefinition,
  type ExportParam,
  keysOf,
  PAGE_ROWS,
} from "./define-export.ts";
import type { OwnErrorCode } from "./error-codes.ts";

/** The values of a row, in the order of the columns: as Postgres writes them in text, or null. */
export type TextRow = readonly (string | null)[];

/** A row of a page: the columns as `c0`, `c1`, …, and the key as `k0`, `k1`, …. */
type PageRow = Readonly<Record<string, string | null>>;

export type ReadRows = TaskContext["readRows"];

/**
 * The pages of an export, at most `pageRows` rows each.
 *
 * @throws PermanentError `export_key` when the key is null or not unique, where rows would be lost; PostgresError
 */
export async function* pagesOf(
  definition: ExportDefinition,
  params: Readonly<Record<string, ExportParam>>,
  readRows: ReadRows,
): AsyncGenerator<TextRow[]> {
  const { columns, pageRows = PAGE_ROWS } = definition;
  const keys = keysOf(definition);
  const width = Object.keys(columns).length;
  const [nulls] = await readRows<{ found: boolean }>(nullKeysOf(definition, params));
  if (nulls?.found) throw keyError(definition, "is null in some rows");
  const keyOf = (row: PageRow | undefined) => keys.map((_, n) => row?.[`k${n}`] ?? null);
  for (let after: (string | null)[] | undefined; ; ) {
    // One more than the page has: what follows tells whether the key is unique where pages meet.
    const rows: PageRow[] = await readRows<PageRow>(pageOf(definition, params, after, pageRows + 1));
    const page = rows.slice(0, pageRows);
    if (page.length > 0)
      yield page.map((row) => Array.from({ length: width }, (_, n) => row[`c${n}`] ?? null));
    if (rows.length <= pageRows) return;
    after = keyOf(rows[pageRows - 1]);
    if (JSON.stringify(after) === JSON.stringify(keyOf(rows[pageRows])))
      throw keyError(definition, `is not unique: ${after.join(", ")}`);
  }
}

/** How many rows Postgres expects: for the progress, since to count them would be to read them all. */
export async function expectedRows(
  definition: ExportDefinition,
  params: Readonly<Record<string, ExportParam>>,
  readRows: ReadRows,
): Promise<number> {
  const { text, params: values } = numbered(definition, params);
  const [row] = await readRows<{ "QUERY PLAN": [{ Plan: { "Plan Rows": number } }] }>({
    text: `explain (format json) ${text}`,
    params: values,
  });
  return row?.["QUERY PLAN"][0].Plan["Plan Rows"] ?? 0;
}

function pageOf(
  definition: ExportDefinition,
  given: Readonly<Record<string, ExportParam>>,
  after: readonly (string | null)[] | undefined,
  limit: number,
): Statement {
  const { text, params } = numbered(definition, given);
  const keys = keysOf(definition).map((key) => `e.${identifier(key)}`);
  const selected = [
    ...Object.entries(definition.columns).map(([name, type], n) => `${asText(name, type)} as c${n}`),
    ...keys.map((key, n) => `${key}::text as k${n}`),
  ];
  // Each takes the type of the column that it is compared with, and is the text that Postgres wrote of it.
  const behind = after
    ? `where (${keys.join(", ")}) > (${after.map((_, n) => `$${params.length + n + 1}`).join(", ")})`
    : "";
  return {
    text: `select ${selected.join(", ")} from (\n${text}\n) e ${behind} order by ${keys.join(", ")} limit ${limit}`,
    params: [...params, ...(after ?? [])],
  };
}

function nullKeysOf(definition: ExportDefinition, given: Readonly<Record<string, ExportParam>>): Statement {
  const { text, params } = numbered(definition, given);
  const isNull = keysOf(definition).map((key) => `e.${identifier(key)} is null`);
  return {
    text: `select exists (select from (\n${text}\n) e where ${isNull.join(" or ")}) as found`,
    params,
  };
}

/** The query with its parameters as `$1`, `$2`, …. */
function numbered(
  { name: export_, sql }: ExportDefinition,
  given: Readonly<Record<string, ExportParam>>,
): Required<Statement> {
  const params: (string | number | boolean | null)[] = [];
  const numbers = new Map<string, number>();
  const text = sql.replace(NAMES, (found, name?: string) => {
    if (name === undefined) return found;
    const known = numbers.get(name);
    if (known !== undefined) return `$${known}`;
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined)
      throw new PermanentError(`the export ${export_} needs the parameter ${name}, and got none`, {
        code: "invalid_data",
      });
    params.push(value instanceof Date ? value.toISOString() : value);
    numbers.set(name, params.length);
    return `$${params.length}`;
  });
  return { text, params };
}

const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** The text of each value, the same on each server whatever its settings. */
function asText(name: string, type: ColumnType): string {
  const column = `e.${identifier(name)}`;
  switch (type) {
    case "timestamp":
      return `to_char(${column}::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
    case "integer":
      return `${column}::bigint::text`;
    case "boolean":
      return `${column}::boolean::text`;
    case "json":
      // On one line, unlike json.
      return `${column}::jsonb::text`;
    default:
      return `${column}::text`;
  }
}

function keyError({ name }: ExportDefinition, what: string): PermanentError {
  return new PermanentError(`the key of the export ${name} ${what}; rows would be lost`, {
    code: "export_key" satisfies OwnErrorCode,
  });
}
