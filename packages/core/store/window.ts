import {
  CACHED_DATA_LIMIT_BYTES,
  CACHED_ROW_LIMIT_BYTES,
  SCHEDULES_PER_REFRESH,
  TYPES_SENT,
  WINDOW_LIMIT_BYTES,
  WINDOW_MS,
} from "../limits.ts";
import type { Pause } from "../tasks/pause.ts";
import type { CatchUp, Overlap, ScheduleTimes } from "../tasks/schedule.ts";
import { type Facts, hasType, isKnown, lanedAt, type Standing, standingOf } from "../tasks/standing.ts";
import type { StoreDeps } from "./deps.ts";
import {
  ADOPTED_LEASE_END,
  epochMs,
  LEFT_IN_WINDOW,
  LIMITED,
  milliseconds,
  NOW_MS,
  PAUSED,
  RUNNABLE_IN_WINDOW,
  VERSIONED_TYPE,
} from "./fragments.ts";
import { FORGET_OLD_REQUESTS } from "./insert.ts";
import { LANES_NEXT_MS } from "./lanes.ts";
import { PAUSES_AS_JSON, type PauseRow, pauseOf } from "./pauses.ts";
import { registerTypes } from "./registered-types.ts";
import { type Row, toTask } from "./rows.ts";
import { statement, variants } from "./statement.ts";

/** What Postgres says the window is. */
export interface Window {
  writes: Standing[];
  /** Tasks that are due and of a type, or a version of it, that nobody here runs, by both: they wait for code that has it. */
  waitingForCode: ReadonlyMap<string, number>;
  /** Since when the first of them is due; undefined when there are none. */
  codeSinceMs?: number | undefined;
  /** What other programs run. */
  runByOthers: RunByOthers[];
  /** What is paused. */
  pauses: readonly Pause[];
  /** When Postgres read it, by its own clock. */
  nowMs: number;
  /** The first due time that was left out; undefined when the whole window is there. */
  cutAtMs: number | undefined;
}

/** The same, and what it has to do with schedules. */
export interface WindowRead extends Window {
  /** Schedules with occurrences in the window that nobody has made yet. */
  schedules: ScheduleRow[];
  /** Some schedule was declared in code. */
  hasDeclared: boolean;
  /** Some limit was declared in code. */
  hasDeclaredLimits: boolean;
}

/** A schedule, as far as its occurrences are concerned. */
export interface ScheduleRow extends ScheduleTimes {
  name: string;
  rev: number;
  catch_up: CatchUp;
  overlap: Overlap;
  /** The first occurrence that was not made yet; null when there is none. */
  next_ms: number | null;
  /** When more are to be made, where not all of the window were; else null. */
  more_ms: number | null;
}

/** Of a row `s` of `tickwork_schedules`. */
export const SCHEDULE_ROW = `json_build_object('name', s.name, 'rev', s.rev, 'cron', s.cron,
  'every_seconds', s.every_seconds, 'time_zone', s.time_zone, 'catch_up', s.catch_up, 'overlap', s.overlap,
  'next_ms', ${epochMs("s.next_time")}, 'more_ms', ${epochMs("s.more_time")})`;

export interface RunByOthers {
  id: number;
  type: string;
  /** This deployment runs tasks of the type, too. */
  ours: boolean;
  /** It was running before Tickwork came. */
  adopted: boolean;
}

/**
 * Rows from before Tickwork may have no time: they are due now. None of them has a lane, and the index of those without
 * one finds them.
 */
export const GIVE_TIMES = statement({})`
  update "baasix_Tasks" set scheduled_time = now()
  where task_status = 'Not started' and scheduled_time is null and lane is null`;

/** It is in a lane, or gets one. */
const LANED_NOW = `(lane is not null or scheduled_time <= now() and ${LIMITED})`;

/**
 * A part of the window. A task that is too large for the cache comes without its row, and so do all that are due later
 * than as many rows as one answer may have.
 */
const waitingIn = (part: string, isRunnable: boolean) => `
  select id, rev, task_status as status, ${VERSIONED_TYPE} as type, ${PAUSED} as paused, ${LANED_NOW} as laned, ${epochMs("scheduled_time")} as due_ms, null::float8 as lease_ms, ${NOW_MS},
    case when sum(small.bytes) over (order by scheduled_time, id) <= :windowBytes then small.task end as task,
    ${isRunnable} as runnable, false as others, false as adopted, lane is null as plain
  from ${part} t
  left join lateral (select row_to_json(t.*) as task, octet_length(row_to_json(t.*)::text) as bytes
    where coalesce(octet_length(task_data::text), 0) <= :dataBytes offset 0) small on small.bytes <= :rowBytes`;

/**
 * The waiting tasks that a tick may start, with one row more than `:limit` to show where the window was cut; those that
 * are left to others or paused; then the running ones; then schedules; then a row that has the time and the pauses,
 * since there may be no task, and whether there are schedules and limits of code.
 */
