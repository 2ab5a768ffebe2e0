/** Rows in and out: each function is one request to Postgres, and one to Redis if it wrote something. */
import type { HookEvent, Statement, Task } from "#core";
import { toTask } from "../core/store/rows.ts";
import { columnsOf } from "./columns.ts";
import { translatingDataErrors } from "./refusals.ts";
import * as sql from "./sql.ts";
import { inUse } from "./tickwork.ts";
import { changesOf, rowOf, type TaskValues } from "./values.ts";

/** A row as JSON; only those columns that were asked for. */
type Row = Record<string, unknown> & { id: number };

/** A task that was read, and its id, which may not be among the columns that were asked for. */
export interface Found {
  id: number;
  task: Record<string, unknown>;
}

/** Creates tasks, all or none, and returns them in the order given. */
export async function insertRows(list: readonly TaskValues[]): Promise<Task[]> {
  if (list.length === 0) return [];
  const columns = await columnsOf();
  const rows = list.map((values, n) => rowOf(columns, values, list.length === 1 ? "values" : `values[${n}]`));
  const names = new Set(rows.flatMap(Object.keys));
  const given = [...columns.values()].filter(({ name }) => names.has(name));
  const made = await write("items.create.after", sql.insert(given, rows));
  const byId = new Map(made.map((task) => [task.id, task]));
  const taken = new Set(rows.flatMap(({ id }) => (id === undefined ? [] : Number(id))));
  // Ids that Postgres assigns grow in the order of the rows.
  const rest = made.filter(({ id }) => !taken.has(id)).sort((a, b) => a.id - b.id);
  return rows.flatMap(({ id }) => (id === undefined ? rest.shift() : byId.get(Number(id))) ?? []);
}

/** Changes the rows that match, and returns them as they are now; undefined if there is nothing to write. */
export async function updateRows(values: TaskValues, where: sql.Condition): Promise<Task[] | undefined> {
  const changes = changesOf(await columnsOf(), values);
  return changes && write("items.update.after", sql.update(changes, where));
}

/** Deletes the rows that match, and returns them as they were. */
export async function removeRows(where: sql.Condition): Promise<Task[]> {
  return write("items.delete.after", sql.remove(where));
}

export async function findRows(query: sql.Query): Promise<Found[]> {
  return (await read<{ id: unknown; task: Row }>(sql.find(query))).map(found);
}

/** How many rows match regardless of the limit, and those within it. */
export async function findAndCountRows(query: sql.Query): Promise<{ count: number; rows: Found[] }> {
  const [answer] = await read<{ count: number; rows: { id: unknown; task: Row }[] }>(sql.findAndCount(query));
  return { count: answer?.count ?? 0, rows: (answer?.rows ?? []).map(found) };
}

export async function countRows(where: sql.Condition): Promise<number> {
  const [answer] = await read<{ count: number }>(sql.count(where));
  return answer?.count ?? 0;
}

function found({ id, task }: { id: unknown; task: Row }): Found {
  return { id: Number(id), task: { ...toTask(task) } };
}

function read<R>(statement: Statement): Promise<R[]> {
  return translatingDataErrors(() => inUse().database.query<R>(statement, { repeatable: true }));
}

/** Not repeated if no answer came: it may have been written. */
async function write(event: HookEvent, statement: Statement): Promise<Task[]> {
  const { database, operator } = inUse();
  const rows = await translatingDataErrors(() => database.query<{ task: Row; now_ms: number }>(statement));
  const tasks = rows.map(({ task }) => toTask(task));
  await operator.afterWrite(event, tasks, rows[0]?.now_ms ?? 0);
  return tasks;
}
