/**
 * The function that starts tasks where there are lanes or limits (`lanes-tables.ts` has the words). A claim calls it,
 * in the same statement. It works one caller at a time, and each of its statements sees what was committed before: so
 * what it counts as running is what runs, and no limit is exceeded for a moment.
 *
 * - **concurrency** counts the running rows. Nothing else has to remember them, so a worker that dies leaves nothing wrong.
 * - **rate** goes by the latest starts of each type, queue or key that has one.
 * - **fairness** is by start-time fair queueing: each group has a tag, its turn in virtual time, which grows with each of
 *   its starts by one part of its weight. The smallest tag is next, and a group that comes anew begins where time is.
 * - **priority** orders the tasks of one group: by due time less a minute a point. A task that waits gets ahead of
 *   all that come later, so nothing starves.
 *
 * It looks at the group that is next and at the first of its lanes: it takes no longer the more tasks, keys or queues
 * there are. Where that one is held back, it looks at some after it, and then at all pools, and in each at the first
 * entry and the first lane that may start. A lane whose head is not due, or whose key has a rate, sleeps until then. After a few such lanes, as many
 * as one claim may are put right at once; if that was not enough, the claim starts nothing, and the next one goes on.
 *
 * Plans are kept for as long as a connection is: Postgres would plan anew in each claim, which took four times as long.
 */
import { LANES_MISSED, LANES_MISSED_MAX, LANES_MOVED } from "../../lane-limits.ts";
import { CRASH_HISTORY, epochMs, inFunction, STARTABLE, STARTED } from "../fragments.ts";
import { HAS_ENDED, LANES_NEXT_MS, OUR_LANES, OWN_LANES_NEXT_MS } from "../lanes.ts";
import { FIND, FULL_KEYS } from "./lanes-find.ts";
import {
  DUE_PLAIN,
  FOLD,
  IN_ORDER,
  KEY_RATE,
  LIMITED_TYPE,
  LOOK_AROUND,
  NOTE_NEXT,
  NOTE_START,
  PUT_MANY_RIGHT,
  PUT_RIGHT,
  READ_RUNNING,
  SLEEP,
  START_HEAD,
  TAKE_LANED_TURN,
  TAKE_PLAIN_TURN,
  WAITS,
  WAKE,
} from "./lanes-steps.ts";
import { laneOf } from "./lanes-tables.ts";

const BODY = `
declare
  state tickwork_lane_state; news tickwork_lane_news[]; finished xid8; paused text[];
  ids bigint[] := '{}'; types text[] := '{}'; queues text[] := '{}'; keys text[] := '{}'; full_keys text[];
  holders text[]; leases int := 0; others int := 0; overdue boolean := false;
  best record; key_starts int; key_free_at timestamptz; missed int := 0; touched text[];
  are_limits boolean; is_limited boolean; are_news boolean; are_woken boolean;
  plain_id bigint; plain_type text; plain_due timestamptz; plain_turn float8; is_plain boolean; takes_plain boolean;
  turn float8; new_tag float8; chosen bigint; head_due timestamptz; is_laned boolean; is_front boolean; next_group record; next_lane record; looked int; max_looked int;
begin
  -- Whoever changes a limit waits for those that have read this table: nothing is counted before.
  perform from tickwork_pauses limit 1;
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
  if exists (select from "baasix_Tasks" where ${WAITS} and lane is null and scheduled_time <= now()) then
    for n in 1..10 loop
      select id, type::text, scheduled_time into plain_id, plain_type, plain_due
        from "baasix_Tasks" where ${DUE_PLAIN} ${IN_ORDER} for update skip locked;
      exit when not found;
      exit when not ${LIMITED_TYPE("plain_type")};
      update "baasix_Tasks" t set lane = ${laneOf("t.")} where t.id = any(array(select f.id from (
          select w.id, w.type from "baasix_Tasks" w where ${DUE_PLAIN}
          order by scheduled_time, id limit ${LANES_MOVED} for update skip locked) f where ${LIMITED_TYPE("f.type")}));
      exit when n = 10;
    end loop;
  end if;
  ${LOOK_AROUND}
  is_plain := plain_id is not null;
  if is_plain and are_limits then
    is_plain := exists (select from "baasix_Tasks" t where t.id = plain_id and t.lane is null and not ${LIMITED_TYPE("t.type")});
  end if;
  ${FOLD}
  ${WAKE}
  ${FULL_KEYS}
  if is_plain then
    select greatest((select g.tag from tickwork_lane_groups g where g.name = ''), state.vtime) into plain_turn;
  end if;
  loop
    ${FIND}
    -- A plain task that is before what is remembered of the lane is before what is really in it.
    takes_plain := is_plain and (not is_laned or plain_turn < best.turn or plain_turn = best.turn and plain_due <= best.rank);
    exit when takes_plain or not is_laned;
    ${KEY_RATE}
    if key_free_at > now() then
      ${SLEEP("key_free_at")}
    else
      ${START_HEAD}
      exit when found;
      ${PUT_RIGHT}
    end if;
    missed := missed + 1;
    if missed = ${LANES_MISSED} then
      ${PUT_MANY_RIGHT}
    elsif missed = ${LANES_MISSED_MAX} then
      next_ms := ${epochMs("now()")};
      return next;
      return;
    end if;
  end loop;
  if takes_plain then
    if not is_laned and (${HAS_ENDED} or exists (select from tickwork_lane_pools where next_at <= now() and ${OUR_LANES})) then
      -- All that is in line is held back, so plain tasks may be taken many at a time.
      ${NOTE_NEXT}
    end if;
    update "baasix_Tasks" set ${STARTED} where id = plain_id returning id, row_to_json("baasix_Tasks") into chosen, task;
    turn := plain_turn;
    ${TAKE_PLAIN_TURN}
  elsif is_laned then
    turn := best.turn;
    ${TAKE_LANED_TURN}
    if are_limits then
      ${NOTE_START}
    end if;
  else
    ${NOTE_NEXT}
    select ${LANES_NEXT_MS}, ${OWN_LANES_NEXT_MS} into next_ms, own_next_ms;
    return next;
    return;
  end if;
  more := false;
  if leases + others + 1 < all_slots then
    state.vtime := turn;
    select types || t.type::text, queues || t.queue::text, keys || t.concurrency_key::text into types, queues, keys
      from "baasix_Tasks" t where t.id = chosen;
    ${FULL_KEYS}
    ${FIND}
    more := is_laned or exists (select from "baasix_Tasks" where ${DUE_PLAIN} ${IN_ORDER});
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

/**
 * What it returns never changes: workers of before, which still run, have statements prepared that name it. What is to
 * return something else gets another name, as this one has; `tickwork_claim_lanes` is left to them.
 */
export const LANES_FUNCTION = `
      create or replace function tickwork_claim_laned(moment timestamptz, my_slot int, all_slots int, new_token text, lease_ms float8,
          max_crashes int, ours text[])
        returns table (task json, next_ms float8, more boolean, own_next_ms float8) language plpgsql
        set enable_seqscan = off set enable_sort = off set enable_bitmapscan = off set jit = off
        set plan_cache_mode = force_generic_plan as $claim$
        #variable_conflict use_variable
        ${inFunction(BODY, PARAMETERS)} $claim$;`;
