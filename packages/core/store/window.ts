/** What the cache should hold, read from the table. */
import { CACHED_DATA_LIMIT_BYTES, IDEMPOTENCY_HOURS } from "../limits.ts";
import { type Facts, fromNow, type Standing, standingOf } from "../tasks/standing.ts";
import type { Database } from "./database.ts";
import { epochMs, WINDOW } from "./fragments.ts";
import { type Connection, type Row, toTask } from "./rows.ts";
import { statement } from "./statement.ts";

/** The window as Postgres has it. */
export interface Window {
  writes: Standing[];
  /** When Postgres read it, by its own clock. */
  nowMs: number;
  /** The first due time that was left out; undefined when all of the window is there. */
  cutAtMs: number | undefined;
}

export const windowSql = (now: string) => ({
  forgetOldRequests: statement(
    `delete from tickwork_requests where created_at < ${now} - interval '${IDEMPOTENCY_HOURS} hours'`,
  ),
  /** Rows from before Tickwork may have no time: they are due now. */
  giveTimes: statement(
    `update "baasix_Tasks" set scheduled_time = ${now} where task_status = 'Not started' and scheduled_time is null`,
  ),
  /** One row more than the limit shows where the window was cut; the last row has the time alone. */
  window: statement<{ limit: number; data_bytes: number }>(`
    select id, rev, task_status as status, type, ${epochMs("scheduled_time")} as due_ms, null::float8 as lease_ms,
      ${epochMs(now)} as now_ms,
      case when coalesce(octet_length(task_data::text), 0) <= :data_bytes::int then row_to_json(t) end as task
    from (
      select * from "baasix_Tasks" where task_status = 'Not started' and scheduled_time <= ${now} + ${WINDOW}
      order by scheduled_time, id limit :limit::int + 1) t
    union all
    select id, rev, task_status, type, null, ${epochMs("lease_expires_at")}, ${epochMs(now)}, null
      from "baasix_Tasks" where task_status = 'Running'
    union all
    select null, null, null, null, null, null, ${epochMs(now)}, null`),
  standing: statement<{ id: number }>(`
    select id, rev, task_status as status, type, ${epochMs("scheduled_time")} as due_ms,
      ${epochMs("lease_expires_at")} as lease_ms, ${epochMs(now)} as now_ms
    from "baasix_Tasks" where id = :id::bigint`),
});

export function readingWindow(
  { now, queryRepeatable }: Connection,
  database: Database,
  { cacheLimit, foreign }: { cacheLimit: number; foreign: readonly string[] },
) {
  const sql = windowSql(now);
  return {
    /** What the cache should hold. One request, in which old idempotency keys are forgotten too. */
    async window(): Promise<Window> {
      type Entry = Facts & { now_ms: number; task: Row | null };
      const [, , rows] = await database.transaction<{ [Column in keyof Entry]: Entry[Column] | null }>(
        [
          sql.forgetOldRequests({}),
          sql.giveTimes({}),
          sql.window({ limit: cacheLimit, data_bytes: CACHED_DATA_LIMIT_BYTES }),
        ],
        { repeatable: true },
      );
      const writes: Standing[] = [];
      let cutAtMs: number | undefined;
      let waiting = 0;
      let nowMs = 0;
      for (const row of rows ?? []) {
        nowMs = row.now_ms ?? 0;
        if (row.id === null) continue;
        const facts = { ...row, id: Number(row.id), rev: Number(row.rev) } as Entry;
        if (facts.status === "Not started" && waiting++ === cacheLimit) cutAtMs = facts.due_ms;
        else writes.push(withRow(standingOf(facts, nowMs, foreign), row.task));
      }
      return { writes, nowMs, cutAtMs };
    },

    /** Where a task stands. */
    async standing(id: number): Promise<Standing> {
      const [row] = await queryRepeatable<Facts & { now_ms: number }>(sql.standing({ id }));
      if (!row) return { id, rev: Number.MAX_SAFE_INTEGER, kind: "gone" };
      return fromNow(standingOf({ ...row, id, rev: Number(row.rev) }, row.now_ms, foreign), row.now_ms);
    },
  };
}

function withRow(standing: Standing, row: Row | null): Standing {
  if (!row || standing.kind === "gone" || standing.kind === "running") return standing;
  return { ...standing, task: toTask(row) };
}
