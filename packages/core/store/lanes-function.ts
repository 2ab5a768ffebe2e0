/**
 * The function that starts tasks where there are lanes or limits (`lanes-tables.ts` has the words). A claim calls it, in
 * the same statement. It works one caller at a time, and each of its statements sees what was committed before: so what
 * it counts as running is what runs, and no limit is exceeded for a moment.
 *
 * - **concurrency** counts the running rows. Nothing else has to remember them, so a worker that dies leaves nothing wrong.
 * - **rate** goes by the latest starts of each type, queue or key that has one.
 * - **fairness** is by start-time fair queueing: each group has a tag, its turn in virtual time, which grows with each of
 *   its starts by one part of its weight. The smallest tag is next, and a group that comes anew begins where time is.
 * - **priority** orders the tasks of one group: by due time less a minute a point. A task that waits gets ahead of
 *   all that come later, so nothing starves.
 *
 * It looks at the pools, which are few, and in each at the first entry and the first lane that may start: it takes no
 * longer the more tasks or keys there are. A lane whose head is not due, or whose key has a rate, sleeps until then.
 *
 * Plans are kept for as long as a connection is: Postgres would plan anew in each claim, which took four times as long.
 */
import { LANES_MOVED, LOCKED_LANE_MS } from "../lane-limits.ts";
import { STARTED } from "./claim.ts";
import { CRASH_HISTORY, milliseconds, STARTABLE } from "./fragments.ts";
import { HAS_ENDED, LANES_NEXT_MS, OUR_LANES } from "./lanes.ts";
import {
  DUE_PLAIN,
  FIRST,
  FOLD,
  FULL_KEYS,
  IN_ORDER,
  KEY_RATE,
  LIMITED_TYPE,
  LOOK_AROUND,
  NOTE_NEXT,
  NOTE_START,
  RANK,
  READ_RUNNING,
  REMOVE,
  SLEEP,
  TAKE_TURN,
  WAITS,
  WAKE,
} from "./lanes-steps.ts";
import { laneOf } from "./lanes-tables.ts";

