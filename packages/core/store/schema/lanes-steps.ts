/** The steps of the function that starts laned tasks (`lanes-function.ts`), which declares the variables that they use. */
import {
  LANES_FOLDED,
  LANES_PUT_RIGHT,
  LANES_WOKEN,
  LOCKED_LANE_MS,
  PRIORITY_STEP_MS,
} from "../../lane-limits.ts";
import { CRASH_HISTORY, milliseconds, STARTABLE, STARTED } from "../fragments.ts";
import { HAS_ENDED, NEWS, OUR_LANES } from "../lanes.ts";
import { FREE_AT, IS_FULL, IS_PAUSED, KEY_FREE_AT, KEY_STARTS, POOLS, rateOf } from "./lanes-find.ts";

export const WAITS = "task_status = 'Not started'";
export const DUE_PLAIN = `${WAITS} and lane is null and scheduled_time <= now() and ${STARTABLE}`;
export const LIMITED_TYPE = (type: string) =>
  `exists (select from tickwork_limits l where l.kind = 'type' and l.name = ${type})`;
export const IN_ORDER = "order by scheduled_time, id limit 1";
const RANK = (due: string, priority: string) => `${due} - ${priority} * ${milliseconds(PRIORITY_STEP_MS)}`;

/** The entry of a lane goes when no other lane of its group is awake in the pool, and the group sleeps when none is in any. */
const CLOSE = `,
    closed as (delete from tickwork_lane_entries e where e.pool = best.pool and e.grp = best.grp and not exists (
      select from tickwork_lanes l where l.pool = best.pool and l.grp = best.grp and l.awake and l.lane <> best.lane))
  update tickwork_lane_groups g set awake = false where g.name = best.grp and g.awake and not exists (
    select from tickwork_lanes l where l.grp = best.grp and l.awake and l.lane <> best.lane);`;
/** Nothing in the lane may start before that. */
export const SLEEP = (until: string) => `
  with asleep as (update tickwork_lanes set awake = false, next_at = ${until} where lane = best.lane)${CLOSE}`;
/** Nothing waits in it any more. */
const REMOVE = `
  with gone as (delete from tickwork_lanes where lane = best.lane)${CLOSE}`;

/** Starts the first task of the lane `best`, if it is what is remembered of it. */
export const START_HEAD = `
    update "baasix_Tasks" set ${STARTED} where id = (select head.id from (
        select id, scheduled_time from "baasix_Tasks" where ${WAITS} and lane = best.lane ${IN_ORDER} for update skip locked) head
        where head.scheduled_time <= now() and ${RANK("head.scheduled_time", "best.priority")} <= best.rank)
      returning id, row_to_json("baasix_Tasks") into chosen, task;`;

/** Remembers how it is, where it was not. */
export const PUT_RIGHT = `
    select scheduled_time into head_due from "baasix_Tasks" where ${WAITS} and lane = best.lane ${IN_ORDER} for update skip locked;
    if found then
      update tickwork_lanes set rank = ${RANK("head_due", "best.priority")} where lane = best.lane;
      if head_due > now() then
        ${SLEEP("head_due")}
      end if;
    elsif exists (select from "baasix_Tasks" where ${WAITS} and lane = best.lane) then
      ${SLEEP(`now() + ${milliseconds(LOCKED_LANE_MS)}`)}
    else
      ${REMOVE}
    end if;`;

/** The same for as many of those that are next as one claim may look at, for there may be thousands. */
export const PUT_MANY_RIGHT = `
      with next as materialized (select l.lane, l.key, l.priority, l.rank
          from tickwork_lane_groups g join tickwork_lanes l on l.grp = g.name and l.awake
          where g.awake order by g.tag, g.name limit ${LANES_PUT_RIGHT}),
        seen as materialized (select n.lane, n.rank, head.due, ${RANK("head.due", "n.priority")} as right_rank,
            greatest(head.due, rate.free_at) as next_at
          from next n
          left join lateral (select t.scheduled_time as due from "baasix_Tasks" t
            where t.task_status = 'Not started' and t.lane = n.lane order by t.scheduled_time, t.id limit 1) head on true
          left join lateral (select ${KEY_FREE_AT} as free_at ${rateOf("n.key")}) rate on are_limits and n.key <> ''),
        gone as (delete from tickwork_lanes l using seen where l.lane = seen.lane and seen.due is null returning l.grp),
        asleep as (update tickwork_lanes l set awake = false, next_at = seen.next_at, rank = seen.right_rank
          from seen where l.lane = seen.lane and seen.due is not null and seen.next_at > now() returning l.grp),
        ranked as (update tickwork_lanes l set rank = seen.right_rank
          from seen where l.lane = seen.lane and seen.next_at <= now() and seen.right_rank > seen.rank)
      select array(select grp from gone union select grp from asleep) into touched;
      delete from tickwork_lane_entries e where e.grp = any(touched)
        and not exists (select from tickwork_lanes l where l.pool = e.pool and l.grp = e.grp and l.awake);
      update tickwork_lane_groups g set awake = false where g.name = any(touched) and g.awake
        and not exists (select from tickwork_lanes l where l.grp = g.name and l.awake);`;

