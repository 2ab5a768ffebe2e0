import type { Moment } from "../clock.ts";
import { type Facts, gone, LANES, type Standing, standingOfLanes } from "../tasks/standing.ts";
import type { StoreDeps } from "./deps.ts";
import {
  CANCELLED,
  CRASH_HISTORY,
  epochMs,
  HAS_ROOM,
  NEXT_DUE_MS,
  NOW_MS,
  PAUSED,
  ROOM_MS,
  STARTABLE,
  STARTED,
  VERSIONED_TYPE,
} from "./fragments.ts";
import { beginsWithLanes, claimLaned, LANES_EVER_USED, LANES_USED, noteLanes } from "./lanes.ts";
import type { Lease, LeaseRequest } from "./lease.ts";
import { noteColumns } from "./plain-row.ts";
import { isUniqueViolation } from "./postgres-errors.ts";
import { standingNow } from "./read.ts";
import { typesToSend } from "./registered-types.ts";
import { type Row, type TaskRow, tasksOf, toTask } from "./rows.ts";
import { queryRepeatable, statement } from "./statement.ts";

export type ClaimResult =
  /** `more`: another laned task may start, and a slot is free. */
  | { kind: "claimed"; lease: Lease; buried: Standing[]; more?: boolean }
  /** There is nothing to claim. `truth` is where the tasks that looked due really stand. */
  | {
      kind: "empty";
      truth: Standing[];
      next: Moment | undefined;
      /** Of what is laned and runs here, where `next` may be of what others run. */
      ownLanedInMs?: number;
      buried: Standing[];
    }
  /** A worker with a live lease is in the slot, or another program runs a task in its place. */
  | { kind: "conflict"; leaseEndsInMs: number; buried: Standing[] };

/** The lease that a claim asks for. */
const REQUEST = { slot: "int", slots: "int", newToken: "text", leaseMs: "float8" } as const;

const earliestDue = (startable: string) => `(select id from "baasix_Tasks"
  where task_status = 'Not started' and lane is null and scheduled_time <= now() and ${startable}
  order by scheduled_time, id limit 1 for update skip locked)`;

/** The row itself is not kept until the statement ends: its JSON is all that is asked for. */
const AS_JSON = `row_to_json("baasix_Tasks") as task`;

/** Claims the next task that is due, if the condition `only` holds, and there is room. */
export const claimDue = (only: string, startable: string) => `
  update "baasix_Tasks" set ${STARTED}
  where id = ${earliestDue(startable)} and ${only}
  returning ${AS_JSON}`;

/** The same, but a task whose lease ended goes first, and before all others the one that blocks the slot. */
export const claimOverdueOrDue = (only: string) => `
  update "baasix_Tasks" set ${STARTED},
    crashes = crashes + case when task_status = 'Running' then 1 else 0 end,
    history = case when task_status = 'Running' then ${CRASH_HISTORY} else history end
  where id = coalesce(
    (select id from "baasix_Tasks" where task_status = 'Running' and lease_expires_at <= now() and crashes < :maxCrashes
        and not cancel_requested and lane is null and ${STARTABLE}
      order by (slot is not distinct from :slot) desc, lease_expires_at limit 1 for update skip locked),
    ${earliestDue(STARTABLE)}) and ${HAS_ROOM} and ${only}
  returning ${AS_JSON}`;

const ENDED_FIRST = "(select count(*) from buried) + (select count(*) from returned) >= 0";
const CLAIMED = {
  plain: `claimed as (${claimOverdueOrDue(`${ENDED_FIRST} and not ${LANES_USED}`)})
    select (select task from claimed) as task, ${LANES_USED} as lanes, ${LANES_EVER_USED} as ever,`,
  laned: `function as materialized (${claimLaned(ENDED_FIRST)}), claimed as (select task from function where task is not null)
    select (select task from claimed) as task, ${LANES_USED} as lanes, ${LANES_EVER_USED} as ever, (select next_ms from function) as lanes_next_ms,
      (select own_next_ms from function) as own_lanes_next_ms, (select more from function) as more,`,
};

/**
 * First ends tasks that have killed too many workers, or one after they were to stop, and gives back those of types
 * that others run or that are paused, and those in lanes; then claims one task. When there is none, the same answer
 * says where the tasks `:seen`, which looked due, really stand, and when Postgres has something due.
 */
const claimBy = (how: keyof typeof CLAIMED) => statement({
  ...REQUEST,
  maxCrashes: "int",
  seen: "bigint[]",
  ours: "text[]",
})`
  with buried as (
    update "baasix_Tasks" set task_status = 'Error', crashes = crashes + 1, "updatedAt" = now(),
      error_data = case when cancel_requested then ${CANCELLED()} else
        json_build_object('message', 'its worker died ' || (crashes + 1) || ' times while it ran',
          'name', 'CrashedError', 'code', 'crashed', 'attempts', attempts, 'history', ${CRASH_HISTORY}) end
    where task_status = 'Running' and lease_expires_at <= now() and (crashes >= :maxCrashes or cancel_requested)
    returning id, rev, type),
  returned as (
    update "baasix_Tasks" set task_status = 'Not started', crashes = crashes + 1, history = ${CRASH_HISTORY}, "updatedAt" = now()
    where task_status = 'Running' and lease_expires_at <= now() and crashes < :maxCrashes and not cancel_requested
      and (lane is not null or not (${STARTABLE}))
    returning id),
  ${CLAIMED[how]} ${NOW_MS},
    (select json_agg(buried) from buried) as buried,
    case when exists (select from claimed) then null else ${NEXT_DUE_MS} end as next_ms,
    case when exists (select from claimed) or ${HAS_ROOM} then null else ${ROOM_MS} end as room_ms,
    case when exists (select from claimed) then null else
      (select coalesce(json_agg(json_build_object('id', id, 'rev', rev, 'status', task_status, 'type', ${VERSIONED_TYPE},
        'paused', ${PAUSED}, 'laned', lane is not null, 'due_ms', ${epochMs("scheduled_time")}, 'lease_ms', ${epochMs("lease_expires_at")})), '[]')
        from "baasix_Tasks" where id = any(:seen)) end as seen`;

