/** The statements of a batch: tasks that one statement leases together, and whose ends one statement writes. */
import { RUN_BATCH_BYTES } from "../limits.ts";
import { type Standing, standingOf } from "../tasks/standing.ts";
import type { Lateness, Outcome, Task, TaskStatus } from "../tasks/task.ts";
import { versionedType } from "../tasks/version.ts";
import type { StoreDeps } from "./deps.ts";
import {
  asErrorData,
  CANCELLED,
  epochMs,
  HAS_ROOM_BESIDE,
  milliseconds,
  NOW_MS,
  STARTABLE,
  VERSIONED_TYPE,
  withHistory,
} from "./fragments.ts";
import { LANES_BUSY, UNLIMITED } from "./lanes.ts";
import { typesToSend } from "./registered-types.ts";
import { type Row, toTask } from "./rows.ts";
import { endOf, statusAfter } from "./settle.ts";
import { statement } from "./statement.ts";

/** How the attempt of a task of a batch ended. Times are milliseconds before the statement is sent. */
export interface BatchEnd {
  task: Task;
  outcome: Outcome;
  /** What a handler returned, as it was then. */
  json?: string | undefined;
  lateness: Lateness | undefined;
  /** Undefined: its handler was not started. */
  startedAgoMs: number | undefined;
  endedAgoMs: number;
}

/** The part of a batch that a worker still holds, and what it asks for. */
export interface BatchRequest {
  slot: number;
  /** The tokens of the leases that the worker holds; one of them is on every row that it may write to. */
  tokens: readonly string[];
  ends: readonly BatchEnd[];
  /** Of the tasks that stay leased, the one that has the slot from now on; undefined when none stays. */
  leader: number | undefined;
  /** What to lease as well: so many tasks, under a token made beforehand; so many stay leased. */
  next: { token: string; count: number; held: number } | undefined;
}

export interface BatchResult {
  /** Where the tasks stand whose ends were written; a task that is not here was not ours any more. */
  settled: Map<number, Standing>;
  /** Those of them that would have waited again, but were to stop: they have ended, as cancelled. */
  cancelled: Set<number>;
  /** Leased under the token of `next`, in the order of their due times. */
  leased: Task[];
  /** False: a leader was named, and its lease is lost. */
  led: boolean;
  /** Postgres's time. */
  nowMs: number;
}

const ENDED_LEASE = `slot = null, lease_token = null, lease_expires_at = null, cancel_requested = false, "updatedAt" = now(), rev = t.rev + 1`;
/** Never before its lease, nor in the future: the worker measured how long ago it was. */
const ago = (ms: string) => `greatest(t.started_at, now() - ${milliseconds(ms)})`;
/** What a worker may write to: it is leased under one of its tokens. */
export const MINE = "lease_token = any(:tokens) and task_status = 'Running'";
/** As the trigger has it, which statements that write all of a row do not call. */
const IS_CANCELLED = "(t.cancel_requested and (e.columns).task_status = 'Not started')";
const DONE = "(select count(*) from completed) + (select count(*) from ended)";

/** What is in a lane, or gets one, is started alone; and while something there may start, so is all else: it has its turn. */
const DUE = `task_status = 'Not started' and lane is null and scheduled_time <= now() and ${STARTABLE} and ${UNLIMITED}`;
/** The size of the batches of the row's type; null where it runs in none. */
const SIZE = `(:sizes)[array_position(:types, (${VERSIONED_TYPE})::text)]`;
/** What is looked at before a row is locked. `alike`: it may be one of many. */
const WALKED = `id, scheduled_time, ${SIZE} as size, ${SIZE} is not null and crashes = 0 and schedule is null as alike,
  coalesce(pg_column_size(task_data), 0)::bigint as bytes`;

/**
 * Writes how attempts ended, by token. The slot goes to `:leader`, a task that stays: so the unique index always has one
 * row of a batch, and a worker that lost its lease leases nothing more. Then it leases what is due next: the tasks of
 * types that run in batches, until another comes, or one whose worker died, for that one runs alone. Where nothing stays
 * leased, the first is leased whatever it is, and has the slot. Where no end was written nothing is leased: a statement that
 * is done late, after its repetition, changes nothing.
 *
 * The due tasks are walked through one by one, each found by the index from the one before it: asked for hundreds at
 * once, the planner might read and sort all that wait.
 */
