import { mustBe, quote, refusal } from "../core/errors.ts";
import { TIME_FORMAT } from "../core/tasks/time.ts";
import type { Column, Columns } from "./columns.ts";
import { listed, type Operator, operatorOf } from "./operators.ts";
import type { Condition, Test } from "./sql.ts";
import { timeOf } from "./times.ts";
import { checkStatus, jsonOf, parsed } from "./values.ts";

/** Columns with values or operators, and `Op.and`, `Op.or`, `Op.not` with more of the same. A list is an `Op.and`. */
export type Where = WhereObject | readonly WhereObject[];

/**
 * @example { type: ["email_batch", "cleanup"], scheduled_time: { [Op.gt]: from, [Op.lte]: to }, attachment_id: null }
 */
export interface WhereObject {
  [column: string]: unknown;
  [operator: symbol]: unknown;
}

/**
 * Checks a `where` against the table's columns.
 *
 * @throws TickworkError that names the column, operator or value that is not acceptable, and what is
 */
export function conditionOf(columns: Columns, where: Where): Condition {
  return conjunction(columns, where, "where");
}

/** As in Sequelize, an empty object says nothing; but an undefined value is a mistake and never means "any". */
function conjunction(columns: Columns, where: unknown, path: string): Condition {
  if (Array.isArray(where))
    return { kind: "and", of: saying(where.map((part) => conjunction(columns, part, path))) };
  if (!isPlainObject(where)) throw refusal(path, mustBe("an object of columns", where));
  const parts = entriesOf(where).map(([key, value]): Condition => {
    if (typeof key === "string") return comparison(columnNamed(columns, key, path), value, `${path}.${key}`);
    const operator = operatorOf(key);
    const at = `${path}.${shown(key)}`;
    if (operator === "and") return conjunction(columns, value, at);
    if (operator === "or")
      return { kind: "or", of: saying(split(value).map((part) => conjunction(columns, part, at))) };
    if (operator === "not") return negation(conjunction(columns, value, at));
    throw refusal(path, `must have columns, ${listed(["and", "or", "not"])}, got ${shown(key)}`);
  });
  return { kind: "and", of: saying(parts) };
}

/** The column of that name. @throws TickworkError that lists the table's columns */
export function columnNamed(columns: Columns, name: unknown, path: string): Column {
  const column = typeof name === "string" ? columns.get(name) : undefined;
  if (column) return column;
  throw refusal(path, `must name columns (${[...columns.keys()].join(", ")}), got ${quote(name)}`);
}

/** Compares a column with a value, a list, or by operators. */
function comparison(column: Column, value: unknown, path: string): Condition {
  if (value === null) return { kind: "is", column, value };
  if (Array.isArray(value)) return test(column, "in", value, path);
  if (!isPlainObject(value)) return test(column, "eq", value, path);
  const parts = entriesOf(value);
  if (parts.length === 0) throw refusal(path, mustBe("a value, a list or an operator", value));
  return { kind: "and", of: parts.map(([key, operand]) => operation(column, key, operand, path)) };
}

function operation(column: Column, key: string | symbol, value: unknown, path: string): Condition {
  const operator = typeof key === "symbol" ? operatorOf(key) : undefined;
  if (!operator) throw refusal(path, `must have operators (${listed()}), got ${shown(key)}`);
  const at = `${path}.${shown(key)}`;
  switch (operator) {
    case "and":
    case "or":
      return { kind: operator, of: split(value).map((part) => comparison(column, part, at)) };
    case "not":
      if (value === null || typeof value === "boolean") return negation(is(column, value, at));
      if (Array.isArray(value)) return test(column, "notIn", value, at);
      return isPlainObject(value) ? negation(comparison(column, value, at)) : test(column, "ne", value, at);
    case "is":
      if (value === null || typeof value === "boolean") return is(column, value, at);
      throw refusal(at, mustBe("null, true or false", value));
    case "eq":
      return value === null ? { kind: "is", column, value } : test(column, operator, value, at);
    case "ne":
      return value === null ? negation({ kind: "is", column, value }) : test(column, operator, value, at);
    default:
      return test(column, operator, value, at);
  }
}

function is(column: Column, value: null | boolean, path: string): Condition {
  if (value === null || column.type === "boolean") return { kind: "is", column, value };
  throw refusal(path, mustBe(`null, since ${column.name} is not a column of booleans`, value));
}

const LIKES = new Set<Operator>(["like", "notLike", "iLike", "notILike"]);

function test(column: Column, name: Test, value: unknown, path: string): Condition {
  const as = comparedAs(column, name, value);
  if (name === "between" || name === "notBetween") {
    if (!Array.isArray(value) || value.length !== 2)
      throw refusal(path, mustBe("a list of two values", value));
    return {
      kind: "test",
      column,
      test: name,
      as,
      operands: value.map((end) => operand(column, as, end, path)),
    };
  }
  if (name !== "in" && name !== "notIn")
    return { kind: "test", column, test: name, as, operands: [operand(column, as, value, path)] };
  if (!Array.isArray(value)) throw refusal(path, mustBe("a list", value));
  const list = value.map((entry) => (entry === null ? null : operand(column, as, entry, path)));
  return { kind: "test", column, test: name, as, operands: [list] };
}

/** The type in which column and value are compared: the column's own, unless that lacks such a comparison. */
function comparedAs(column: Column, name: Test, value: unknown): string {
  if (LIKES.has(name)) return "text";
  // `json` cannot be compared with anything, not even with itself.
  if (column.kind === "json") return "jsonb";
  const fractions = [value].flat().some((entry) => typeof entry === "number" && !Number.isInteger(entry));
  return column.kind === "integer" && fractions ? "numeric" : column.type;
}

/** A single value as Postgres reads it. */
function operand(column: Column, as: string, value: unknown, path: string): string {
  if (as === "jsonb" && value !== undefined) return JSON.stringify(jsonOf(parsed(value), path));
  if (as !== "text" && column.name === "task_status") return checkStatus(value, path);
  if (as !== "text" && column.kind === "time") {
    const time = timeOf(value);
    if (time === undefined) throw refusal(path, mustBe(TIME_FORMAT, value));
    return time;
  }
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  if (["string", "bigint", "boolean"].includes(typeof value) || Number.isFinite(value)) return String(value);
  throw refusal(path, mustBe("a string, a finite number, a boolean or a Date", value));
}

function negation(of: Condition): Condition {
  return { kind: "not", of: says(of) ? of : { kind: "and", of: [] } };
}

/** Those that are not empty: as in Sequelize, `[Op.or]: [{}, { id: 1 }]` does not match everything. */
function saying(conditions: readonly Condition[]): Condition[] {
  return conditions.filter(says);
}

function says(condition: Condition): boolean {
  return condition.kind !== "and" || condition.of.length > 0;
}

/** The alternatives of an `Op.or`: the entries of a list, or the members of an object one by one. */
function split(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return isPlainObject(value) ? entriesOf(value).map(([key, part]) => ({ [key]: part })) : [value];
}

function entriesOf(object: WhereObject): [string | symbol, unknown][] {
  return Reflect.ownKeys(object).map((key) => [key, (object as Record<string | symbol, unknown>)[key]]);
}

function isPlainObject(value: unknown): value is WhereObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** A key for a message. */
function shown(key: string | symbol): string {
  return typeof key === "symbol" ? `Op.${key.description ?? "?"}` : quote(key);
}
