/**
 * The function that starts tasks where there are lanes or limits (`lanes-tables.ts` has the words). A claim calls it, in
 * the same statement. It works one caller at a time, and each of its statements sees what was committed before: so what
 * it counts as running is what runs, and no limit is exceeded for a moment.
 *
 * - **concurrency** counts the running rows. Nothing else has to remember them, so a worker that dies leaves nothing wrong.
 * - **rate** goes by the latest starts of each type, queue or key that has one.
 * - **fairness** is by start-time fair queueing: each group has a tag, its turn in virtual time, which grows with each of
 *   its starts by one part of its weight. The smallest tag is next, and a group that comes anew begins where time is.
 * - **priority** orders the tasks of one group: by due time less a minute a point. Who waits gets ahead of all that come
 *   later, so nothing starves.
 *
 * It looks at the pools, which are few, and in each at the first entry and the first lane that may start: it takes no longer the
 * more tasks or keys there are. A lane whose head is not due, or whose key has a rate, sleeps until then.
 */
import { LANES_FOLDED, LANES_MOVED, LANES_WOKEN, LOCKED_LANE_MS, PRIORITY_STEP_MS } from "../lane-limits.ts";
import { STARTED } from "./claim.ts";
import { CRASH_HISTORY, milliseconds, STARTABLE } from "./fragments.ts";
import { HAS_ENDED, LANES_NEXT_MS, OUR_LANES } from "./lanes.ts";
import { laneOf } from "./lanes-tables.ts";

const WAITS = "task_status = 'Not started'";
const DUE_PLAIN = `${WAITS} and lane is null and scheduled_time <= now() and ${STARTABLE}`;
const LIMITED_TYPE = (type: string) =>
  `exists (select from tickwork_limits l where l.kind = 'type' and l.name = ${type})`;
const IN_ORDER = "order by scheduled_time, id limit 1";
const RANK = (due: string, priority: string) => `${due} - ${priority} * ${milliseconds(PRIORITY_STEP_MS)}`;

/** When a rate lets the next one start; null: now. `l` is the limit. */
const freeAt = (l: string, kind: string, name: string) => `case when ${l}.starts is not null then
  (select s.starts[cardinality(s.starts) - ${l}.starts + 1] + ${l}.span from tickwork_lane_starts s
    where s.kind = ${kind} and s.name = ${name}) end`;
const isFull = (l: string, running: string, name: string) =>
  `coalesce(${l}.concurrency <= (select count(*) from unnest(${running}) one where one = ${name}), false)`;
const POOLS = `tickwork_lane_pools p
  left join tickwork_limits tl on tl.kind = 'type' and tl.name = p.type
  left join tickwork_limits ql on ql.kind = 'queue' and ql.name = p.queue`;
const IS_FULL = `(${isFull("tl", "types", "p.type")} or ${isFull("ql", "queues", "p.queue")})`;
const IS_PAUSED = "(array['all:', 'type:' || p.type, 'queue:' || p.queue] && paused)";
const FREE_AT = `greatest(${freeAt("tl", "'type'", "p.type")}, ${freeAt("ql", "'queue'", "p.queue")})`;
/** What is next of what no limit holds back, by what is remembered. */
const FIRST = `select p.pool, p.type, p.queue, c.grp, c.lane, c.key, c.priority, c.rank, greatest(c.tag, state.vtime) as turn
  into best from ${POOLS}
  cross join lateral (
    select e.grp, e.tag, l.lane, l.key, l.priority, l.rank from tickwork_lane_entries e
    cross join lateral (select * from tickwork_lanes l where l.pool = p.pool and l.grp = e.grp and l.awake
      and not (l.key = any(full_keys)) order by l.rank limit 1) l
    where e.pool = p.pool order by e.pool, e.tag, e.grp limit 1) c
  where ${OUR_LANES} and not ${IS_PAUSED} and not ${IS_FULL} and coalesce(${FREE_AT} <= now(), true)
  order by greatest(c.tag, state.vtime), c.rank limit 1;`;