export const BATCH = statement({
  tokens: "text[]",
  completed: "json",
  ended: "json",
  leader: "bigint?",
  slot: "int",
  slots: "int",
  newToken: "text?",
  leaseMs: "float8",
  count: "int",
  held: "int",
  types: "text[]",
  sizes: "bigint[]",
  bytes: "bigint",
  ours: "text[]",
})`
  with recursive walk as (
    (select ${WALKED}, 1 as n from "baasix_Tasks"
      where :newToken is not null and not ${LANES_BUSY} and ${DUE} order by scheduled_time, id limit 1)
    union all
    select next.id, next.scheduled_time, next.size, next.alike, w.bytes + next.bytes, w.n + 1
    from walk w cross join lateral (select ${WALKED} from "baasix_Tasks"
      where ${DUE} and (scheduled_time, id) > (w.scheduled_time, w.id) order by scheduled_time, id limit 1) next
    where w.alike and w.n < :count and w.bytes < :bytes),
  completed as (
    update "baasix_Tasks" t set task_status = 'Completed', result_data = e.result::json, error_data = null, progress = 1,
      lateness = e.lateness, started_at = ${ago("e.started")}, finished_at = ${ago("e.finished")}, ${ENDED_LEASE}
    from json_to_recordset(:completed) as e (id bigint, result text, lateness jsonb, started float8, finished float8)
    where t.id = e.id and ${MINE}
    returning t.id, t.rev),
  ended as (
    update "baasix_Tasks" t set task_status = case when ${IS_CANCELLED} then 'Error' else (e.columns).task_status end,
      error_data = case when ${IS_CANCELLED} then ${asErrorData(CANCELLED("t.attempts + (e.one->>'attempts')::int"))} else (e.columns).error_data end,
      result_data = null, progress = null, lateness = (e.columns).lateness,
      history = case when e.one->>'record' is null then history else ${withHistory("(e.one->'record')::jsonb")} end,
      scheduled_time = case when e.one->>'delayMs' is null then scheduled_time
        else now() + ${milliseconds("(e.one->>'delayMs')::float8")} end,
      attempts = t.attempts + (e.one->>'attempts')::int, crashes = t.crashes + (e.one->>'crashes')::int,
      excused = t.excused + (e.one->>'excused')::int,
      started_at = case when e.one->>'started' is null then t.started_at else ${ago("(e.one->>'started')::float8")} end,
      finished_at = case when (e.columns).task_status = 'Error' or ${IS_CANCELLED} then ${ago("(e.one->>'finished')::float8")} end,
      ${ENDED_LEASE}
    from (select value as one, json_populate_record(null::"baasix_Tasks", value->'columns') as columns
      from json_array_elements(:ended)) e
    where t.id = (e.columns).id and ${MINE}
    returning t.id, t.rev, t.scheduled_time, t.task_status),
  led as (
    update "baasix_Tasks" set slot = :slot, rev = rev + 1 where id = :leader and ${MINE} and ${DONE} >= 0
    returning id),
  picked as materialized (
    select w.n, w.alike, w.size, t.id, row_to_json(t) as task
    from walk w cross join lateral (select * from "baasix_Tasks"
      where id = w.id and ${DUE} and ${SIZE} is not distinct from w.size limit 1 for update skip locked) t),
  sized as (
    select id, task, n, n = first as first, (n = first or total <= :bytes) and (alike and n + :held <= fitting or n = first and :leader is null) as wanted
    from (select id, task, n, min(n) over () as first, sum(octet_length(task::text)) over (order by n) as total,
        bool_and(alike) over (order by n) as alike, min(size) over (order by n) as fitting
      from picked) counted),
  leased as (
    update "baasix_Tasks" t set task_status = 'Running', slot = case when :leader is null and s.first then :slot end,
      lease_token = :newToken, lease_expires_at = now() + ${milliseconds(":leaseMs")}, attempts = t.attempts + 1,
      started_at = now(), finished_at = null, progress = null, cancel_requested = false, "updatedAt" = now(),
      rev = t.rev + 1
    from sized s
    where t.id = s.id and s.wanted and ${HAS_ROOM_BESIDE(":tokens")}
      and ${DONE} > 0 and (:leader is null or exists (select from led))
    returning t.id, s.n)
  select (select array_to_json(array_agg(id)) from completed) as ids,
    (select array_to_json(array_agg(rev)) from completed) as revs,
    (select json_agg(json_build_array(id, rev, ${epochMs("scheduled_time")}, task_status)) from ended) as others,
    (select json_agg(s.task order by s.n) from sized s join leased using (id)) as tasks,
    :leader is null or exists (select from led) as led, ${NOW_MS}`;