export const WINDOW = variants(
  (windowMs: number) => statement({
    limit: "int",
    dataBytes: "int",
    rowBytes: "int",
    windowBytes: "bigint",
    ours: "text[]",
    foreign: "text[]",
  })`
  ${waitingIn(RUNNABLE_IN_WINDOW(":limit + 1", windowMs), true)}
  union all ${waitingIn(LEFT_IN_WINDOW(":limit", windowMs), false)}
  union all
  select id, rev, task_status, ${VERSIONED_TYPE}, false, false, null, ${epochMs("lease_expires_at")}, ${epochMs("now()")}, null,
    false, lease_token is null, lease_expires_at >= ${ADOPTED_LEASE_END}, lane is null
    from "baasix_Tasks" where task_status = 'Running'
  union all
  (select null, null, null, null, null, null, null, null, ${epochMs("now()")}, ${SCHEDULE_ROW}, false, false, false, false
    from tickwork_schedules s where next_time <= now() + ${milliseconds(windowMs)} and (more_time is null or more_time <= now())
    order by next_time limit ${String(SCHEDULES_PER_REFRESH)})
  union all
  select null, null, null, null, null, null, ${LANES_NEXT_MS}, null, ${epochMs("now()")}, (${PAUSES_AS_JSON}),
    exists (select from tickwork_schedules where source = 'code'), exists (select from tickwork_declared_limits), false, false`,
);

interface Entry extends Facts {
  now_ms: number;
  task: Row | null;
  runnable: boolean;
  others: boolean;
  adopted: boolean;
  /** It is in no lane: if its type has a limit, it gets one from the next claim. */
  plain: boolean;
}
type WindowRow =
  | { [Column in keyof Entry]: Entry[Column] }
  /** The last one has the pauses, and when something laned may start. `runnable`: there are schedules of code; `others`: limits. */
  | {
      id: null;
      now_ms: number;
      due_ms: number | null;
      task: ScheduleRow | PauseRow[];
      runnable: boolean;
      others: boolean;
    };

/** What the cache should hold, in one request that forgets old idempotency keys too. */
export async function window(deps: StoreDeps): Promise<WindowRead> {
  const { database, cacheLimit, types } = deps;
  if (types.ours.length > TYPES_SENT) await registerTypes(deps);
  const read = WINDOW(types.windowMs ?? WINDOW_MS)({
    limit: cacheLimit,
    dataBytes: CACHED_DATA_LIMIT_BYTES,
    rowBytes: CACHED_ROW_LIMIT_BYTES,
    windowBytes: WINDOW_LIMIT_BYTES,
    ours: types.ours,
    foreign: types.foreign,
  });
  const [, , rows] = await database.transaction<WindowRow>([FORGET_OLD_REQUESTS({}), GIVE_TIMES({}), read], {
    repeatable: true,
  });
  const writes: Standing[] = [];
  const waitingForCode = new Map<string, number>();
  const runByOthers: RunByOthers[] = [];
  let codeSinceMs: number | undefined;
  let cutAtMs: number | undefined;
  let waiting = 0;
  let nowMs = 0;
  let pauses: Pause[] = [];
  const schedules: ScheduleRow[] = [];
  let hasDeclared = false;
  let hasDeclaredLimits = false;
  /** When something laned may start, or gets a lane that may. */
  let lanesMs = Number.POSITIVE_INFINITY;
  for (const row of rows ?? []) {
    nowMs = row.now_ms;
    if (row.id === null) {
      if (Array.isArray(row.task)) {
        pauses = row.task.map(pauseOf);
        hasDeclared = row.runnable;
        hasDeclaredLimits = row.others;
        lanesMs = Math.min(lanesMs, row.due_ms ?? lanesMs);
      } else schedules.push(row.task);
      continue;
    }
    const facts = { ...row, id: Number(row.id), rev: Number(row.rev) };
    const standing = standingOf(facts, nowMs, types);
    // No claim knows of it yet, and nobody else tells the cache of it.
    if (row.plain && facts.laned && standingOf({ ...facts, laned: false }, nowMs, types).kind === "waiting")
      lanesMs = Math.min(lanesMs, facts.due_ms);
    if (row.others)
      runByOthers.push({
        id: facts.id,
        type: facts.type,
        ours: hasType(types.ours, facts.type),
        adopted: facts.adopted,
      });
    if (facts.status === "Not started" && facts.due_ms <= nowMs && !isKnown(facts.type, types)) {
      waitingForCode.set(facts.type, (waitingForCode.get(facts.type) ?? 0) + 1);
      codeSinceMs = Math.min(facts.due_ms, codeSinceMs ?? facts.due_ms);
    }
    if (row.runnable && waiting++ === cacheLimit) cutAtMs = facts.due_ms;
    else if (row.task && (standing.kind === "waiting" || standing.kind === "foreign"))
      writes.push({ ...standing, task: toTask(row.task) });
    else writes.push(standing);
  }
  if (lanesMs < Number.POSITIVE_INFINITY) writes.push(lanedAt(lanesMs));
  const found = { writes, waitingForCode, codeSinceMs, runByOthers, pauses, nowMs, cutAtMs };
  return { ...found, schedules, hasDeclared, hasDeclaredLimits };
}
