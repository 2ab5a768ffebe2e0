/** Parts that several statements share. Their parameters have names too: see `statement.ts`. */
import { FOREIGN_LEASE_MS, HISTORY_LIMIT, LEFT_SCAN, UNKNOWN_TYPE_MS, WINDOW_MS } from "../limits.ts";
import { CONTENT } from "../tasks/task.ts";

/** An `interval`. `n` is a number, or the name of a parameter of type `float8`. */
export const milliseconds = (n: number | string) => `${n} * interval '1 millisecond'`;
export const WINDOW = milliseconds(WINDOW_MS);
/** Of a row that was running when the table was adopted: only its program, or an operator, ends it. */
export const ADOPTED_LEASE_END = "timestamptz '9999-12-31 00:00:00+00'";
export const FOREIGN_LEASE = milliseconds(FOREIGN_LEASE_MS);

/** Epoch milliseconds, rounded up: a task is never due in the cache before it is due in Postgres. */
export const epochMs = (time: string) => `ceil(extract(epoch from ${time}) * 1000)::float8`;
export const NOW_MS = `${epochMs("now()")} as now_ms`;

/**
 * The type of a task in its version, as `versionedType` says it. The first version, which all rows have where nobody
 * speaks of versions, is the type alone.
 */
export const VERSIONED_TYPE = "case when version is null then type else type || '@' || version end";

/**
 * The task's type is one of `:ours`, the types that this process runs; with an empty second name, the first one is that
 * of a list of them (`registered-types.ts`). Written this way, the planner expects it to be true of most rows. Of
 * `type = any(…)` it expects it of hardly any; then each claim reads and sorts every waiting task, or each statement is
 * planned anew.
 */
const oursIf = (isRegistered: string) =>
  `nullif(case when (:ours)[2] = '' then ${isRegistered} else (${VERSIONED_TYPE}) = any(:ours) end, false) is not null`;
export const OURS = oursIf(
  `(select true from tickwork_types where registry = (:ours)[1] and name = ${VERSIONED_TYPE}) is not null`,
);
/** The same for a statement that looks at thousands of tasks: the list is read once, and not asked for each of them. */
const OURS_OF_MANY = oursIf(
  `(${VERSIONED_TYPE}) in (select name from tickwork_types where registry = (:ours)[1])`,
);

const waitsUnless = (ours: string) => `not (${ours}) and not (type = any(:foreign))`;
/** The task is of a type, or a version of it, that nobody here runs: in the words of the stats, it waits for code once it is due. */
export const WAITS_FOR_CODE = waitsUnless(OURS);
export const WAITS_FOR_CODE_OF_MANY = waitsUnless(OURS_OF_MANY);

/**
 * Nobody may start the task: everything or its type is paused. The pauses are read once in a statement, where a task is
 * looked at; mostly there are none, and then no more is asked.
 */
export const PAUSED = `case when exists (select from tickwork_pauses) then coalesce(array['all:', 'type:' || type]
  && (select array_agg(kind || ':' || name) from tickwork_pauses), false) else false end`;
const startableIf = (isOurs: string) => `${isOurs} and nullif(${PAUSED}, true) is not null`;
/** This process may start the task. Written like `OURS`, for the planner. */
export const STARTABLE = startableIf(OURS);
/**
 * The same where `:ours` has the names themselves. Postgres takes the first sixteen locks of a statement by a fast
 * path; those that run for each task keep to these.
 */
export const STARTABLE_BY_NAME = startableIf(`nullif((${VERSIONED_TYPE}) = any(:ours), false) is not null`);

/** What an index of types has: running tasks are few, and have one of their own. */
export const STORED = "task_status in ('Not started', 'Completed', 'Error') and id > 0";

/** Its type has a limit: it gets a lane when it is due. */
export const LIMITED = "type = any(array(select name from tickwork_limits where kind = 'type'))";