interface BatchRow {
  /** Of those that completed, in the same order. */
  ids: number[] | null;
  revs: number[] | null;
  others: [id: number, rev: number, dueMs: number, status: TaskStatus][] | null;
  tasks: Row[] | null;
  led: boolean;
  now_ms: number;
}

/** The types that run in batches, and how many of each at most. */
export interface BatchTypes {
  types: readonly string[];
  sizes: readonly number[];
}

/** Writes ends, and leases more. */
export async function settleBatch(
  deps: StoreDeps,
  { slot, tokens, ends, leader, next }: BatchRequest,
  batches: BatchTypes,
): Promise<BatchResult> {
  const { database, leaseMs, slots, types } = deps;
  const completed: unknown[] = [];
  const ended: unknown[] = [];
  for (const { task, outcome, json, lateness, startedAgoMs, endedAgoMs } of ends)
    if (outcome.kind === "completed")
      completed.push({
        id: task.id,
        result: json,
        lateness,
        started: startedAgoMs,
        finished: endedAgoMs,
      });
    else {
      const { error, ...end } = endOf(outcome);
      const columns = { id: task.id, task_status: statusAfter(outcome), error_data: error, lateness };
      ended.push({ columns, ...end, started: startedAgoMs, finished: endedAgoMs });
    }
  const [row] = await database.query<BatchRow>(
    BATCH({
      tokens,
      completed,
      ended,
      leader: leader ?? null,
      slot,
      slots,
      newToken: next?.token ?? null,
      leaseMs,
      count: next?.count ?? 0,
      held: next?.held ?? 0,
      types: batches.types,
      sizes: batches.sizes,
      bytes: RUN_BATCH_BYTES,
      ours: await typesToSend(deps),
    }),
  );
  if (!row) throw new Error("a batch's statement must answer one row, got none");
  const nowMs = row.now_ms;
  const settled = new Map<number, Standing>();
  const cancelled = new Set<number>();
  row.ids?.forEach((id, n) => {
    settled.set(id, { id, rev: row.revs?.[n] ?? 0, kind: "gone" });
  });
  const others = new Map(row.others?.map((one) => [one[0], one]));
  for (const { task, outcome } of others.size > 0 ? ends : []) {
    const other = others.get(task.id);
    if (!other) continue;
    const [id, rev, due_ms, status] = other;
    const facts = {
      id,
      rev,
      status,
      type: versionedType(task.type, task.version),
      due_ms,
      lease_ms: null,
    };
    settled.set(id, standingOf(facts, nowMs, types));
    if (status !== statusAfter(outcome)) cancelled.add(id);
  }
  const tasks = row.tasks ?? [];
  const leased = tasks.map((one, n) =>
    started(one, nowMs, leaseMs, leader === undefined && n === 0 ? slot : null),
  );
  return { settled, cancelled, leased, led: row.led, nowMs };
}

/** A row as the statement that leased it left it; it answers with the rows as they were. */
function started(row: Row, nowMs: number, leaseMs: number, slot: number | null): Task {
  const task = toTask(row);
  const now = new Date(nowMs).toISOString();
  task.task_status = "Running";
  task.slot = slot;
  task.lease_expires_at = new Date(nowMs + leaseMs).toISOString();
  task.attempts++;
  task.started_at = now;
  task.finished_at = null;
  task.progress = null;
  task.cancel_requested = false;
  task.updatedAt = now;
  task.rev++;
  return task;
}
