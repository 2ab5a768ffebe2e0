/**
 * All SQL over tasks, one statement a name. Everything is parametrised; the only thing that is ever put into the
 * text is `now`, the clock, which tests replace (in production Postgres's own decides, so that no lease is born
 * expired because two clocks disagree).
 *
 * Rows travel as JSON (`row_to_json`): the same statement then works on a table of ours and on one that Baasix
 * made, where columns have other types and there may be more of them.
 */
import {
  FOREIGN_LEASE_MS,
  HISTORY_LIMIT,
  IDEMPOTENCY_HOURS,
  SLEEPER_MARGIN_MS,
  WINDOW_MS,
} from "../limits.ts";

export type Sql = ReturnType<typeof statements>;

/** `interval` out of a number of milliseconds in parameter `n`. */
const ms = (n: string) => `${n}::float8 * interval '1 millisecond'`;
const window = `${WINDOW_MS} * interval '1 millisecond'`;
/** Epoch milliseconds, rounded up: a task is never due in the cache before it is due here. */
const epochMs = (time: string) => `ceil(extract(epoch from ${time}) * 1000)::float8`;

/**
 * A task that we run: its type is none of these, the parameter of types that others run. Written so that the planner
 * takes it to be true as a rule. Of `type <> all(…)` it believes that hardly a row is left; then it reads and sorts
 * everything that waits for each claim, or plans each statement anew.
 */
const ours = (types: string) => `nullif(type = any(${types}::text[]), true) is not null`;