/** Of the keys that run, those that have no room, and those that are paused. */
const FULL_KEYS = `
  full_keys := '{}';
  if cardinality(keys) > 0 then
    select coalesce(array_agg(k.key), '{}') into full_keys
      from (select key, count(*) as n from unnest(keys) one (key) group by key) k
      left join tickwork_limits own on own.kind = 'concurrency_key' and own.name = k.key
      left join tickwork_limits each on each.kind = 'concurrency_key' and each.name = '*'
      where k.n >= coalesce(own.concurrency, each.concurrency);
  end if;
  if cardinality(paused) > 0 then
    full_keys := full_keys || array(select substr(one, 17) from unnest(paused) one where one like 'concurrency\\_key:%');
  end if;`;

/** What became of a lane: its entry goes when nothing in it is due. */
const SLEEP = (until: string) =>
  `update tickwork_lanes set awake = false, next_at = ${until} where lane = best.lane;`;
const CLOSE = `
  if not exists (select from tickwork_lanes l where l.pool = best.pool and l.grp = best.grp and l.awake) then
    delete from tickwork_lane_entries e where e.pool = best.pool and e.grp = best.grp;
  end if;`;

const FOLD = `
  if exists (select from tickwork_lane_news where lane is not null) then
    insert into tickwork_lane_news (lane) select null where not exists (select from tickwork_lane_news where lane is null);
    with gone as (delete from tickwork_lane_news n where n.ctid = any(array(select ctid from tickwork_lane_news where lane is not null limit ${LANES_FOLDED}))
      returning n as one)
    select array_agg(one) into news from gone;
    insert into tickwork_lane_pools (versioned, type, queue, next_at)
      select n.versioned, n.type, n.queue, min(n.due) from unnest(news) n group by 1, 2, 3
      on conflict on constraint tickwork_lane_pools_versioned_queue_key do update set next_at = excluded.next_at
        where excluded.next_at < tickwork_lane_pools.next_at;
    insert into tickwork_lane_groups (name, tag)
      select distinct split_part(n.key, '/', 1), state.vtime from unnest(news) n on conflict do nothing;
    with told as (select n.lane, p.pool, n.key, n.priority, min(n.due) as due from unnest(news) n
        join tickwork_lane_pools p on p.versioned = n.versioned and p.queue = n.queue group by 1, 2, 3, 4),
      written as (insert into tickwork_lanes as l (lane, pool, grp, key, priority, rank, next_at, awake)
        select t.lane, t.pool, split_part(t.key, '/', 1), t.key, t.priority, ${RANK("t.due", "t.priority")}, t.due, t.due <= now() from told t
        on conflict (lane) do update set rank = least(l.rank, excluded.rank), next_at = least(l.next_at, excluded.next_at),
            awake = l.awake or excluded.awake
          where excluded.rank < l.rank or not l.awake and excluded.next_at < l.next_at
        returning l.pool, l.grp, l.awake)
    insert into tickwork_lane_entries (pool, grp, tag)
      select distinct w.pool, w.grp, greatest(g.tag, state.vtime) from written w join tickwork_lane_groups g on g.name = w.grp
      where w.awake on conflict do nothing;
  end if;`;

const WAKE = `
  if exists (select from tickwork_lanes where not awake and next_at <= now()) then
    with woken as (update tickwork_lanes set awake = true where lane = any(array(select w.lane from tickwork_lanes w
        where not w.awake and w.next_at <= now() order by w.next_at limit ${LANES_WOKEN})) returning pool, grp)
    insert into tickwork_lane_entries (pool, grp, tag)
      select distinct w.pool, w.grp, greatest(g.tag, state.vtime) from woken w join tickwork_lane_groups g on g.name = w.grp
      on conflict do nothing;
  end if;`;