/** What most claims find nothing of: then they skip the steps for it. */
export const LOOK_AROUND = `
  select array(select kind || ':' || name from tickwork_pauses), exists (select from tickwork_limits),
      exists (select from tickwork_lane_news where writer >= state.folded_before),
      exists (select from tickwork_lanes where not awake and next_at <= now()), pg_snapshot_xmin(pg_current_snapshot())
    into paused, are_limits, are_news, are_woken, finished;
  is_limited := are_limits or cardinality(paused) > 0;`;

/** The lanes that have woken, in the part `woken`, get their entries. A group that slept begins where time is. */
const OPEN = `,
      opened as (update tickwork_lane_groups g set awake = true, tag = greatest(g.tag, state.vtime)
        where not g.awake and g.name in (select w.grp from woken w where w.awake))
    insert into tickwork_lane_entries (pool, grp, tag)
      select distinct w.pool, w.grp, case when g.awake then g.tag else greatest(g.tag, state.vtime) end
      from woken w join tickwork_lane_groups g on g.name = w.grp where w.awake on conflict do nothing;`;

/**
 * Folds in what was written. Where a statement sees no more, whatever is still to come is of transactions that had not
 * `finished` by then.
 */
export const FOLD = `
  if are_news then
    with gone as (delete from tickwork_lane_news n where n.ctid = any(array(select ctid from ${NEWS} order by writer limit ${LANES_FOLDED}))
      returning n as one)
    select array_agg(one), pg_snapshot_xmin(pg_current_snapshot()) into news, finished from gone;
    if cardinality(news) = ${LANES_FOLDED} then
      finished := state.folded_before;
    end if;
    insert into tickwork_lane_pools (versioned, type, queue, next_at)
      select n.versioned, n.type, n.queue, min(n.due) from unnest(news) n group by 1, 2, 3
      on conflict on constraint tickwork_lane_pools_versioned_queue_key do update set next_at = excluded.next_at
        where excluded.next_at < tickwork_lane_pools.next_at;
    insert into tickwork_lane_groups (name, tag)
      select distinct split_part(n.key, '/', 1), state.vtime from unnest(news) n on conflict do nothing;
    with told as (select n.lane, p.pool, n.key, n.priority, min(n.due) as due from unnest(news) n
        join tickwork_lane_pools p on p.versioned = n.versioned and p.queue = n.queue group by 1, 2, 3, 4),
      woken as (insert into tickwork_lanes as l (lane, pool, grp, key, priority, rank, next_at, awake)
        select t.lane, t.pool, split_part(t.key, '/', 1), t.key, t.priority, ${RANK("t.due", "t.priority")}, t.due, t.due <= now() from told t
        on conflict (lane) do update set rank = least(l.rank, excluded.rank), next_at = least(l.next_at, excluded.next_at),
            awake = l.awake or excluded.awake
          where excluded.rank < l.rank or not l.awake and excluded.next_at < l.next_at
        returning l.pool, l.grp, l.awake)${OPEN}
  end if;`;

export const WAKE = `
  if are_woken then
    with woken as (update tickwork_lanes set awake = true where lane = any(array(select w.lane from tickwork_lanes w
        where not w.awake and w.next_at <= now() order by w.next_at limit ${LANES_WOKEN})) returning pool, grp, awake)${OPEN}
  end if;`;

/** What runs. What a worker left that died waits in its lane again, for what it held is no longer its own. */
export const READ_RUNNING = `
  if exists (select from "baasix_Tasks" where task_status = 'Running') then
    for n in 1..2 loop
      select coalesce(array_agg(t.id), '{}'), coalesce(array_agg(t.type::text), '{}'),
          coalesce(array_agg(t.queue::text) filter (where t.queue is not null), '{}'),
          coalesce(array_agg(t.concurrency_key::text) filter (where t.concurrency_key is not null), '{}'),
          coalesce(array_agg(coalesce(split_part(t.lease_token, '/', 1), t.id::text))
            filter (where t.lease_expires_at > now() and t.slot is distinct from my_slot), '{}'),
          count(*) filter (where t.lease_expires_at > now() and t.slot is null and t.lease_token is null),
          coalesce(bool_or(t.lease_expires_at <= now() and t.crashes < max_crashes), false)
        into ids, types, queues, keys, holders, others, overdue
        from "baasix_Tasks" t where t.task_status = 'Running';
      exit when not overdue or n = 2;
      update "baasix_Tasks" t set task_status = 'Not started', crashes = crashes + 1, history = ${CRASH_HISTORY}, "updatedAt" = now()
        where t.id = any(array(select r.id from "baasix_Tasks" r where r.task_status = 'Running' and r.lease_expires_at <= now()
          and r.crashes < max_crashes and (r.lane is not null or ${LIMITED_TYPE("r.type")}) for update skip locked));
      exit when not found;
    end loop;
    leases := cardinality(holders);
    if leases > 1 then
      select count(distinct one) into leases from unnest(holders) one;
    end if;
  end if;`;