/**
 * The first waiting tasks by their due time: `tickwork_plain` has those in no lane, `tickwork_laned_due` those in one.
 * Asked for both at once, Postgres would read and sort all that waits.
 *
 * @param condition on `scheduled_time`
 * @param dir `desc`: the last ones
 */
export function firstWaiting(condition: string, limit: string, columns = "*", dir = "asc"): string {
  const order = `order by scheduled_time ${dir}, id ${dir} limit ${limit}`;
  const part = (lane: string) =>
    `(select ${columns} from "baasix_Tasks" where task_status = 'Not started' and ${lane} and ${condition} ${order})`;
  return `(select * from (${part("lane is null")} union all ${part("lane is not null and id > 0")}) one ${order})`;
}

const inWindow = (windowMs: number) =>
  `"baasix_Tasks" where task_status = 'Not started' and scheduled_time <= now() + ${milliseconds(windowMs)}`;
const BY_DUE_TIME = "order by scheduled_time, id";
/** What some tick may start: it has the type, or another deployment may, and it is not paused. Written like `OURS`, for the planner. */
const RUNNABLE = `nullif(coalesce(((${VERSIONED_TYPE}) = any(:ours)
  or not (type = any(:foreign)) and scheduled_time > now() - ${milliseconds(UNKNOWN_TYPE_MS)}) and not ${PAUSED}
  and not (scheduled_time <= now() and ${LIMITED}), false), false)`;

/**
 * The waiting tasks of the window in two parts with a limit each, so that however many there are of one, the other is
 * seen: first those that a tick may start, then those that are left to other programs, wait for code, are paused or in
 * a lane (`standingOf` says why). The second are looked for among the earliest `LEFT_SCAN` times `limit`. Needs `:ours`
 * and `:foreign`.
 */
export const RUNNABLE_IN_WINDOW = (limit: string, windowMs = WINDOW_MS) =>
  `(select * from ${inWindow(windowMs)} and lane is null and ${RUNNABLE} is not null ${BY_DUE_TIME} limit ${limit})`;
export const LEFT_IN_WINDOW = (limit: string, windowMs = WINDOW_MS) => `(
  (select * from (select * from ${inWindow(windowMs)} and lane is null ${BY_DUE_TIME} limit ${LEFT_SCAN} * ${limit}::bigint) earliest
  where ${RUNNABLE} is null ${BY_DUE_TIME} limit ${limit})
  union all (select * from ${inWindow(windowMs)} and lane is not null limit ${limit})
  ${BY_DUE_TIME} limit ${limit})`;

/** What runs anywhere but in `:slot`, or is leased together with what runs there. */
const RUNNING_ELSEWHERE = `"baasix_Tasks"
  where task_status = 'Running' and lease_expires_at > now() and slot is distinct from :slot`;
/** Leases among such rows: those of a batch have one. */
const LEASES = "count(distinct coalesce(split_part(lease_token, '/', 1), id::text))";
/** Rows that other programs have set to Running: they have no token. */
const OTHERS = "count(*) filter (where slot is null and lease_token is null)";

/**
 * Whether Tickwork may start a task in `:slot`: what another program runs takes the place of one, from the last slot
 * on. Where a task runs in such a slot already, a lower one waits for its end. Counting alone would not do: two that
 * ask at once would both get the last place.
 */
export const HAS_ROOM = `(case when exists (select from ${RUNNING_ELSEWHERE})
  then (select :slots > ${LEASES} and :slot < :slots - ${OTHERS} from ${RUNNING_ELSEWHERE}) else :slot < :slots end)`;
/** The same where there is one slot. */
export const HAS_ROOM_ALONE = `(:slot < :slots and not exists (select from ${RUNNING_ELSEWHERE}))`;
/** The same for a worker that has leases already, under `tokens`. */
export const HAS_ROOM_BESIDE = (tokens: string) => `(select :slots > ${LEASES} and :slot < :slots - ${OTHERS}
  from ${RUNNING_ELSEWHERE} and (lease_token is null or not (lease_token = any(${tokens}))))`;