/** What runs. What a worker left that died waits in its lane again, for what it held is no longer its own. */
const READ_RUNNING = `
  for n in 1..2 loop
    select coalesce(array_agg(t.id), '{}'), coalesce(array_agg(t.type::text), '{}'),
        coalesce(array_agg(t.queue::text) filter (where t.queue is not null), '{}'),
        coalesce(array_agg(t.concurrency_key::text) filter (where t.concurrency_key is not null), '{}'),
        count(distinct coalesce(split_part(t.lease_token, '/', 1), t.id::text))
          filter (where t.lease_expires_at > now() and t.slot is distinct from my_slot),
        count(*) filter (where t.lease_expires_at > now() and t.slot is null and t.lease_token is null),
        coalesce(bool_or(t.lease_expires_at <= now() and t.crashes < max_crashes and t.lane is null), false),
        coalesce(bool_or(t.lease_expires_at <= now() and t.crashes < max_crashes and (t.lane is not null or ${LIMITED_TYPE("t.type")})), false)
      into ids, types, queues, keys, leases, others, overdue, ended
      from "baasix_Tasks" t where t.task_status = 'Running';
    exit when not ended or n = 2;
    update "baasix_Tasks" t set task_status = 'Not started', crashes = crashes + 1, history = ${CRASH_HISTORY}, "updatedAt" = now()
      where t.id = any(array(select r.id from "baasix_Tasks" r where r.task_status = 'Running' and r.lease_expires_at <= now()
        and r.crashes < max_crashes and (r.lane is not null or ${LIMITED_TYPE("r.type")}) for update skip locked));
  end loop;`;

/** A start counts for the rates that there are. \`n\`: as many as are remembered. */
const NOTE_START = `
  insert into tickwork_lane_starts as s (kind, name, starts)
    select r.kind, r.name, array[now()] from (
      select l.kind, l.name, l.starts from tickwork_limits l where l.kind = 'type' and l.name = best.type and l.starts is not null
      union all select l.kind, l.name, l.starts from tickwork_limits l where l.kind = 'queue' and l.name = best.queue and l.starts is not null
      union all select 'concurrency_key', best.key, key_limit.starts where best.key <> '' and key_limit.starts is not null) r
    on conflict on constraint tickwork_lane_starts_pkey do update set starts = (s.starts || now())[greatest(1, cardinality(s.starts) + 2 - coalesce(
      (select l.starts from tickwork_limits l where l.kind = s.kind and l.name = s.name), key_limit.starts)) : ];`;

const KEY_LIMIT = `select coalesce(own.starts, each.starts) as starts, case when own.starts is null then each.span else own.span end as span
  into key_limit from (select 1) one
  left join tickwork_limits own on own.kind = 'concurrency_key' and own.name = best.key
  left join tickwork_limits each on each.kind = 'concurrency_key' and each.name = '*';`;

/** When each pool may have something to start, for whoever looks from outside; after nothing could. */
const NOTE_NEXT = `
  update tickwork_lane_pools pool_row set next_at = known.at from (
    select p.pool, coalesce(case when ${IS_PAUSED} or ${IS_FULL} then null else least(
        case when ${FREE_AT} > now() and exists (select from tickwork_lane_entries e where e.pool = p.pool) then ${FREE_AT} end,
        (select greatest(min(l.next_at), ${FREE_AT}) from tickwork_lanes l where l.pool = p.pool and not l.awake having min(l.next_at) is not null)) end, 'infinity') as at
    from ${POOLS} where ${OUR_LANES}) known
  where pool_row.pool = known.pool and pool_row.next_at <> known.at;
  update tickwork_lane_pools p set next_at = now() where p.next_at > now() and not ${OUR_LANES} and ${HAS_ENDED};
  delete from tickwork_lane_pools p where not exists (select from tickwork_lanes l where l.pool = p.pool) and not ${LIMITED_TYPE("p.type")};
  if not exists (select from tickwork_lanes) then
    delete from tickwork_lane_groups;
    if not exists (select from tickwork_lane_pools) then delete from tickwork_lane_news where lane is null; end if;
    delete from tickwork_lane_starts s
      where s.starts[cardinality(s.starts)] < now() - coalesce((select max(l.span) from tickwork_limits l), interval '0');
  end if;
  update tickwork_lane_state s set waits_for = ids where s.waits_for <> ids;`;

