/** Reading tasks, for callers and for the cache's list. */
import type { Task, TaskStatus } from "../tasks/task.ts";
import type { ListFilter } from "../tasks/tasks.ts";
import { epochMs, WINDOW } from "./fragments.ts";
import { type Connection, type Row, tasksOf } from "./rows.ts";
import { idArray, statement } from "./statement.ts";

/** In the text and not a parameter: only then does the planner know that a partial index will do. */
const IS: Record<TaskStatus, string> = {
  "Not started": "task_status = 'Not started'",
  Running: "task_status = 'Running'",
  Completed: "task_status = 'Completed'",
  Error: "task_status = 'Error'",
};

export const readSql = (now: string) => ({
  get: statement<{ id: number }>(
    `select row_to_json(t) as task, ${epochMs(now)} as now_ms from "baasix_Tasks" t where id = :id::bigint`,
  ),
  /** One row without a task when none is there. */
  getMany: statement<{ ids: string }>(`
    select row_to_json(t) as task, ${epochMs(now)} as now_ms
    from (select) one left join "baasix_Tasks" t on t.id = any(:ids::bigint[])`),
  list: ({ status, type, beforeId, limit }: ListFilter) => {
    const where = [
      ...(status === undefined ? [] : [IS[status]]),
      ...(type === undefined ? [] : ["type = :type"]),
      ...(beforeId === undefined ? [] : ["id < :before_id"]),
    ];
    const sql = statement<Record<string, string | number>>(`
      select row_to_json(t) as task from (
        select * from "baasix_Tasks" ${where.length > 0 ? `where ${where.join(" and ")}` : ""}
        order by id desc limit :limit::int) t
      order by id desc`);
    return sql({
      limit,
      ...(type === undefined ? {} : { type }),
      ...(beforeId === undefined ? {} : { before_id: beforeId }),
    });
  },
  /** Every task of the window, whole. */
  readWindow: statement<{ limit: number }>(`
    select row_to_json(t) as task from (
      select * from "baasix_Tasks" where task_status = 'Not started' and scheduled_time <= ${now} + ${WINDOW}
      order by scheduled_time, id limit :limit::int) t
    order by scheduled_time, id`),
});

export function reading({ now, queryRepeatable }: Connection, cacheLimit: number) {
  const sql = readSql(now);
  return {
    async get(id: number): Promise<Task | undefined> {
      return tasksOf(await queryRepeatable(sql.get({ id })))[0];
    },

    /** Those that are there, and Postgres's time. */
    async getMany(ids: readonly number[]): Promise<{ tasks: Task[]; nowMs: number }> {
      type Found = { task: Row | null; now_ms: number };
      const rows = await queryRepeatable<Found>(sql.getMany({ ids: idArray(ids) }));
      const found = rows.flatMap(({ task }) => (task ? [{ task }] : []));
      return { tasks: tasksOf(found), nowMs: rows[0]?.now_ms ?? 0 };
    },

    /** The newest first. */
    async list(filter: ListFilter): Promise<Task[]> {
      return tasksOf(await queryRepeatable(sql.list(filter)));
    },

    /** The tasks of the window, whole, by due time. */
    async readWindow(): Promise<Task[]> {
      return tasksOf(await queryRepeatable(sql.readWindow({ limit: cacheLimit })));
    },
  };
}
