/**
 * The statements over tasks. Values are always parameters; the names in a text are columns that Postgres's catalog
 * lists (`columns.ts`), written by `quoted`, and the types with them are the catalog's as well.
 *
 * Rows travel as JSON in both directions: `json_populate_record` gives a value the type of the table's own column, so
 * one statement works on our table and on one that Baasix made.
 */
import type { Statement } from "#core";
import type { Column } from "./columns.ts";

/** What a `where` says, checked (`where.ts`) and ready to be written as SQL. */
export type Condition =
  /** An empty `and` is true, an empty `or` false. */
  | { kind: "and" | "or"; of: readonly Condition[] }
  | { kind: "not"; of: Condition }
  | { kind: "is"; column: Column; value: null | boolean }
  /** `as`: the type in which both sides are compared. */
  | { kind: "test"; column: Column; test: Test; as: string; operands: readonly Operand[] };

/** A value as Postgres reads it, or a list of such. */
export type Operand = string | readonly (string | null)[];

const TESTS = {
  eq: (column: string, value: string) => `${column} = ${value}`,
  ne: (column: string, value: string) => `${column} <> ${value}`,
  gt: (column: string, value: string) => `${column} > ${value}`,
  gte: (column: string, value: string) => `${column} >= ${value}`,
  lt: (column: string, value: string) => `${column} < ${value}`,
  lte: (column: string, value: string) => `${column} <= ${value}`,
  between: (column: string, from: string, to: string) => `${column} between ${from} and ${to}`,
  notBetween: (column: string, from: string, to: string) => `${column} not between ${from} and ${to}`,
  in: (column: string, list: string) => `${column} = any(${list})`,
  notIn: (column: string, list: string) => `${column} <> all(${list})`,
  like: (column: string, pattern: string) => `${column} like ${pattern}`,
  notLike: (column: string, pattern: string) => `${column} not like ${pattern}`,
  iLike: (column: string, pattern: string) => `${column} ilike ${pattern}`,
  notILike: (column: string, pattern: string) => `${column} not ilike ${pattern}`,
} satisfies Record<string, (column: string, ...operands: string[]) => string>;

export type Test = keyof typeof TESTS;

export interface Ordering {
  column: Column;
  descending: boolean;
  nulls: "first" | "last" | undefined;
}

/** What to read, checked (`options.ts`). */
export interface Query {
  where: Condition;
  order: readonly Ordering[];
  limit: number | undefined;
  offset: number | undefined;
  /** Undefined: every column. */
  attributes: readonly Column[] | undefined;
}

/** What an update writes. */
export interface Changes {
  /** New values of whole columns. */
  row: Record<string, unknown>;
  /** Members to be added to objects in JSON columns, whatever else they hold; `drop` are members that go. */
  merges: readonly { column: Column; members: Record<string, unknown>; drop: readonly string[] }[];
}

const TABLE = `"baasix_Tasks"`;
/** What runs through this room keeps to "one at a time": the unique index on the slot refuses a second one. */
const SLOT = 0;
const NOW_MS = "ceil(extract(epoch from now()) * 1000)::float8 as now_ms";

/** The only way in which a name gets into a statement. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * One statement, so all rows or none. Returns rows of task and now_ms. Ids grow in the order of the rows, so that tasks
 * with the same due time run in that order.
 *
 * @param columns those that any row gives; a row that does not give one gets its default
 */
export function insert(columns: readonly Column[], rows: readonly Record<string, unknown>[]): Statement {
  const { params, param } = parameters();
  const source = param(JSON.stringify(rows));
  const given = columns.map(({ name, initial }): [string, string] => {
    const value = `given.${quoted(name)}`;
    if (initial === null || rows.every((row) => Object.hasOwn(row, name))) return [name, value];
    return [name, `case when entry.value -> ${param(name)}::text is null then ${initial} else ${value} end`];
  });
  const values: Record<string, string> = {
    task_status: "'Not started'",
    ...Object.fromEntries(given),
    slot: `case when ${Object.fromEntries(given).task_status ?? "null"} = 'Running' then ${SLOT} end`,
    scheduled_time: orNow("scheduled_time", columns),
    createdAt: orNow("createdAt", columns),
    updatedAt: "now()",
  };
  return {
    text: `with made as (insert into ${TABLE} (${Object.keys(values).map(quoted).join(", ")})
      select ${Object.values(values).join(", ")}
      from json_array_elements(${source}::json) with ordinality as entry(value, place)
      cross join lateral json_populate_record(null::${TABLE}, entry.value) as given
      order by entry.place returning *)
      select row_to_json(made.*) as task, ${NOW_MS} from made`,
    params,
  };
}

