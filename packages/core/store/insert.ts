/** Making tasks, once for an idempotency key where one is given. */
import { errors } from "../errors.ts";
import { IDEMPOTENCY_HOURS } from "../limits.ts";
import type { NewTask, Task } from "../tasks/task.ts";
import { epochMs } from "./fragments.ts";
import {
  type Connection,
  isUniqueViolation,
  type Row,
  tasksOf,
  toTask,
  translatingDataErrors,
} from "./rows.ts";
import { statement } from "./statement.ts";

export const insertSql = (now: string) => {
  /** Ids grow in the order of the array. `json_populate_recordset` gives each value the type of the table's column. */
  const rows = `
    insert into "baasix_Tasks"
      (task_status, type, scheduled_time, attachment_id, task_data, max_attempts, "createdAt", "updatedAt")
    select 'Not started', type, coalesce(scheduled_time, ${now}), attachment_id, task_data, max_attempts, ${now}, ${now}
    from rows from (json_populate_recordset(null::"baasix_Tasks", :tasks::json)) with ordinality
    order by ordinality returning *`;
  const made = `select row_to_json(made) as task, ${epochMs(now)} as now_ms from made order by id`;
  const expired = `created_at < ${now} - interval '${IDEMPOTENCY_HOURS} hours'`;
  return {
    insert: statement<{ tasks: string }>(`with made as (${rows}) ${made}`),
    /** Raises a unique violation when the key is known. */
    insertOnce: statement<{ tasks: string; key: string; hash: string }>(`
      with made as (${rows}),
        kept as (insert into tickwork_requests (key, hash, task_ids, created_at)
          select :key::text, :hash::text, (select json_agg(id order by id) from made), ${now})
      ${made}`),
    /** What was made with a key, and whether the key is older than a key may be. */
    findRequest: statement<{ key: string }>(`
      select r.hash, r.${expired} as expired, ${epochMs(now)} as now_ms,
        (select coalesce(json_agg(row_to_json(t) order by t.id), '[]') from "baasix_Tasks" t
          where t.id in (select value::bigint from json_array_elements_text(r.task_ids))) as tasks
      from tickwork_requests r where r.key = :key::text`),
    forgetExpiredRequest: statement<{ key: string }>(
      `delete from tickwork_requests where key = :key::text and ${expired}`,
    ),
  };
};

interface Inserted {
  tasks: Task[];
  /** Postgres's time. */
  nowMs: number;
}

export function inserting({ now, query, queryRepeatable }: Connection) {
  const sql = insertSql(now);
  type Made = { task: Row; now_ms: number };
  const insertedOf = (rows: Made[]): Inserted => ({ tasks: tasksOf(rows), nowMs: rows[0]?.now_ms ?? 0 });
  return {
    /** Makes tasks, all or none, and returns them in the order given. */
    async insert(tasks: readonly NewTask[]): Promise<Inserted> {
      return insertedOf(await translatingDataErrors(() => query<Made>(sql.insert({ tasks: encode(tasks) }))));
    },

    /**
     * Makes tasks once for a key; the same key within 24 hours answers with the same tasks. The first use is one
     * request, a repetition two.
     *
     * @throws TickworkError `idempotency_key_reused` when the key came with another request
     */
    async insertOnce(
      tasks: readonly NewTask[],
      key: string,
      hash: string,
    ): Promise<Inserted & { made: boolean }> {
      for (;;) {
        try {
          const rows = await translatingDataErrors(() =>
            query<Made>(sql.insertOnce({ tasks: encode(tasks), key, hash })),
          );
          return { ...insertedOf(rows), made: true };
        } catch (error) {
          if (!isUniqueViolation(error, "tickwork_requests_pkey")) throw error;
        }
        type Found = { hash: string; expired: boolean; now_ms: number; tasks: Row[] };
        const [found] = await queryRepeatable<Found>(sql.findRequest({ key }));
        if (found && !found.expired) {
          if (found.hash !== hash) throw errors.keyReused(key);
          return { tasks: found.tasks.map(toTask), nowMs: found.now_ms, made: false };
        }
        await queryRepeatable(sql.forgetExpiredRequest({ key }));
      }
    },
  };
}

function encode(tasks: readonly NewTask[]): string {
  return JSON.stringify(
    tasks.map((task) => ({
      type: task.type,
      scheduled_time: task.scheduled_time ?? null,
      attachment_id: task.attachment_id ?? null,
      task_data: task.task_data ?? null,
      max_attempts: task.max_attempts ?? null,
    })),
  );
}
