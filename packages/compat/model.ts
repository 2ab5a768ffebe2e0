import type { Task } from "#core";
import { mustBe, refusal } from "../core/errors.ts";
import { columnsOf } from "./columns.ts";
import { idIs, instanceOf, type TaskInstance } from "./instance.ts";
import { checkOptions, type FindOptions, neededWhere, queryOf, whereOf } from "./options.ts";
import { countRows, findAndCountRows, findRows, insertRows, removeRows, updateRows } from "./rows.ts";
import type { TaskValues } from "./values.ts";
import type { Where } from "./where.ts";

/**
 * The table of tasks in the shape of a Sequelize model, for code that was written for Baasix. A read is one request to
 * Postgres. A write is one to Postgres and one to Redis: when it returns, the cache is up to date, the doorbell was
 * rung and the hooks were called. (With its first call, a process also asks Postgres which columns the table has.)
 *
 * Every method throws TickworkError: `invalid_request` names the column, operator or value that is not acceptable, and
 * what is; `task_running` means that a task was to be set to "Running" while another one is.
 */
export const TasksModel = {
  /**
   * Creates a task. No `scheduled_time` means now, no `task_status` means "Not started".
   *
   * @example await TasksModel.create({ type: "cleanup", metadata: JSON.stringify({ import_id: 7 }) });
   */
  async create(values: TaskValues, options?: object): Promise<TaskInstance> {
    checkOptions(options, ["returning"]);
    const [task] = await insertRows([values]);
    if (!task) throw new Error("an insert must return its row, got none");
    return instance(task);
  },

  /** Creates tasks, all or none, in one request. Returns them in the order given. */
  async bulkCreate(list: readonly TaskValues[], options?: object): Promise<TaskInstance[]> {
    checkOptions(options, ["returning"]);
    if (!Array.isArray(list)) throw refusal("values", mustBe("a list of tasks", list));
    return Promise.all((await insertRows(list)).map(instance));
  },

  /**
   * Changes every row that matches. What goes into the JSON of a row (`metadata`, `error_message`, attributes that are
   * not columns) is added to what is there; a column that is given as a whole is replaced.
   *
   * @returns how many rows; with `returning: true` also the rows
   * @example const [affected] = await TasksModel.update({ task_status: "Completed" }, { where: { id: task.id } });
   */
  update,

  /** Deletes every row that matches, and returns how many. Running ones too: their workers lose their leases. */
  async destroy(options: { where: Where }): Promise<number> {
    return (await removeRows(neededWhere(await columnsOf(), options))).length;
  },

  /** @example await TasksModel.findAll({ where: { type: "email_batch" }, order: [["id", "DESC"]], limit: 10 }); */
  async findAll(options?: FindOptions): Promise<TaskInstance[]> {
    const columns = await columnsOf();
    return (await findRows(queryOf(columns, options))).map((row) => instanceOf(row, columns));
  },

  async findOne(options?: FindOptions): Promise<TaskInstance | null> {
    const columns = await columnsOf();
    const [row] = await findRows({ ...queryOf(columns, options), limit: 1 });
    return row ? instanceOf(row, columns) : null;
  },

  async findByPk(
    id: number | string | null | undefined,
    options?: FindOptions,
  ): Promise<TaskInstance | null> {
    if (id === null || id === undefined) return null;
    const columns = await columnsOf();
    const [row] = await findRows({ ...queryOf(columns, options), where: idIs(columns, id), limit: 1 });
    return row ? instanceOf(row, columns) : null;
  },

  /** The rows of a page and the number of rows on all pages, in one request. */
  async findAndCountAll(options?: FindOptions): Promise<{ count: number; rows: TaskInstance[] }> {
    const columns = await columnsOf();
    const { count, rows } = await findAndCountRows(queryOf(columns, options));
    return { count, rows: rows.map((row) => instanceOf(row, columns)) };
  },

  async count(options: Pick<FindOptions, "where"> = {}): Promise<number> {
    checkOptions(options, ["where"]);
    return countRows(whereOf(await columnsOf(), options));
  },
};

async function update(
  values: TaskValues,
  options: { where: Where; returning: true },
): Promise<[number, TaskInstance[]]>;
async function update(values: TaskValues, options: { where: Where; returning?: false }): Promise<[number]>;
async function update(
  values: TaskValues,
  options: { where: Where; returning?: boolean },
): Promise<[number] | [number, TaskInstance[]]> {
  const changed = (await updateRows(values, neededWhere(await columnsOf(), options))) ?? [];
  return options.returning ? [changed.length, await Promise.all(changed.map(instance))] : [changed.length];
}

async function instance(task: Task): Promise<TaskInstance> {
  return instanceOf({ id: task.id, task: { ...task } }, await columnsOf());
}