/** A start counts for the rates that there are. */
export const NOTE_START = `
  insert into tickwork_lane_starts as s (kind, name, starts)
    select r.kind, r.name, array[now()] from (
      select l.kind, l.name, l.starts from tickwork_limits l where l.kind = 'type' and l.name = best.type and l.starts is not null
      union all select l.kind, l.name, l.starts from tickwork_limits l where l.kind = 'queue' and l.name = best.queue and l.starts is not null
      union all select 'concurrency_key', best.key, key_starts where best.key <> '' and key_starts is not null) r
    on conflict on constraint tickwork_lane_starts_pkey do update set starts = (s.starts || now())[greatest(1, cardinality(s.starts) + 2 - coalesce(
      (select l.starts from tickwork_limits l where l.kind = s.kind and l.name = s.name), key_starts)) : ];`;

/** The rate of the key of `best`, and when it lets the next one start. */
export const KEY_RATE = `
  key_starts := null;
  key_free_at := null;
  if are_limits and best.key <> '' then
    select ${KEY_STARTS}, ${KEY_FREE_AT} into key_starts, key_free_at ${rateOf("best.key")};
  end if;`;

const TAKE_TURN = `moved as (update tickwork_lane_state s set vtime = turn, folded_before = finished where s.vtime <> turn or are_news)`;
export const TAKE_PLAIN_TURN = `
  with ${TAKE_TURN}
  insert into tickwork_lane_groups as g (name, tag) values ('', turn + 1) on conflict (name) do update set tag = excluded.tag;`;
/** A start takes its group one turn on. What had to be looked for in the entries has them put right at once. */
export const TAKE_LANED_TURN = `
  new_tag := turn + 1;
  if are_limits and best.grp <> '' then
    new_tag := turn + 1 / coalesce((select l.weight from tickwork_limits l where l.kind = 'concurrency_key' and l.name = best.grp), 1);
  end if;
  with ${TAKE_TURN},
    taken as (update tickwork_lane_groups set tag = new_tag, awake = true where name = best.grp)
  update tickwork_lanes l set rank = ${RANK("next.scheduled_time", "best.priority")}
    from (select scheduled_time from "baasix_Tasks" where ${WAITS} and lane = best.lane ${IN_ORDER}) next
    where l.lane = best.lane returning next.scheduled_time into head_due;
  if not found then
    ${REMOVE}
  elsif head_due > now() then
    ${SLEEP("head_due")}
  end if;
  if not is_front then
    update tickwork_lane_entries e set tag = new_tag where e.grp = best.grp;
  end if;`;

/** When each pool may have something to start, for whoever looks from outside; after nothing could. */
export const NOTE_NEXT = `
  update tickwork_lane_pools pool_row set next_at = known.at from (
    select p.pool, coalesce(case when ${IS_PAUSED} or ${IS_FULL} then null else least(
        case when ${FREE_AT} > now() and exists (select from tickwork_lane_entries e where e.pool = p.pool) then ${FREE_AT} end,
        (select greatest(min(l.next_at), ${FREE_AT}) from tickwork_lanes l where l.pool = p.pool and not l.awake having min(l.next_at) is not null)) end, 'infinity') as at
    from ${POOLS} where ${OUR_LANES}) known
  where pool_row.pool = known.pool and pool_row.next_at <> known.at;
  update tickwork_lane_pools p set next_at = now() where p.next_at > now() and not ${OUR_LANES}
    and exists (select from tickwork_lanes l where l.pool = p.pool) and ${HAS_ENDED};
  delete from tickwork_lane_pools p where not exists (select from tickwork_lanes l where l.pool = p.pool) and not ${LIMITED_TYPE("p.type")};
  if not exists (select from tickwork_lanes) then
    delete from tickwork_lane_groups;
    delete from tickwork_lane_starts s
      where s.starts[cardinality(s.starts)] < now() - coalesce((select max(l.span) from tickwork_limits l), interval '0');
  end if;
  update tickwork_lane_state s set waits_for = ids, folded_before = finished where s.waits_for <> ids or are_news;`;
