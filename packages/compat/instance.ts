import type { Task } from "#core";
import { taskNotFound } from "../core/errors.ts";
import { type Columns, columnsOf } from "./columns.ts";
import { type Found, findRows, removeRows, updateRows } from "./rows.ts";
import type { Condition } from "./sql.ts";
import type { TaskValues } from "./values.ts";

/** A row as Sequelize gives it: a `Task` with a Date for each time. A row of an adopted table may have more columns. */
export type TaskRow = Omit<Task, TimeColumn> & {
  [Column in TimeColumn]: null extends Task[Column] ? Date | null : Date;
};

type TimeColumn =
  | "scheduled_time"
  | "createdAt"
  | "updatedAt"
  | "started_at"
  | "finished_at"
  | "lease_expires_at";

/** The methods of an instance. They are not enumerable, so an instance spreads, prints and compares as its columns. */
export interface InstanceMethods {
  /** The value of a column, or a plain copy of all of them. */
  get(key: string): unknown;
  get(options?: { plain?: boolean }): TaskRow;
  /** A plain copy. */
  toJSON(): TaskRow;
  readonly dataValues: TaskRow;
  /** Writes these values. @throws TickworkError `task_not_found` */
  update(values: TaskValues): Promise<TaskInstance>;
  /** Writes what was assigned since the row was read. @throws TickworkError `task_not_found` */
  save(): Promise<TaskInstance>;
  /** Reads the row again and drops what was assigned. @throws TickworkError `task_not_found` */
  reload(): Promise<TaskInstance>;
  /** Deletes the row; harmless if it is gone. */
  destroy(): Promise<void>;
}

export type TaskInstance = TaskRow & InstanceMethods;

/** Makes an instance of a row. It remembers its own id, so assigning another one cannot redirect its writes. */
export function instanceOf({ id, task }: Found, columns: Columns): TaskInstance {
  const self: Record<string, unknown> = {};
  const names = Object.keys(task);
  const where = async (): Promise<Condition> => idIs(await columnsOf(), id);
  /** The row as it was last read or written: what differs from it was assigned since. */
  let known: Record<string, unknown> = {};

  const absorb = (row: Record<string, unknown>) => {
    known = {};
    for (const name of Object.keys(self)) delete self[name];
    for (const name of names) {
      const value = row[name] ?? null;
      const isTime = columns.get(name)?.kind === "time" && value !== null;
      self[name] = isTime ? new Date(value as string) : value;
      known[name] = JSON.stringify(self[name]);
    }
    return self as unknown as TaskInstance;
  };
  const assigned = () =>
    Object.fromEntries(Object.entries(self).filter(([name, value]) => JSON.stringify(value) !== known[name]));
  const write = async (values: TaskValues) => {
    const unsaved = Object.entries(assigned()).filter(([name]) => !(name in values));
    const changed = await updateRows(values, await where());
    if (!changed) return self as unknown as TaskInstance;
    const [row] = changed;
    if (!row) throw taskNotFound(id);
    return Object.assign(absorb({ ...row }), Object.fromEntries(unsaved));
  };
  const plain = () => structuredClone(self) as unknown as TaskRow;

  const methods: InstanceMethods = {
    get: ((key?: unknown) => (typeof key === "string" ? self[key] : plain())) as InstanceMethods["get"],
    toJSON: plain,
    get dataValues() {
      return plain();
    },
    update: write,
    save: () => write(assigned()),
    async reload() {
      const [row] = await findRows({
        where: await where(),
        order: [],
        limit: 1,
        offset: undefined,
        attributes: undefined,
      });
      if (!row) throw taskNotFound(id);
      return absorb(row.task);
    },
    async destroy() {
      await removeRows(await where());
    },
  };
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(methods)))
    Object.defineProperty(self, name, { ...property, enumerable: false });
  return absorb(task);
}

/** The condition that selects one row. */
export function idIs(columns: Columns, id: number | string): Condition {
  const column = columns.get("id");
  if (!column) throw taskNotFound(id);
  return { kind: "test", column, test: "eq", as: column.type, operands: [String(id)] };
}