const BODY = `
declare
  state tickwork_lane_state; news tickwork_lane_news[]; finished xid8; paused text[];
  ids bigint[]; types text[]; queues text[]; keys text[]; full_keys text[];
  leases int; others int; overdue boolean; ended boolean;
  best record; plain record; head record; key_starts int; key_free_at timestamptz;
  are_limits boolean; are_news boolean; are_woken boolean;
  plain_turn float8; turn float8; new_tag float8; chosen bigint; due timestamptz; grp_of text; is_plain boolean; is_laned boolean;
begin
  select * into state from tickwork_lane_state for update;
  ${READ_RUNNING}
  if leases >= all_slots or my_slot >= all_slots - others then
    -- It did not look, so it says no more than is known.
    select ${LANES_NEXT_MS} into next_ms;
    return next;
    return;
  end if;
  if overdue then
    update "baasix_Tasks" set ${STARTED}, crashes = crashes + 1, history = ${CRASH_HISTORY}
      where id = (select id from "baasix_Tasks" where task_status = 'Running' and lease_expires_at <= now() and crashes < max_crashes
          and not cancel_requested and lane is null and not ${LIMITED_TYPE("type")} and ${STARTABLE}
        order by (slot is not distinct from my_slot) desc, lease_expires_at limit 1 for update skip locked)
      returning row_to_json("baasix_Tasks") into task;
    if found then
      return next;
      return;
    end if;
  end if;
  -- What is due of a type with a limit, and has no lane yet, gets one when it comes to the front.
  for n in 1..10 loop
    select id, type::text, scheduled_time into plain from "baasix_Tasks" where ${DUE_PLAIN} ${IN_ORDER} for update skip locked;
    exit when not found;
    exit when not ${LIMITED_TYPE("plain.type")};
    update "baasix_Tasks" t set lane = ${laneOf("t.")} where t.id = any(array(select f.id from (
        select w.id, w.type from "baasix_Tasks" w where ${DUE_PLAIN}
        order by scheduled_time, id limit ${LANES_MOVED} for update skip locked) f where ${LIMITED_TYPE("f.type")}));
    exit when n = 10;
  end loop;
  ${LOOK_AROUND}
  is_plain := plain.id is not null;
  if is_plain and are_limits then
    is_plain := exists (select from "baasix_Tasks" t where t.id = plain.id and t.lane is null and not ${LIMITED_TYPE("t.type")});
  end if;
  ${FOLD}
  ${WAKE}
  ${FULL_KEYS}
  loop
    ${FIRST}
    is_laned := found;
    exit when not found;
    ${KEY_RATE}
    if key_free_at > now() then
      ${SLEEP("key_free_at")}
      continue;
    end if;
    select id, scheduled_time into head from "baasix_Tasks" where ${WAITS} and lane = best.lane ${IN_ORDER} for update skip locked;
    if not found then
      if exists (select from "baasix_Tasks" where ${WAITS} and lane = best.lane) then
        ${SLEEP(`now() + ${milliseconds(LOCKED_LANE_MS)}`)}
      else
        ${REMOVE}
      end if;
    elsif head.scheduled_time > now() then
      update tickwork_lanes set rank = ${RANK("head.scheduled_time", "best.priority")} where lane = best.lane;
      ${SLEEP("head.scheduled_time")}
    elsif ${RANK("head.scheduled_time", "best.priority")} > best.rank then
      update tickwork_lanes set rank = ${RANK("head.scheduled_time", "best.priority")} where lane = best.lane;
    else
      exit;
    end if;
  end loop;
  if is_plain then
    select greatest((select g.tag from tickwork_lane_groups g where g.name = ''), state.vtime) into plain_turn;
  end if;
  if is_plain and (not is_laned or plain_turn < best.turn
      or plain_turn = best.turn and plain.scheduled_time <= best.rank) then
    if not is_laned and (${HAS_ENDED} or exists (select from tickwork_lane_pools where next_at <= now() and ${OUR_LANES})) then
      -- All that is in line is held back, so plain tasks may be taken many at a time.
      ${NOTE_NEXT}
    end if;
    chosen := plain.id;
    turn := plain_turn;
    grp_of := '';
    is_laned := false;
  elsif is_laned then
    chosen := head.id;
    turn := best.turn;
    grp_of := best.grp;
  else
    ${NOTE_NEXT}
    select ${LANES_NEXT_MS} into next_ms;
    return next;
    return;
  end if;
  update "baasix_Tasks" set ${STARTED} where id = chosen returning row_to_json("baasix_Tasks") into task;
  ${TAKE_TURN}
  if is_laned then
    if are_limits then
      ${NOTE_START}
    end if;
    select scheduled_time into due from "baasix_Tasks" where ${WAITS} and lane = best.lane ${IN_ORDER};
    if not found then
      ${REMOVE}
    elsif due > now() then
      update tickwork_lanes set rank = ${RANK("due", "best.priority")} where lane = best.lane;
      ${SLEEP("due")}
    else
      update tickwork_lanes set rank = ${RANK("due", "best.priority")} where lane = best.lane;
    end if;
  end if;
  more := false;
  if leases + others + 1 < all_slots then
    state.vtime := turn;
    select types || t.type::text, queues || t.queue::text, keys || t.concurrency_key::text into types, queues, keys
      from "baasix_Tasks" t where t.id = chosen;
    ${FULL_KEYS}
    ${FIRST}
    more := found or exists (select from "baasix_Tasks" where ${DUE_PLAIN} ${IN_ORDER});
  end if;
  return next;
end `;

/** The names that parts of statements use, as the function has them. */
const PARAMETERS: Readonly<Record<string, string>> = {
  ":slots": "all_slots",
  ":slot": "my_slot",
  ":newToken": "new_token",
  ":leaseMs": "lease_ms",
  ":maxCrashes": "max_crashes",
  ":ours": "ours",
  "now()": "moment",
};

const inFunction = (text: string) =>
  Object.entries(PARAMETERS).reduce((sql, [name, value]) => sql.replaceAll(name, value), text);

export const LANES_FUNCTION = `
      create or replace function tickwork_claim_lanes(moment timestamptz, my_slot int, all_slots int, new_token text, lease_ms float8,
          max_crashes int, ours text[])
        returns table (task json, next_ms float8, more boolean) language plpgsql
        set enable_seqscan = off set enable_sort = off set enable_bitmapscan = off set jit = off
        set plan_cache_mode = force_generic_plan as $claim$
        #variable_conflict use_column
        ${inFunction(BODY)} $claim$;`;
