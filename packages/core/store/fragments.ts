/**
 * Pieces of SQL that several statements share. Parameters are named in the text; `now` is the clock, which tests
 * replace. In production it is Postgres's own, so that no lease is born expired because two clocks disagree.
 *
 * Rows travel as JSON (`row_to_json`): the same statement then works on a table of ours and on one that Baasix made,
 * where columns have other types and there may be more of them.
 */
import { FOREIGN_LEASE_MS, HISTORY_LIMIT, WINDOW_MS } from "../limits.ts";

/** `interval` out of a parameter in milliseconds. */
export const interval = (ms: string) => `${ms}::float8 * interval '1 millisecond'`;
export const WINDOW = `${WINDOW_MS} * interval '1 millisecond'`;
/** The lease of a row that another program sets to `Running`. */
export const FOREIGN_LEASE = `${FOREIGN_LEASE_MS} * interval '1 millisecond'`;

/** Epoch milliseconds, rounded up: a task is never due in the cache before it is due here. */
export const epochMs = (time: string) => `ceil(extract(epoch from ${time}) * 1000)::float8`;

/**
 * A task that Tickwork runs: its type is none of `:foreign`. Written so that the planner expects it to be true. Of
 * `type <> all(…)` it expects that hardly a row is left; then it reads and sorts all that waits for each claim, or
 * plans each statement anew.
 */
export const OURS = `nullif(type = any(:foreign::text[]), true) is not null`;

/** The earliest moment at which something is due: a waiting task, or the end of a lease. Takes `:foreign`. */
export const nextDue = `least(
  (select ${epochMs("scheduled_time")} from "baasix_Tasks"
    where task_status = 'Not started' and scheduled_time is not null and ${OURS}
    order by scheduled_time, id limit 1),
  (select ${epochMs("min(lease_expires_at)")} from "baasix_Tasks" where task_status = 'Running'))`;

/** `history` with one more record, and no more than the latest ones. */
export const withHistory = (record: string) => `(
  select jsonb_agg(h.value order by h.n)
  from jsonb_array_elements(coalesce(history, '[]'::jsonb) || ${record}) with ordinality as h(value, n)
  where h.n > jsonb_array_length(coalesce(history, '[]'::jsonb)) + 1 - ${HISTORY_LIMIT})`;

/** `history` with the story of an attempt whose worker died. */
export const withCrash = withHistory(`jsonb_build_object(
  'attempt', attempts, 'started_at', ${isoUtc("started_at")}, 'ended_at', ${isoUtc("lease_expires_at")},
  'outcome', 'crashed', 'code', 'crashed', 'message', 'the worker stopped renewing its lease')`);

/**
 * The two ways to claim a task if `only` holds. Both take `:slot`, `:next_token`, `:lease_ms`, `:foreign`; the second
 * takes `:max_crashes` too and looks for leases that ended first, before all in the same slot, which they block.
 */
export function claiming(now: string) {
  const started = `
    task_status = 'Running', slot = :slot::int, lease_token = :next_token::text,
    lease_expires_at = ${now} + ${interval(":lease_ms")}, attempts = attempts + 1,
    started_at = ${now}, finished_at = null, progress = null, cancel_requested = false, "updatedAt" = ${now},
    rev = rev + 1`;
  const earliestDue = `(
    select id from "baasix_Tasks"
    where task_status = 'Not started' and scheduled_time <= ${now} and ${OURS}
    order by scheduled_time, id limit 1 for update skip locked)`;
  return {
    due: (only: string) => `
      update "baasix_Tasks" set ${started}
      where id = ${earliestDue} and ${only}
      returning *`,
    overdueOrDue: (only: string) => `
      update "baasix_Tasks" set ${started},
        crashes = crashes + case when task_status = 'Running' then 1 else 0 end,
        history = case when task_status = 'Running' then ${withCrash} else history end
      where id = coalesce((
        select id from "baasix_Tasks"
        where task_status = 'Running' and lease_expires_at <= ${now} and crashes < :max_crashes::int and ${OURS}
        order by (slot is not distinct from :slot::int) desc, lease_expires_at limit 1 for update skip locked),
        ${earliestDue}) and ${only}
      returning *`,
  };
}

function isoUtc(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