export function statements(now = "now()") {
  /** The earliest moment at which something is due: a waiting task, or the end of a lease. `types`: run foreign. */
  const nextDue = (types: string) => `least(
      (select ${epochMs("scheduled_time")} from "baasix_Tasks"
        where task_status = 'Not started' and scheduled_time is not null and ${ours(types)}
        order by scheduled_time, id limit 1),
      (select ${epochMs("min(lease_expires_at)")} from "baasix_Tasks" where task_status = 'Running'))`;

  /** A waiting task becomes a running one. Parameters by number: slot, token, lease in ms. */
  const started = (slot: string, token: string, leaseMs: string) => `
      task_status = 'Running', slot = ${slot}::int, lease_token = ${token}::text,
      lease_expires_at = ${now} + ${ms(leaseMs)}, attempts = attempts + 1,
      started_at = ${now}, finished_at = null, progress = null, cancel_requested = false, "updatedAt" = ${now},
      rev = rev + 1`;
  const earliestDue = (types: string) => `(select id from "baasix_Tasks"
        where task_status = 'Not started' and scheduled_time <= ${now} and ${ours(types)}
        order by scheduled_time, id limit 1 for update skip locked)`;
  /** The next task that is due, if `only` holds. */
  const claimDue = (slot: string, token: string, leaseMs: string, types: string, only: string) => `
    update "baasix_Tasks" set ${started(slot, token, leaseMs)}
    where id = ${earliestDue(types)} and ${only}
    returning *`;
  /** The same, but a row whose lease ended goes first: one in the same slot before all, it blocks the slot. */
  const claimOverdueOrDue = (
    slot: string,
    token: string,
    leaseMs: string,
    maxCrashes: string,
    types: string,
    only: string,
  ) => `
    update "baasix_Tasks" set ${started(slot, token, leaseMs)},
      crashes = crashes + case when task_status = 'Running' then 1 else 0 end,
      history = case when task_status = 'Running' then ${crashRecord} else history end
    where id = coalesce(
      (select id from "baasix_Tasks" where task_status = 'Running' and lease_expires_at <= ${now} and crashes < ${maxCrashes}::int
          and ${ours(types)}
        order by (slot is not distinct from ${slot}::int) desc, lease_expires_at limit 1 for update skip locked),
      ${earliestDue(types)}) and ${only}
    returning *`;

  /** The story of an attempt whose worker died, added to the history. */
  const crashRecord = withHistory(`jsonb_build_object(
      'attempt', attempts, 'started_at', ${isoUtc("started_at")}, 'ended_at', ${isoUtc("lease_expires_at")},
      'outcome', 'crashed', 'code', 'crashed',
      'message', 'the worker stopped renewing its lease')`);

  /** An attempt's end and the next claim, in two forms: with and without a look for leases that ended. */
  const settlement = (update: string, n: number) => {
    const [slot, token, leaseMs, types, maxCrashes] = [n, n + 1, n + 2, n + 3, n + 4].map(
      (number) => `$${number}`,
    ) as [string, string, string, string, string];
    const only = `${token}::text is not null and (select count(*) from done) = 1`;
    const statement = (claim: string) => `with done as (
        ${update}
        where id = $1::bigint and lease_token = $2::text and task_status = 'Running'
        returning rev, scheduled_time),
      claimed as (${claim})
      select (select rev from done) as rev, (select ${epochMs("scheduled_time")} from done) as due_ms, ${epochMs(now)} as now_ms,
        (select row_to_json(claimed) from claimed) as task`;
    return {
      thenDue: statement(claimDue(slot, token, leaseMs, types, only)),
      thenOverdueOrDue: statement(claimOverdueOrDue(slot, token, leaseMs, maxCrashes, types, only)),
    };
  };

  return onOneLine({
    /** $1 tasks (JSON array of rows). Ids grow in the order of the array. */
    insert: insertion(now),
    /** $1 tasks, $2 key, $3 hash of the request. Raises a unique violation when the key is known. */
    insertOnce: `with made as (${insertion(now, "returning *")}),
        kept as (insert into tickwork_requests (key, hash, task_ids, created_at)
          select $2::text, $3::text, (select json_agg(id order by id) from made), ${now})
      select row_to_json(made) as task, ${epochMs(now)} as now_ms from made order by id`,
    /** $1 key. What was made with it, and whether the key is older than a key may be. */
    findRequest: `select r.hash, r.created_at < ${now} - interval '${IDEMPOTENCY_HOURS} hours' as expired,
        ${epochMs(now)} as now_ms,
        (select coalesce(json_agg(row_to_json(t) order by t.id), '[]') from "baasix_Tasks" t
          where t.id in (select value::bigint from json_array_elements_text(r.task_ids))) as tasks
      from tickwork_requests r where r.key = $1::text`,
    /** $1 key: forgets it if it is too old. */
    forgetRequest: `delete from tickwork_requests where key = $1::text
      and created_at < ${now} - interval '${IDEMPOTENCY_HOURS} hours'`,
    forgetOldRequests: `delete from tickwork_requests where created_at < ${now} - interval '${IDEMPOTENCY_HOURS} hours'`,

    get: `select row_to_json(t) as task, ${epochMs(now)} as now_ms from "baasix_Tasks" t where id = $1::bigint`,
    /** $1 ids. One row without a task when there is none. */
    getMany: `select row_to_json(t) as task, ${epochMs(now)} as now_ms
      from (select) one left join "baasix_Tasks" t on t.id = any($1::bigint[])`,
    /** $1 limit, then the filter's parameters. */
    list: (where: string) => `select row_to_json(t) as task from (
        select * from "baasix_Tasks" ${where && `where ${where}`} order by id desc limit $1::int) t order by id desc`,
    /** $1 id, then the new values of the columns. */
    patch: (assignments: string) => `with changed as (
        update "baasix_Tasks" set ${assignments}, "updatedAt" = ${now}
        where id = $1::bigint and task_status = 'Not started' returning *)
      select row_to_json(changed) as task, ${epochMs(now)} as now_ms from changed`,
    /** $1 id. A running task stays. */
    remove: `delete from "baasix_Tasks" where id = $1::bigint and task_status <> 'Running'
      returning row_to_json("baasix_Tasks") as task`,
    /** $1 id. A finished task starts anew, at once. */
    retry: `with changed as (
        update "baasix_Tasks" set task_status = 'Not started', scheduled_time = ${now}, attempts = 0, crashes = 0,
          error_data = null, result_data = null, progress = null, started_at = null,
          finished_at = null, "updatedAt" = ${now}
        where id = $1::bigint and task_status in ('Error', 'Completed') returning *)
      select row_to_json(changed) as task, ${epochMs(now)} as now_ms from changed`,
    /** $1 id, $2 error_data. A waiting task ends; a running one is asked to. */
    cancel: `with ended as (
        update "baasix_Tasks" set task_status = 'Error', error_data = $2::json, "updatedAt" = ${now}
        where id = $1::bigint and task_status = 'Not started' returning *),
      asked as (
        update "baasix_Tasks" set cancel_requested = true, "updatedAt" = ${now}
        where id = $1::bigint and task_status = 'Running' returning *)
      select row_to_json(ended) as task from ended union all select row_to_json(asked) from asked`,
    /** $1 message. Every running task ends, whoever runs it. */
    resetRunning: `with reset as (
        update "baasix_Tasks" set task_status = 'Error', "updatedAt" = ${now},
          error_data = json_build_object('message', $1::text, 'name', 'ResetError', 'code', 'reset', 'attempts', attempts,
            'history', coalesce(history, '[]'::jsonb))
        where task_status = 'Running' returning *)
      select row_to_json(reset) as task, ${epochMs(now)} as now_ms from reset order by id`,
    /** $1 finished before so many days, $2 rows at most, $3 an id to keep. */
    deleteFinished: `with gone as (
        delete from "baasix_Tasks" where id in (
          select id from "baasix_Tasks"
          where task_status in ('Completed', 'Error') and coalesce(finished_at, "updatedAt") < ${now} - $1::float8 * interval '1 day'
            and id <> $3::bigint
          order by id limit $2::int)
        returning id)
      select count(*)::int as deleted from gone`,

    /**
     * $1 slot, $2 token, $3 lease in ms, $4 crashes allowed, $5 ids that looked due, $6 types that others run.
     * First ends what has killed too many workers, and gives back what others did not finish; then claims one task. When there is none, says in the same
     * answer what the ids that looked due really are, and when Postgres has something due.
     */
    claim: `with buried as (
        update "baasix_Tasks" set task_status = 'Error', crashes = crashes + 1, "updatedAt" = ${now},
          error_data = json_build_object('message', 'its worker died ' || (crashes + 1) || ' times while it ran',
            'name', 'CrashedError', 'code', 'crashed', 'attempts', attempts, 'history', ${crashRecord})
        where task_status = 'Running' and lease_expires_at <= ${now} and crashes >= $4::int
        returning id, rev),
      returned as (
        update "baasix_Tasks" set task_status = 'Not started', crashes = crashes + 1, history = ${crashRecord}, "updatedAt" = ${now}
        where task_status = 'Running' and lease_expires_at <= ${now} and crashes < $4::int and type = any($6::text[])
        returning id),
      claimed as (${claimOverdueOrDue("$1", "$2", "$3", "$4", "$6", "(select count(*) from buried) + (select count(*) from returned) >= 0")})
      select (select row_to_json(claimed) from claimed) as task, ${epochMs(now)} as now_ms,
        (select json_agg(buried) from buried) as buried,
        case when exists (select from claimed) then null else ${nextDue("$6")} end as next_ms,
        case when exists (select from claimed) then null else
          (select coalesce(json_agg(json_build_object('id', id, 'rev', rev, 'status', task_status, 'type', type,
            'due_ms', ${epochMs("scheduled_time")}, 'lease_ms', ${epochMs("lease_expires_at")})), '[]')
            from "baasix_Tasks" where id = any($5::bigint[])) end as seen`,
    /** $1 slot: when the lease of who runs in it ends. */
    slotHolder: `select id, ${epochMs("lease_expires_at")} as lease_ms, ${epochMs(now)} as now_ms
      from "baasix_Tasks" where task_status = 'Running' and slot = $1::int`,

    /**
     * Writes that an attempt completed its task, by token, and claims the next one in the same statement.
     * $1 id, $2 token, $3 result, $4 lateness; $5 slot, $6 next token (null: claim nothing), $7 lease in ms,
     * $8 types that others run, and for a claim that looks for leases that ended $9 crashes allowed.
     */
    complete: settlement(
      `update "baasix_Tasks" set task_status = 'Completed', result_data = $3::json, error_data = null, progress = 1,
          lateness = $4::jsonb,
          slot = null, lease_token = null, lease_expires_at = null, cancel_requested = false,
          finished_at = ${now}, "updatedAt" = ${now}, rev = rev + 1`,
      5,
    ),
    /**
     * Writes how else an attempt ended, by token, and claims the next task in the same statement.
     * $1 id, $2 token, $3 status, $4 error, $5 record for the history, $6 delay in ms, $7 attempts to add,
     * $8 crashes to add, $9 lateness; then as above from $10.
     */
    settle: settlement(
      `update "baasix_Tasks" set task_status = $3, error_data = $4::json, result_data = null, progress = null,
          history = case when $5::jsonb is null then history else ${withHistory("$5::jsonb")} end,
          scheduled_time = case when $6::float8 is null then scheduled_time else ${now} + ${ms("$6")} end,
          attempts = attempts + $7::int, crashes = crashes + $8::int, lateness = $9::jsonb, "updatedAt" = ${now}`,
      10,
    ),
    /** $1 id, $2 token, $3 lease in ms, $4 progress or null. Empty: the lease is lost. */
    renew: `update "baasix_Tasks" set lease_expires_at = ${now} + ${ms("$3")}, progress = coalesce($4::real, progress), rev = rev + 1
      where id = $1::bigint and lease_token = $2::text and task_status = 'Running'
      returning rev, cancel_requested, ${epochMs("lease_expires_at")} as lease_ms`,
    /** $1 token: what it holds. */
    heldBy: `select row_to_json(t) as task from "baasix_Tasks" t where task_status = 'Running' and lease_token = $1::text`,
    /** $1 ids: where they stand. */
    standing: `select id, rev, task_status as status, type, ${epochMs("scheduled_time")} as due_ms,
      ${epochMs("lease_expires_at")} as lease_ms, ${epochMs(now)} as now_ms from "baasix_Tasks" where id = any($1::bigint[])`,

    /** Rows from before Tickwork may have no time: they are due now. */
    giveTimes: `update "baasix_Tasks" set scheduled_time = ${now} where task_status = 'Not started' and scheduled_time is null`,
    /** $1 tasks at most, $2 bytes of task_data that are cached. One more row than $1 shows where the window was cut. */
    window: `select id, rev, task_status as status, type, ${epochMs("scheduled_time")} as due_ms, null::float8 as lease_ms, ${epochMs(now)} as now_ms,
        case when coalesce(octet_length(task_data::text), 0) <= $2::int then row_to_json(t) end as task
      from (select * from "baasix_Tasks" where task_status = 'Not started' and scheduled_time <= ${now} + ${window}
        order by scheduled_time, id limit $1::int + 1) t
      union all
      select id, rev, task_status, type, null, ${epochMs("lease_expires_at")}, ${epochMs(now)}, null
        from "baasix_Tasks" where task_status = 'Running'
      union all
      select null, null, null, null, null, null, ${epochMs(now)}, null`,
    /** Every task of the window, whole. $1 tasks at most. */
    readWindow: `select row_to_json(t) as task from (select * from "baasix_Tasks"
      where task_status = 'Not started' and scheduled_time <= ${now} + ${window}
      order by scheduled_time, id limit $1::int) t order by scheduled_time, id`,
    /** On the embedded stack, at boot: the earlier process is dead, so its leases are over. */
    endLeases: `update "baasix_Tasks" set lease_expires_at = ${now}
      where task_status = 'Running' and lease_expires_at > ${now}`,

    // ---- the gate of Postgres: flags and the sleeper as rows, for when there is no Redis
    /**
     * $1 token, $2 flag's TTL in ms, $3 slots, $4 how long the caller would sleep in ms, $5 the slot it holds or
     * null, $6 whether to let go whatever is due, $7 types that others run. One query looks, takes a free flag or gives it back, and says when to come again.
     */
    gate: `with due as (select ${nextDue("$7")} as at_ms, ${epochMs(now)} as now_ms),
      held as (select name, token, expires_at from tickwork_flags
        where expires_at > ${now} and name like 'slot:%' and not (token = $1::text)),
      free as (select min(s) as slot, count(*) as slots from generate_series(0, $3::int - 1) s
        where 'slot:' || s not in (select name from held)),
      wants as (select not $6::boolean and at_ms <= now_ms as now, free.slot, free.slots, at_ms, now_ms from due, free),
      taken as (insert into tickwork_flags (name, token, expires_at)
        select 'slot:' || coalesce($5::int, slot), $1::text, ${now} + ${ms("$2")} from wants where wants.now and slot is not null
        on conflict (name) do update set token = excluded.token, expires_at = excluded.expires_at
          where tickwork_flags.expires_at <= ${now} or tickwork_flags.token = excluded.token
        returning name),
      released as (delete from tickwork_flags where token = $1::text
        and case when name = 'sleeper' then $6::boolean else not exists (select from wants where wants.now) end
        returning name),
      asleep as (insert into tickwork_flags (name, token, wake_at_ms, expires_at)
        select 'sleeper', $1::text, at_ms, ${now} + (at_ms - now_ms + ${SLEEPER_MARGIN_MS}) * interval '1 millisecond' from wants
        where not $6::boolean and at_ms > now_ms and at_ms - now_ms <= $4::float8
        on conflict (name) do update set token = excluded.token, wake_at_ms = excluded.wake_at_ms, expires_at = excluded.expires_at
          where tickwork_flags.expires_at <= ${now} or tickwork_flags.token = excluded.token
            or tickwork_flags.wake_at_ms > excluded.wake_at_ms
        returning name)
      select wants.now as due, at_ms, now_ms, slots::int,
        (select substr(name, 6)::int from taken) as slot, exists (select from asleep) as asleep,
        (select min(${epochMs("expires_at")}) from held) as free_ms,
        (select wake_at_ms from tickwork_flags where name = 'sleeper' and token <> $1::text and expires_at > ${now}) as wake_ms
      from wants`,
    /** $1 token, $2 slot, $3 TTL in ms. */
    renewFlag: `insert into tickwork_flags (name, token, expires_at) values ('slot:' || $2::int, $1::text, ${now} + ${ms("$3")})
      on conflict (name) do update set token = excluded.token, expires_at = excluded.expires_at
        where tickwork_flags.expires_at <= ${now} or tickwork_flags.token = excluded.token
      returning name`,
    /** $1 token, $2 slots, $3 TTL in ms: the operator's override. */
    raiseFlags: `insert into tickwork_flags (name, token, expires_at)
      select 'slot:' || s, $1::text, ${now} + ${ms("$3")} from generate_series(0, $2::int - 1) s
      on conflict (name) do update set token = excluded.token, expires_at = excluded.expires_at
        where tickwork_flags.expires_at <= ${now} or tickwork_flags.token = excluded.token`,
    lowerFlags: `delete from tickwork_flags where name like 'slot:%'`,
    isRunning: `select exists (select from "baasix_Tasks" where task_status = 'Running' and lease_expires_at > ${now})
      or exists (select from tickwork_flags where name like 'slot:%' and expires_at > ${now}) as running`,
    /** Remembers that the window was read, for who has no cache to remember it. */
    noteRefresh: `insert into tickwork_flags (name, token, wake_at_ms, expires_at) values ('refreshed', '', ${epochMs(now)}, 'infinity')
      on conflict (name) do update set wake_at_ms = excluded.wake_at_ms`,
    stats: `select (select wake_at_ms from tickwork_flags where name = 'refreshed') as refreshed_ms,
      (select count(*)::int from (select from "baasix_Tasks" where task_status = 'Not started'
        and scheduled_time <= ${now} + ${window} limit $1::int) w) as waiting,
      exists (select from "baasix_Tasks" where task_status = 'Running' and lease_expires_at > ${now})
        or exists (select from tickwork_flags where name like 'slot:%' and expires_at > ${now}) as running`,
  });
}