/** What the worker of a batch may write to: it is leased under one of its tokens. */
export const MINE = "lease_token = any(:tokens) and task_status = 'Running'";
/** When there will be room again, at the latest. */
export const ROOM_MS = `(select ${epochMs("min(lease_expires_at)")} from ${RUNNING_ELSEWHERE})`;

const NAMES_OF_CONTENT = `array[${CONTENT.map((name) => `'${name}'`).join(", ")}]`;

/**
 * The rows of `source`, as JSON in `task`; where together they have more than `:bytes`, without what they hold. For
 * what must be answered in one piece.
 */
export const wholeOrOmitting = (source: string) =>
  `select id, ${orOmitting("row_to_json(t.*)", ":bytes")} as task from ${source} t`;

/** The same of rows that are JSON already. */
export const orOmitting = (row: string, bytes: string) => `
  case when sum(octet_length(${row}::text)) over () <= ${bytes} then ${row}
    else (${row}::jsonb - ${NAMES_OF_CONTENT} || jsonb_build_object('omitted', ${NAMES_OF_CONTENT}))::json end`;

/** Whether a statement writes tasks, whatever else it does. */
export const writesTasks = (text: string): boolean =>
  /\b(insert into|update|delete from) "baasix_Tasks"|\btickwork_(insert_unique|batch)\(/.test(text);

/** The earliest moment at which something is due: a waiting task, or the end of a lease. */
export const NEXT_DUE_MS = `least(
  (select ${epochMs("scheduled_time")} from "baasix_Tasks"
    where task_status = 'Not started' and lane is null and scheduled_time is not null and ${STARTABLE}
    order by scheduled_time, id limit 1),
  (select ${epochMs("min(lease_expires_at)")} from "baasix_Tasks" where task_status = 'Running'))`;

/** The error of a task that was cancelled, and did not end by itself. */
export const CANCELLED = (attempts = "attempts", message = "'the task was cancelled'") =>
  `json_build_object('message', ${message}, 'name', 'CancelledError', 'code', 'cancelled', 'attempts', ${attempts})`;

/** A JSON as `error_data` has it, which in a table that was adopted may be `json` or `jsonb`. Assignments need none of it. */
export const asErrorData = (json: string) =>
  `(json_populate_record(null::"baasix_Tasks", json_build_object('error_data', ${json}))).error_data`;

/** `history` with one more record; only the latest are kept. */
export function withHistory(record: string): string {
  return `(select jsonb_agg(h.value order by h.n)
    from jsonb_array_elements(coalesce(history, '[]'::jsonb) || ${record}) with ordinality as h(value, n)
    where h.n > jsonb_array_length(coalesce(history, '[]'::jsonb)) + 1 - ${HISTORY_LIMIT})`;
}

/** As ISO 8601 in UTC, the way times of tasks are written. */
export const isoUtc = (column: string) =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** `history` with the attempt whose worker died. */
export const CRASH_HISTORY = withHistory(`jsonb_build_object(
  'attempt', attempts, 'started_at', ${isoUtc("started_at")}, 'ended_at', ${isoUtc("lease_expires_at")},
  'outcome', 'crashed', 'code', 'crashed',
  'message', 'the worker stopped renewing its lease')`);

/** What is made for statements as part of a function: its parameters, and its moment, have names of their own. */
export const inFunction = (text: string, names: Readonly<Record<string, string>>): string =>
  Object.entries(names).reduce((sql, [name, value]) => sql.replaceAll(name, value), text);

/** A waiting task becomes a running one. Needs `:slot`, `:newToken` and `:leaseMs`. */
export const STARTED = `task_status = 'Running', slot = :slot, lease_token = :newToken,
  lease_expires_at = now() + ${milliseconds(":leaseMs")}, attempts = attempts + 1,
  started_at = now(), finished_at = null, progress = null, cancel_requested = false, "updatedAt" = now(),
  rev = rev + 1`;
