/** The steps of the function that starts laned tasks (`lanes-function.ts`) that find which lane is next. */
import { LANES_LOOKED, LANES_MENDED, POOLS_PER_LANE } from "../../lane-limits.ts";
import { OUR_LANES } from "../lanes.ts";

/** When a rate lets the next one start; null: now. `l` is the limit. */
const freeAt = (l: string, kind: string, name: string) => `case when ${l}.starts is not null then
  (select s.starts[cardinality(s.starts) - ${l}.starts + 1] + ${l}.span from tickwork_lane_starts s
    where s.kind = ${kind} and s.name = ${name}) end`;
const isFull = (l: string, running: string, name: string) =>
  `coalesce(${l}.concurrency <= (select count(*) from unnest(${running}) one where one = ${name}), false)`;
/** The limits of a key, `own` or that of `each`, and its latest starts. */
export const rateOf = (key: string) => `from (select) one
      left join tickwork_limits own on own.kind = 'concurrency_key' and own.name = ${key}
      left join tickwork_limits each on each.kind = 'concurrency_key' and each.name = '*'
      left join tickwork_lane_starts s on s.kind = 'concurrency_key' and s.name = ${key}`;
export const KEY_STARTS = "coalesce(own.starts, each.starts)";
export const KEY_FREE_AT = `s.starts[cardinality(s.starts) - ${KEY_STARTS} + 1]
  + case when own.starts is null then each.span else own.span end`;
export const POOLS = `tickwork_lane_pools p
  left join tickwork_limits tl on tl.kind = 'type' and tl.name = p.type
  left join tickwork_limits ql on ql.kind = 'queue' and ql.name = p.queue`;
export const IS_FULL = `(${isFull("tl", "types", "p.type")} or ${isFull("ql", "queues", "p.queue")})`;
export const IS_PAUSED = "(array['all:', 'type:' || p.type, 'queue:' || p.queue] && paused)";
export const FREE_AT = `greatest(${freeAt("tl", "'type'", "p.type")}, ${freeAt("ql", "'queue'", "p.queue")})`;
const IS_FREE = `not ${IS_PAUSED} and not ${IS_FULL} and coalesce(${FREE_AT} <= now(), true)`;

/** Groups in the order of their turns, and the lanes of one. */
const GROUPS_NEXT = "select name, tag from tickwork_lane_groups where awake order by tag, name";
const LANES_NEXT = (group: string) =>
  `select * from tickwork_lanes l where l.grp = ${group} and l.awake order by l.rank`;
const BEST = (
  group: string,
  lane: string,
) => `p.pool, p.type, p.queue, ${lane}.grp, ${lane}.lane, ${lane}.key, ${lane}.priority,
  ${lane}.rank, ${group}.tag, greatest(${group}.tag, state.vtime) as turn, ${OUR_LANES} as sure`;

/** The first lane of the group that is next. Mostly nothing holds it back; then no other is looked at. */
const FRONT = `
    select ${BEST("g", "l")} into best from (${GROUPS_NEXT} limit 1) g
      cross join lateral (${LANES_NEXT("g.name")} limit 1) l join tickwork_lane_pools p on p.pool = l.pool;
    is_laned := found and best.sure;
    if is_laned and is_limited then
      select ${IS_FREE} and not (best.key = any(full_keys)) into is_laned from ${POOLS} where p.pool = best.pool;
    end if;`;
/** Else one after the other in the order of their turns, as long as that takes much less than to look at all pools. */
const AFTER_FRONT = `
    looked := 0;
    max_looked := null;
    <<groups>> for next_group in ${GROUPS_NEXT} loop
      for next_lane in ${LANES_NEXT("next_group.name")} loop
        select ${BEST("next_group", "next_lane")} into best from ${POOLS}
          where p.pool = next_lane.pool and ${OUR_LANES} and ${IS_FREE} and not (next_lane.key = any(full_keys));
        is_laned := found;
        looked := looked + 1;
        if looked = ${LANES_LOOKED} then
          max_looked := (select count(*) from tickwork_lane_pools) / ${POOLS_PER_LANE};
        end if;
        exit groups when is_laned or looked >= max_looked;
      end loop;
    end loop;`;
/** The first of all pools that are not held back. `sure`: the tag of its entry is that of its group. */
const FIRST = `
      select p.pool, p.type, p.queue, c.grp, c.lane, c.key, c.priority, c.rank, g.tag, greatest(c.tag, state.vtime) as turn,
          c.tag = g.tag as sure
        into best from ${POOLS}
        cross join lateral (
          select e.grp, e.tag, l.lane, l.key, l.priority, l.rank from tickwork_lane_entries e
          cross join lateral (select * from tickwork_lanes l where l.pool = p.pool and l.grp = e.grp and l.awake
            and not (l.key = any(full_keys)) order by l.rank limit 1) l
          where e.pool = p.pool order by e.pool, e.tag, e.grp limit 1) c
        join tickwork_lane_groups g on g.name = c.grp
        where ${OUR_LANES} and ${IS_FREE}
        order by greatest(c.tag, state.vtime), c.rank limit 1;`;
/**
 * What is next of what no limit holds back, by what is remembered. A start leaves the entries of its group as they
 * were, for there may be one in each pool: their tags are too low, never too high. So the first by these tags is the
 * first where its own is right. Where several were not, all are put right, rather than one after the other.
 */
export const FIND = `
  ${FRONT}
  if best.lane is not null and not is_laned and exists (select from tickwork_lane_pools offset ${LANES_LOOKED}) then
    ${AFTER_FRONT}
  end if;
  is_front := is_laned;
  if not is_laned then
    for n in 1..${LANES_MENDED} + 2 loop
      exit when not exists (select from tickwork_lane_entries);
      ${FIRST}
      is_laned := found;
      exit when not found or best.sure;
      if n <= ${LANES_MENDED} then
        update tickwork_lane_entries e set tag = best.tag where e.grp = best.grp;
      else
        update tickwork_lane_entries e set tag = g.tag from tickwork_lane_groups g where g.name = e.grp and e.tag <> g.tag;
      end if;
    end loop;
  end if;`;

/** Of the keys that run, those that have no room, and those that are paused. */
export const FULL_KEYS = `
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
