/** Sorts what foreign code writes into the table's columns, or into the JSON of one of them. */
import { TASK_STATUSES } from "#core";
import { messageOf, mustBe, quote, refusal } from "../core/errors.ts";
import { TIME_FORMAT } from "../core/tasks/time.ts";
import type { Column, Columns } from "./columns.ts";
import type { Changes } from "./sql.ts";
import { timeOf } from "./times.ts";

/**
 * What `create` and `update` take: the table's columns, and besides
 * - `metadata`, an object or its JSON: its members become members of `task_data`
 * - `error_message`, a text or an Error: becomes `error_data.message`; null empties `error_data`
 * - anything else: becomes a member of `task_data` under its own name
 *
 * A column of that name, which an adopted table may have, takes precedence. What is undefined is left out. Tickwork
 * maintains rev, slot, the lease and updatedAt itself and ignores what is given for them, so that a row that was read
 * can be written back; `id` and `createdAt` can be set when a task is created.
 */
export interface TaskValues {
  type?: string | undefined;
  task_status?: string | undefined;
  scheduled_time?: Date | string | number | null | undefined;
  attachment_id?: string | null | undefined;
  task_data?: unknown;
  result_data?: unknown;
  error_data?: unknown;
  metadata?: unknown;
  error_message?: unknown;
  [attribute: string]: unknown;
}

/** A row for `insert`, every value as JSON. */
export function rowOf(columns: Columns, values: TaskValues, path: string): Record<string, unknown> {
  const { row, members, error } = sorted(columns, values, path, KEPT);
  if (Object.keys(members).length > 0) row.task_data = withMembers(row.task_data, members);
  if (error) row.error_data = withMembers(row.error_data, error);
  if (row.type === undefined || row.type === null) throw refusal(`${path}.type`, "is missing");
  return row;
}

/** What an `update` writes; undefined if that is nothing. */
export function changesOf(columns: Columns, values: TaskValues): Changes | undefined {
  const { row, members, error } = sorted(columns, values, "values", KEPT_LATER);
  const merges: Changes["merges"][number][] = [];
  const add = (name: string, added: Record<string, unknown>, drop: readonly string[]) => {
    const column = columns.get(name);
    // To a value that is given as a whole, members are added here; otherwise to whatever each row has, by Postgres.
    if (name in row) row[name] = withMembers(row[name], added);
    else if (column) merges.push({ column, members: added, drop });
  };
  if (Object.keys(members).length > 0) add("task_data", members, []);
  if (error) add("error_data", error, STALE);
  return merges.length > 0 || Object.keys(row).length > 0 ? { row, merges } : undefined;
}

/** Columns that Tickwork maintains. */
const KEPT = new Set(["rev", "slot", "lease_token", "lease_expires_at", "updatedAt"]);
/** As in Sequelize, these stay as they were created. */
const KEPT_LATER = new Set([...KEPT, "id", "createdAt"]);
/** These describe an earlier error; next to another message they would be wrong. */
const STALE = ["code", "stack"];

interface Sorted {
  row: Record<string, unknown>;
  /** For `task_data`. */
  members: Record<string, unknown>;
  /** For `error_data`. */
  error: Record<string, unknown> | undefined;
}

function sorted(columns: Columns, values: TaskValues, path: string, kept: ReadonlySet<string>): Sorted {
  if (typeof values !== "object" || values === null || Array.isArray(values))
    throw refusal(path, mustBe("an object of attributes", values));
  const row: [string, unknown][] = [];
  const members: [string, unknown][] = [];
  let error: Sorted["error"];
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || kept.has(name)) continue;
    const column = columns.get(name);
    if (column) row.push([name, storable(column, value, `${path}.${name}`)]);
    else if (name === "error_message" && value === null) row.push(["error_data", null]);
    else if (name === "error_message") error = errorOf(value);
    else if (name === "metadata" && value === null) continue;
    else if (name === "metadata") {
      const metadata = jsonOf(parsed(value), `${path}.metadata`);
      if (isPlainObject(metadata)) members.push(...Object.entries(metadata));
      else members.push([name, metadata]);
    } else members.push([name, jsonOf(value, `${path}.${name}`)]);
  }
  // With `fromEntries`, a member called __proto__ is one like any other.
  return { row: Object.fromEntries(row), members: Object.fromEntries(members), error };
}

/** A value as it is stored in that column. */
function storable(column: Column, value: unknown, path: string): unknown {
  if (column.name === "task_status") return checkStatus(value, path);
  if (value === null) return null;
  if (column.kind === "time") {
    const time = timeOf(value);
    if (time === undefined) throw refusal(path, mustBe(TIME_FORMAT, value));
    return time;
  }
  if (typeof value === "number" && !Number.isFinite(value))
    throw refusal(path, mustBe("a finite number", value));
  if (typeof value === "bigint") return String(value);
  return jsonOf(column.kind === "json" ? parsed(value) : value, path);
}

/** @throws TickworkError if it is not the status of a task: a table that Baasix made may not check that itself */
export function checkStatus(value: unknown, path: string): string {
  const status = TASK_STATUSES.find((known) => known === value);
  if (status) return status;
  throw refusal(path, mustBe(`one of ${TASK_STATUSES.map(quote).join(", ")}`, value));
}

/** Parses text that is a JSON object or list; any other text stays a text. */
export function parsed(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[{[]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** The value as it looks after JSON. @throws TickworkError if JSON cannot express it */
export function jsonOf(value: unknown, path: string): unknown {
  try {
    const text = JSON.stringify(value);
    return text === undefined ? null : JSON.parse(text);
  } catch (error) {
    throw refusal(path, `cannot be written as JSON: ${messageOf(error)}`);
  }
}

/** As `merged` in `sql.ts`: an object gets the members; anything else becomes the member `value` of one. */
function withMembers(value: unknown, members: Record<string, unknown>): unknown {
  if (value === undefined || value === null) return members;
  return isPlainObject(value) ? { ...value, ...members } : { value, ...members };
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function errorOf(thrown: unknown): Record<string, unknown> {
  if (thrown instanceof Error)
    return { message: storableText(messageOf(thrown)), name: storableText(thrown.name) };
  const message =
    typeof thrown === "object" ? JSON.stringify(jsonOf(thrown, "error_message")) : String(thrown);
  return { message: storableText(message), name: "Error" };
}

/** A zero byte, or half a surrogate pair, in some library's message must not keep a task from ending in Error. */
function storableText(text: string): string {
  return text
    .replaceAll("\0", "")
    .replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, "\uFFFD");
}