/** Returns rows of task and now_ms: what was changed, as it is now. */
export function update({ row, merges }: Changes, where: Condition): Statement {
  const { params, param } = parameters();
  const given = Object.keys(row);
  const assignments = [
    ...given.map((name) => `${quoted(name)} = given.${quoted(name)}`),
    ...merges.map(
      ({ column, members, drop }) =>
        `${quoted(column.name)} = ${merged(column, param(JSON.stringify(members)), param(listOf(drop)))}`,
    ),
    ...(row.task_status === "Running"
      ? [`slot = case when t.task_status = 'Running' then t.slot else ${SLOT} end`]
      : []),
    `"updatedAt" = now()`,
  ];
  const source =
    given.length > 0
      ? `from json_populate_record(null::${TABLE}, ${param(JSON.stringify(row))}::json) as given`
      : "";
  return {
    text: `with changed as (update ${TABLE} as t set ${assignments.join(", ")} ${source}
      where ${conditionSql(where, param)} returning t.*)
      select row_to_json(changed.*) as task, ${NOW_MS} from changed`,
    params,
  };
}

/** Returns rows of task and now_ms: what was deleted, as it was. */
export function remove(where: Condition): Statement {
  const { params, param } = parameters();
  return {
    text: `with gone as (delete from ${TABLE} as t where ${conditionSql(where, param)} returning t.*)
      select row_to_json(gone.*) as task, ${NOW_MS} from gone`,
    params,
  };
}

/** Returns rows of id and task. */
export function find(query: Query): Statement {
  const { params, param } = parameters();
  return { text: selection(query, param), params };
}

/** Returns one row of count, of all that match, and rows, the objects that `find` returns. */
export function findAndCount(query: Query): Statement {
  const { params, param } = parameters();
  return {
    text: `select (${counting(query.where, param)}) as count,
      (select coalesce(json_agg(page), '[]') from (${selection(query, param)}) as page) as rows`,
    params,
  };
}

/** Returns one row of count. */
export function count(where: Condition): Statement {
  const { params, param } = parameters();
  return { text: counting(where, param), params };
}

function orNow(name: string, columns: readonly Column[]): string {
  return columns.some((column) => column.name === name) ? `coalesce(given.${quoted(name)}, now())` : "now()";
}

type Param = (value: string | number) => string;

function parameters(): { params: (string | number)[]; param: Param } {
  const params: (string | number)[] = [];
  return { params, param: (value) => `$${params.push(value)}` };
}

function selection({ where, order, limit, offset, attributes }: Query, param: Param): string {
  const task = attributes
    ? `(select row_to_json(picked.*) from (select ${attributes.map(({ name }) => `t.${quoted(name)}`).join(", ")}) as picked)`
    : "row_to_json(t.*)";
  const by = order.map(
    ({ column, descending, nulls }) =>
      `${asType(column, column.type === "json" ? "text" : column.type)}${descending ? " desc" : ""}${nulls ? ` nulls ${nulls}` : ""}`,
  );
  return [
    `select t.id, ${task} as task from ${TABLE} as t where ${conditionSql(where, param)}`,
    by.length > 0 && `order by ${by.join(", ")}`,
    limit !== undefined && `limit ${param(limit)}::bigint`,
    offset !== undefined && `offset ${param(offset)}::bigint`,
  ]
    .filter(Boolean)
    .join(" ");
}

function counting(where: Condition, param: Param): string {
  return `select count(*)::float8 as count from ${TABLE} as t where ${conditionSql(where, param)}`;
}

function conditionSql(condition: Condition, param: Param): string {
  switch (condition.kind) {
    case "and":
    case "or": {
      const parts = condition.of.map((part) => conditionSql(part, param));
      if (parts.length === 0) return condition.kind === "and" ? "true" : "false";
      return parts.length === 1 ? parts.join() : `(${parts.join(` ${condition.kind} `)})`;
    }
    case "not":
      return `not (${conditionSql(condition.of, param)})`;
    case "is":
      return `t.${quoted(condition.column.name)} is ${condition.value}`;
    case "test": {
      const { column, test, as, operands } = condition;
      const sides = operands.map((operand) =>
        typeof operand === "string" ? `${param(operand)}::${as}` : `${param(listOf(operand))}::${as}[]`,
      );
      return (TESTS[test] as (column: string, ...operands: string[]) => string)(asType(column, as), ...sides);
    }
  }
}

function asType({ name, type }: Column, as: string): string {
  return as === type ? `t.${quoted(name)}` : `t.${quoted(name)}::${as}`;
}

/** Postgres's text for an array. Every entry is quoted, so that none is read as syntax. */
function listOf(values: readonly (string | null)[]): string {
  const entries = values.map((value) => (value === null ? "NULL" : `"${value.replace(/["\\]/g, "\\$&")}"`));
  return `{${entries.join(",")}}`;
}

/**
 * The column's object with the members of `members`, and without those that `drop` names. What is not an object becomes
 * the member `value`; `values.ts` does the same where the whole value is at hand. Not with `jsonb`, which forgets the
 * order of members and how a number was written.
 */
function merged({ name, type }: Column, members: string, drop: string): string {
  const old = `t.${quoted(name)}`;
  return `(select coalesce(json_object_agg(m.key, m.value), '{}')::${type} from (
      select key, value from json_each(case coalesce(json_typeof(${old}::json), 'null')
        when 'object' then ${old}::json when 'null' then '{}' else json_build_object('value', ${old}) end)
      where key <> all(${drop}::text[]) and key not in (select json_object_keys(${members}::json))
      union all select key, value from json_each(${members}::json)) as m)`;
}