const BODY = `
declare
  state tickwork_lane_state; news tickwork_lane_news[]; paused text[];
  ids bigint[]; types text[]; queues text[]; keys text[]; full_keys text[];
  leases int; others int; overdue boolean; ended boolean;
  best record; plain record; head record; key_limit record;
  plain_turn float8; turn float8; new_tag float8; chosen bigint; due timestamptz; grp_of text; is_plain boolean; is_laned boolean;
begin
  select * into state from tickwork_lane_state for update;
  select coalesce(array_agg(kind || ':' || name), '{}') into paused from tickwork_pauses;
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
          and lane is null and ${STARTABLE}
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
    exit when not found or not ${LIMITED_TYPE("plain.type")};
    update "baasix_Tasks" t set lane = ${laneOf("t.")} where t.id = any(array(select f.id from (
        select w.id, w.type from "baasix_Tasks" w where ${DUE_PLAIN}
        order by scheduled_time, id limit ${LANES_MOVED} for update skip locked) f where ${LIMITED_TYPE("f.type")}));
    exit when n = 10;
  end loop;
  is_plain := plain.id is not null and exists (select from "baasix_Tasks" t where t.id = plain.id and t.lane is null and not ${LIMITED_TYPE("t.type")});
  ${FOLD}
  ${WAKE}
  ${FULL_KEYS}
  loop
    ${FIRST}
    is_laned := found;
    exit when not found;
    ${KEY_LIMIT}
    if best.key <> '' and key_limit.starts is not null then
      select s.starts[cardinality(s.starts) - key_limit.starts + 1] + key_limit.span into due
        from tickwork_lane_starts s where s.kind = 'concurrency_key' and s.name = best.key;
      if due > now() then
        ${SLEEP("due")}${CLOSE}
        continue;
      end if;
    end if;
    select id, scheduled_time into head from "baasix_Tasks" where ${WAITS} and lane = best.lane ${IN_ORDER} for update skip locked;
    if not found then
      if exists (select from "baasix_Tasks" where ${WAITS} and lane = best.lane) then
        ${SLEEP(`now() + ${milliseconds(LOCKED_LANE_MS)}`)}
      else
        delete from tickwork_lanes where lane = best.lane;
      end if;
      ${CLOSE}
    elsif head.scheduled_time > now() then
      update tickwork_lanes set rank = ${RANK("head.scheduled_time", "best.priority")} where lane = best.lane;
      ${SLEEP("head.scheduled_time")}${CLOSE}
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
  new_tag := turn + 1 / coalesce((select l.weight from tickwork_limits l where l.kind = 'concurrency_key' and l.name = grp_of and grp_of <> ''), 1);
  insert into tickwork_lane_groups as g (name, tag) values (grp_of, new_tag) on conflict (name) do update set tag = excluded.tag;
  update tickwork_lane_entries e set tag = new_tag where e.grp = grp_of;
  if is_laned then
    ${NOTE_START}
    select scheduled_time into due from "baasix_Tasks" where ${WAITS} and lane = best.lane ${IN_ORDER};
    if not found then
      delete from tickwork_lanes where lane = best.lane;
      ${CLOSE}
    elsif due > now() then
      update tickwork_lanes set rank = ${RANK("due", "best.priority")} where lane = best.lane;
      ${SLEEP("due")}${CLOSE}
    else
      update tickwork_lanes set rank = ${RANK("due", "best.priority")} where lane = best.lane;
    end if;
  end if;
  update tickwork_lane_state s set vtime = turn where s.vtime <> turn;
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
        set enable_seqscan = off set enable_sort = off set enable_bitmapscan = off set jit = off as $claim$
        #variable_conflict use_column
        ${inFunction(BODY)} $claim$;`;
