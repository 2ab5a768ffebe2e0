import { TOMBSTONE_MS } from "../../limits.ts";
import type { Standing } from "../../tasks/standing.ts";
import type { Kind } from "./script.ts";

/** What is sent for a standing. The list is the order, here and in Lua. */
const FIELDS = ["id", "rev", "kind", "score", "row"] as const;
type Fields = Record<(typeof FIELDS)[number], string | number>;

/** Standings to write, as the last argument of a script; in Lua, where they begin in ARGV. `WRITE` writes them. */
export const standings: Kind<readonly Standing[]> = {
  encode: (all) =>
    all.flatMap((standing) => {
      const fields = fieldsOf(standing);
      return FIELDS.map((name) => fields[name]);
    }),
  lua: (position) => `${position}`,
};

function fieldsOf(standing: Standing): Fields {
  const { id, rev, kind } = standing;
  if (kind === "gone" || kind === "missing") return { id, rev, kind, score: "", row: "" };
  return {
    id,
    rev,
    kind,
    // A score that begins with `~` is from now on, by Redis's clock.
    score: standing.inMs === undefined ? standing.atMs : `~${standing.inMs}`,
    row: "task" in standing && standing.task ? JSON.stringify(standing.task) : "",
  };
}

/** Tombstones that one write removes; many more would make it slow. */
const TOMBSTONES_PER_WRITE = 200;

/**
 * Writes the standings, each if it is not older than what is there. Where more than `limit` wait then, removes what is
 * due last and moves the marker to it: from there on the window is not whole. `news` counts those that told something
 * new.
 *
 * A `missing` row that the cache knows was there and is deleted: newer than that, and older than whatever comes. One that
 * it does not know may not be committed yet: no rev is written, so that it outranks nothing.
 *
 * Needs the arguments `standings` and `limit`.
 */
export const WRITE = `
local sequence = int(call('HINCRBY', state, 'sequence', 1))
for _, id in ipairs(call('ZRANGEBYSCORE', gone, '-inf', int(now), 'LIMIT', 0, ${TOMBSTONES_PER_WRITE})) do
  call('ZREM', gone, id)
  call('HDEL', revs, id)
end
local function bury(id)
  call('ZADD', gone, int(now + ${TOMBSTONE_MS}), id)
end
local news = 0
local function write(${FIELDS.join(", ")})
  if string.sub(score, 1, 1) == '~' then score = int(now + string.sub(score, 2)) end
  local known = call('HGET', revs, id)
  known = known and tonumber(string.match(known, '^(%d+)'))
  if kind == 'missing' and known then kind, rev = 'gone', int(known + 1) end
  if known and known > tonumber(rev) then return end
  for name, set in pairs({waiting = waiting, foreign = foreign, running = running}) do
    if kind == name then call('ZADD', set, score, id) else call('ZREM', set, id) end
  end
  if kind == 'missing' then return call('HDEL', rows, id) end
  if known and known < tonumber(rev) or not known and kind ~= 'gone' then news = news + 1 end
  call('HSET', revs, id, rev .. ':' .. sequence)
  if row ~= '' then call('HSET', rows, id, row) else call('HDEL', rows, id) end
  if kind == 'gone' then bury(id) else call('ZREM', gone, id) end
end
for i = standings, #ARGV, ${FIELDS.length} do
  write(unpack(ARGV, i, i + ${FIELDS.length - 1}))
end
for _, set in ipairs({waiting, foreign}) do
  while call('ZCARD', set) - (call('ZSCORE', set, '*') and 1 or 0) > limit do
    local last = call('ZREVRANGEBYSCORE', set, '+inf', '-inf', 'WITHSCORES', 'LIMIT', 0, 2)
    local id, score = last[1], last[2]
    if id == '*' then id, score = last[3], last[4] end
    call('ZREM', set, id)
    call('HDEL', rows, id)
    bury(id)
    if set == waiting then
      -- A refresh that read before this must not move the marker beyond what was removed.
      call('HSET', state, 'trimmed', sequence)
      local marker = call('ZSCORE', waiting, '*')
      if marker and tonumber(score) < tonumber(marker) then call('ZADD', waiting, score, '*') end
    end
  end
end`;
