/** The formats of an export. Each turns pages of rows into bytes, and keeps nothing of a page that it has written. */
import { missingPeer } from "../core/peer.ts";
import type { ColumnType } from "./define-export.ts";
import type { TextRow } from "./export-pages.ts";

export const FORMATS = ["csv", "ndjson", "parquet"] as const;
export type Format = (typeof FORMATS)[number];

export interface Encoder {
  /** Before the first page. */
  begin(): Uint8Array;
  /** May be empty: some formats gather rows. */
  page(rows: readonly TextRow[]): Promise<Uint8Array>;
  /** After the last page. */
  end(): Promise<Uint8Array>;
  /** Rows that are gathered. */
  readonly held: number;
}

export interface FormatOptions {
  columns: Readonly<Record<string, ColumnType>>;
  /** Of CSV: whether text that a spreadsheet would take for a formula is made harmless. */
  formulas: "escape" | "keep";
}

/** @throws ConfigError when the package that a format needs is not installed */
export async function openEncoder(format: Format, options: FormatOptions): Promise<Encoder> {
  if (format === "csv") return csv(options);
  return format === "ndjson" ? ndjson(options) : parquet(options);
}

const NOTHING = new Uint8Array();

/** By RFC 4180, in UTF-8. An empty field is null, `""` is an empty text. */
function csv({ columns, formulas }: FormatOptions): Encoder {
  const types = Object.values(columns);
  const line = (fields: readonly string[]) => `${fields.join(",")}\r\n`;
  const field = (value: string | null, n: number) => {
    if (value === null) return "";
    return quoted(formulas === "escape" && isFree(types[n]) ? harmless(value) : value);
  };
  return {
    held: 0,
    begin: () => Buffer.from(line(Object.keys(columns).map(quoted))),
    page: async (rows) => Buffer.from(rows.map((row) => line(row.map(field))).join("")),
    end: async () => NOTHING,
  };
}

const quoted = (text: string) =>
  /^$|[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** Anything may stand in it; a number, a time or a truth value is never a formula. */
const isFree = (type: ColumnType | undefined) => type === "text" || type === "json";

/** What spreadsheets take for the beginning of a formula, in the wide forms of East Asia, too. */
const harmless = (text: string) => (/^\s*[=+\-@\t\r|%＝＋－＠]/.test(text) ? `'${text}` : text);

function ndjson({ columns }: FormatOptions): Encoder {
  const fields = Object.entries(columns).map(([name, type]) => ({ name: `${JSON.stringify(name)}:`, type }));
  const line = (row: TextRow) =>
    `{${fields.map(({ name, type }, n) => name + jsonOf(row[n] ?? null, type)).join(",")}}\n`;
  return {
    held: 0,
    begin: () => NOTHING,
    page: async (rows) => Buffer.from(rows.map(line).join("")),
    end: async () => NOTHING,
  };
}

function jsonOf(value: string | null, type: ColumnType): string {
  if (value === null) return "null";
  // Its digits are those of Postgres: a number of JavaScript would lose some. NaN and Infinity are no JSON.
  if (type === "number") return /^-?\d/.test(value) ? value : "null";
  return type === "text" || type === "timestamp" ? JSON.stringify(value) : value;
}

/** Rows and characters that a row group has at most: readers skip groups as a whole, and each costs a part of the end. */
const GROUP_ROWS = 10_000;
const GROUP_CHARACTERS = 8_000_000;

const PARQUET_TYPES = {
  text: "STRING",
  json: "STRING",
  integer: "INT64",
  number: "DOUBLE",
  boolean: "BOOLEAN",
  timestamp: "TIMESTAMP",
} as const satisfies Record<ColumnType, string>;

async function parquet({ columns }: FormatOptions): Promise<Encoder> {
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import("hyparquet-writer").catch(
    missingPeer("hyparquet-writer", "writes Parquet for data_export"),
  );
  const fields = Object.entries(columns).map(([name, type]) => ({ name, type: PARQUET_TYPES[type] }));
  const types = Object.values(columns);
  const sources = (rows: readonly TextRow[]) =>
    fields.map(({ name, type }, n) => ({
      name,
      type,
      nullable: true,
      data: rows.map((row) => parquetOf(row[n] ?? null, types[n] ?? "text")),
    }));
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaFromColumnData({ columnData: sources([]) }),
    createdBy: "tickwork",
  });
  /** Takes what was written out of the writer. Its offset goes on. */
  const taken = () => {
    const copy = bytes.getBytes().slice();
    bytes.index = 0;
    return copy;
  };
  let gathered: TextRow[] = [];
  let characters = 0;
  const writeGroup = async () => {
    if (gathered.length > 0)
      await writer.write({ columnData: sources(gathered), rowGroupSize: gathered.length });
    gathered = [];
    characters = 0;
    return taken();
  };
  return {
    get held() {
      return gathered.length;
    },
    begin: taken,
    async page(rows) {
      gathered.push(...rows);
      for (const row of rows) for (const value of row) characters += value?.length ?? 0;
      return gathered.length >= GROUP_ROWS || characters >= GROUP_CHARACTERS ? writeGroup() : NOTHING;
    },
    async end() {
      const last = await writeGroup();
      await writer.finish();
      return Buffer.concat([last, taken()]);
    },
  };
}

function parquetOf(value: string | null, type: ColumnType): string | number | bigint | boolean | Date | null {
  if (value === null) return null;
  if (type === "integer") return BigInt(value);
  if (type === "number") return Number(value);
  if (type === "boolean") return value === "true";
  return type === "timestamp" ? new Date(value) : value;
}