export const CLAIM = claimBy("plain");
/** The same where there are lanes. */
export const CLAIM_LANED = claimBy("laned");

interface ClaimRow {
  task: Row | null;
  /** There are lanes: a claim that did not call the function has claimed nothing. */
  lanes: boolean;
  ever: boolean;
  lanes_next_ms?: number | null;
  own_lanes_next_ms?: number | null;
  more?: boolean | null;
  now_ms: number;
  next_ms: number | null;
  /** Set when other programs run too much for another task to start. */
  room_ms: number | null;
  buried: { id: number; rev: number; type: string }[] | null;
  seen: Facts[] | null;
}

/** When the lease of the worker in a slot ends. */
export const SLOT_HOLDER = statement({ slot: "int" })`
  select ${epochMs("lease_expires_at")} as lease_ms, ${NOW_MS}
  from "baasix_Tasks" where task_status = 'Running' and slot = :slot`;

type SlotHolder = { lease_ms: number; now_ms: number };

/**
 * Claims the task that is due first; tasks whose lease ended go before all others.
 *
 * @param looked ids of tasks that looked due
 * @param lanesRev of what the cache said of all laned tasks, when it said that
 */
export async function claim(
  deps: StoreDeps,
  request: LeaseRequest,
  looked: readonly number[],
  lanesRev?: number,
): Promise<ClaimResult> {
  const seen = lanesRev === undefined ? looked : looked.filter((id) => id !== LANES);
  const { database, leaseMs, slots, maxCrashes, types } = deps;
  const { slot, token: newToken } = request;
  const ours = await typesToSend(deps);
  let row: ClaimRow | undefined;
  /** What a claim ended that found out that there are lanes. */
  let endedBefore: ClaimRow["buried"] = null;
  try {
    const given = { slot, slots, newToken, leaseMs, maxCrashes, seen, ours };
    const laned = beginsWithLanes(database);
    [row] = await database.query<ClaimRow>((laned ? CLAIM_LANED : CLAIM)(given));
    if (!laned && row?.lanes) {
      endedBefore = row.buried;
      [row] = await database.query<ClaimRow>(CLAIM_LANED(given));
    }
    if (row) noteLanes(database, row);
  } catch (error) {
    if (!isUniqueViolation(error, "tickwork_running")) throw error;
    const [holder] = await queryRepeatable<SlotHolder>(database, SLOT_HOLDER({ slot }));
    const leaseEndsInMs = holder ? Math.max(0, holder.lease_ms - holder.now_ms) : 0;
    return { kind: "conflict", leaseEndsInMs, buried: [] };
  }
  if (!row) throw new Error("a claim must answer one row, got none");
  const {
    task,
    now_ms: nowMs,
    next_ms: plainMs,
    room_ms: roomMs,
    lanes_next_ms: lanesMs = null,
    own_lanes_next_ms: ownMs = null,
  } = row;
  const nextMs = plainMs === null || lanesMs === null ? (plainMs ?? lanesMs) : Math.min(plainMs, lanesMs);
  const buried = [...(endedBefore ?? []), ...(row.buried ?? [])].map(({ id, rev, type }) =>
    gone(id, rev, type, "Error"),
  );
  if (task) {
    noteColumns(database, task);
    return { kind: "claimed", lease: { ...request, task: toTask(task) }, buried, more: row.more ?? false };
  }
  if (roomMs !== null && nextMs !== null && nextMs <= nowMs)
    return { kind: "conflict", leaseEndsInMs: Math.max(0, roomMs - nowMs), buried };
  const facts = new Map((row.seen ?? []).map((one) => [one.id, one]));
  return {
    kind: "empty",
    truth: [
      ...seen.map((id) => standingNow(id, facts.get(id), nowMs, types)),
      ...standingOfLanes(lanesMs, nowMs, lanesRev),
    ],
    next: nextMs === null ? undefined : { atMs: nextMs, inMs: nextMs - nowMs },
    ...(ownMs !== null && { ownLanedInMs: ownMs - nowMs }),
    buried,
  };
}

export const HELD_BY = statement({ token: "text" })`
  select row_to_json(t.*) as task from "baasix_Tasks" t where task_status = 'Running' and lease_token = :token
  order by slot nulls last limit 1`;

/** The lease that a request got, if any: this tells what became of a claim whose answer was lost. */
export async function heldBy({ database }: StoreDeps, request: LeaseRequest): Promise<Lease | undefined> {
  const [task] = tasksOf(await queryRepeatable<TaskRow>(database, HELD_BY({ token: request.token })));
  return task && { ...request, task };
}