/** Without the indentation, which would travel with every request. No literal here has two spaces. */
function onOneLine<T>(sql: T): T {
  if (typeof sql === "string") return sql.replace(/\s+/g, " ").trim() as T;
  if (typeof sql === "function") return ((...given: unknown[]) => onOneLine(sql(...given))) as T;
  return Object.fromEntries(
    Object.entries(sql as object).map(([name, value]) => [name, onOneLine(value)]),
  ) as T;
}

/** `history` with one more record, the latest ones only. */
function withHistory(record: string): string {
  return `(select jsonb_agg(h.value order by h.n) from jsonb_array_elements(coalesce(history, '[]'::jsonb) || ${record})
      with ordinality as h(value, n)
      where h.n > jsonb_array_length(coalesce(history, '[]'::jsonb)) + 1 - ${HISTORY_LIMIT})`;
}

function isoUtc(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

/** `json_populate_recordset` gives each value the type of the table's own column. */
function insertion(now: string, returning?: string): string {
  const rows = `insert into "baasix_Tasks"
      (task_status, type, scheduled_time, attachment_id, task_data, max_attempts, "createdAt", "updatedAt")
    select 'Not started', type, coalesce(scheduled_time, ${now}), attachment_id, task_data, max_attempts, ${now}, ${now}
    from rows from (json_populate_recordset(null::"baasix_Tasks", $1::json)) with ordinality
    order by ordinality`;
  if (returning) return `${rows} ${returning}`;
  return `with made as (${rows} returning *)
    select row_to_json(made) as task, ${epochMs(now)} as now_ms from made order by id`;
}

export const FOREIGN_LEASE = `${FOREIGN_LEASE_MS} * interval '1 millisecond'`;
