/** Parts that several statements share. Their parameters have names too: see `statement.ts`. */
import { FOREIGN_LEASE_MS, HISTORY_LIMIT, WINDOW_MS } from "../limits.ts";

/** An `interval`. `n` is a number, or the name of a parameter of type `float8`. */
export const milliseconds = (n: number | string) => `${n} * interval '1 millisecond'`;
export const WINDOW = milliseconds(WINDOW_MS);
export const FOREIGN_LEASE = milliseconds(FOREIGN_LEASE_MS);

/** Epoch milliseconds, rounded up: a task is never due in the cache before it is due in Postgres. */
export const epochMs = (time: string) => `ceil(extract(epoch from ${time}) * 1000)::float8`;
export const NOW_MS = `${epochMs("now()")} as now_ms`;

/**
 * The task's type is none of `:foreign`, the types that other programs run. Written this way, the planner expects it to
 * be true of most rows. Of `type <> all(…)` it expects it of hardly any; then each claim reads and sorts every waiting
 * task, or each statement is planned anew.
 */
export const OURS = `nullif(type = any(:foreign), true) is not null`;

/** Whether a statement writes tasks, whatever else it does. */
export const writesTasks = (text: string): boolean =>
  /\b(insert into|update|delete from) "baasix_Tasks"/.test(text);

/** The earliest moment at which something is due: a waiting task, or the end of a lease. */
export const NEXT_DUE_MS = `least(
  (select ${epochMs("scheduled_time")} from "baasix_Tasks"
    where task_status = 'Not started' and scheduled_time is not null and ${OURS}
    order by scheduled_time, id limit 1),
  (select ${epochMs("min(lease_expires_at)")} from "baasix_Tasks" where task_status = 'Running'))`;

/** `history` with one more record; only the latest are kept. */
export function withHistory(record: string): string {
  return `(select jsonb_agg(h.value order by h.n)
    from jsonb_array_elements(coalesce(history, '[]'::jsonb) || ${record}) with ordinality as h(value, n)
    where h.n > jsonb_array_length(coalesce(history, '[]'::jsonb)) + 1 - ${HISTORY_LIMIT})`;
}

const isoUtc = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** `history` with the attempt whose worker died. */
export const CRASH_HISTORY = withHistory(`jsonb_build_object(
  'attempt', attempts, 'started_at', ${isoUtc("started_at")}, 'ended_at', ${isoUtc("lease_expires_at")},
  'outcome', 'crashed', 'code', 'crashed',
  'message', 'the worker stopped renewing its lease')`);
