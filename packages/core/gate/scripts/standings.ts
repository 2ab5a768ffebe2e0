import { TOMBSTONE_MS } from "../../limits.ts";
import type { Standing } from "../../tasks/standing.ts";
import { ADD, CUT, FORGET_OLD } from "./removal.ts";
import type { Kind } from "./script.ts";

/** What is sent for a standing. The list is the order, here and in Lua. */
const FIELDS = ["id", "rev", "kind", "score", "row"] as const;
type Fields = Record<(typeof FIELDS)[number], string | number>;

/** Standings to write, as the last argument of a script; in Lua, where they begin in ARGV. `WRITE` writes them. */
export const standings: Kind<readonly Standing[]> = {
  encode: (all) => {
    const sent: (string | number)[] = [];
    for (const standing of all) {
      const fields = fieldsOf(standing);
      for (const name of FIELDS) sent.push(fields[name]);
    }
    return sent;
  },
  lua: (position) => `${position}`,
};

function fieldsOf(standing: Standing): Fields {
  const { id, rev, kind } = standing;
  if (kind === "missing") return { id, rev, kind, score: "", row: "" };
  if (kind === "gone") return { id, rev, kind: standing.untold ? "untold" : kind, score: "", row: "" };
  return {
    id,
    rev,
    kind: "paused" in standing && standing.paused ? "paused" : kind,
    // A score that begins with `~` is from now on, by Redis's clock.
    score: standing.inMs === undefined ? standing.atMs : `~${standing.inMs}`,
    row: "task" in standing && standing.task ? (standing.json ?? JSON.stringify(standing.task)) : "",
  };
}

/** Writes between two looks for tombstones that may go; a refresh looks, too. */
const WRITES_PER_SWEEP = 64;
/** Tombstones that one write removes; many more would make it slow. */
const TOMBSTONES_PER_WRITE = 4_000;

/** `take(one, …, id)`: what one standing changes of what is known of its task. */
const TAKE = `
local function take(one, ${FIELDS.join(", ")})
  local known = one.rev and tonumber(one.rev)
  if kind == 'laned' then
    -- The earliest time that anybody told counts, until a claim that knows of all of them says another.
    if string.sub(score, 1, 1) == '~' then score = int(now() + string.sub(score, 2)) end
    local before = one.kind and one.kind == 'waiting' and one.score or not one.kind and one.was == 'waiting' and call('ZSCORE', waiting, id)
    if before and tonumber(before) < tonumber(score) then score = int(tonumber(before)) end
    kind, rev = 'waiting', int(known and known >= now() and known + 1 or now())
  end
  if kind == 'untold' then kind, doubted = 'gone', true end
  if kind == 'missing' and known then kind, rev = 'gone', int(known + 1) end
  if known and known > tonumber(rev) then return end
  if kind == 'missing' then
    one.missing = true
    return
  end
  if kind == 'paused' then kind, doubted = 'foreign', true end
  if known and known < tonumber(rev) or not known and kind ~= 'gone' then news = news + 1 end
  if kind == 'gone' then score = int(now() + ${TOMBSTONE_MS})
  elseif string.sub(score, 1, 1) == '~' then score = int(now() + string.sub(score, 2)) end
  one.rev, one.kind, one.score, one.row = rev, kind, score, row
end`;

/** `store(ids, told)`: writes what `take` has changed, one command a key. Answers what it added to each of the `sets`. */
const STORE = `
local names, sets = {'waiting', 'running', 'foreign', 'gone'}, {waiting, running, foreign, gone}
local function store(ids, told)
  local adding, removing = {{}, {}, {}, {}}, {{}, {}, {}, {}}
  local new_revs, new_rows, old_rows = {}, {}, {}
  for _, id in ipairs(ids) do
    local one = told[id]
    local has_row = one.kind and one.row ~= ''
    -- What the cache does not know of may be anywhere, unless it is new.
    local unsure = not one.was and (one.missing or one.rev ~= '1')
    if one.kind then
      add(new_revs, id, one.rev .. ':' .. sequence .. ':' .. one.kind .. (has_row and '+' or ''))
      if has_row then add(new_rows, id, one.row) end
    end
    if one.kind or one.missing then
      for n, name in ipairs(names) do
        if one.kind == name then add(adding[n], one.score, id)
        elseif one.was == name or unsure then removing[n][#removing[n] + 1] = id end
      end
      if not has_row and (one.had_row or unsure) then old_rows[#old_rows + 1] = id end
    end
  end
  many('HSET', revs, new_revs)
  many('HSET', rows, new_rows)
  many('HDEL', rows, old_rows)
  for n, set in ipairs(sets) do
    many('ZADD', set, adding[n])
    many('ZREM', set, removing[n])
  end
  return adding
end`;

/** `trim(adding)`: cuts the sets that grew and have more than the limit. */
const TRIM = `
local function trim(adding)
  for n, set in ipairs({waiting, false, foreign}) do
    if set and #adding[n] > 0 then
      local excess = call('ZCARD', set) - limit
      if excess > 0 and cut_of(call('ZRANGE', set, 0, 0)[1]) then excess = excess - 1 end
      if excess > 0 then cut(names[n], set, excess) end
    end
  end
end`;

/**
 * Writes the standings, each if it is not older than what is there. Where more than `limit` wait then, removes what is
 * due last and moves the marker to it: from there on the window is not whole. `news` counts those that told something
 * new.
 *
 * A `missing` row that the cache knows was there and is deleted: newer than that, and older than whatever comes. One
 * that it does not know may not be committed yet: no rev is written, so that it outranks nothing.
 *
 * A `laned` one has no rev of its own: it grows with each. A claim that says when something may start names the rev
 * that it saw, and so changes nothing where somebody has told of a laned task since.
 *
 * A `paused` one is foreign, and may be waiting again by now; an `untold` one is gone, and may have changed others of
 * which nobody has told. `VOUCH` asks when the last such was told.
 *
 * All that is to be done is gathered first, so that it is one command for each key however many tasks there are.
 *
 * Needs the arguments `standings` and `limit`.
 */
export const WRITE = `
local news, doubted = 0, false
local sequence${ADD}${FORGET_OLD}${CUT}${TAKE}${STORE}${TRIM}
if standings <= #ARGV then
  sequence = int(call('HINCRBY', state, 'sequence', 1))
  local ids, told = {}, {}
  for i = standings, #ARGV, ${FIELDS.length} do
    local id = ARGV[i]
    if not told[id] then
      -- With all its fields, so that it need not grow.
      told[id] = {rev = false, was = false, had_row = false, kind = false, score = false, row = false}
      ids[#ids + 1] = id
    end
  end
  for n, known in ipairs(fields(revs, ids)) do
    if known then
      local one = told[ids[n]]
      local rev, kind, has_row = string.match(known, '^(%d+):%d+:(%a+)(%+?)$')
      one.rev, one.was, one.had_row = rev, kind, has_row == '+'
    end
  end
  for i = standings, #ARGV, ${FIELDS.length} do
    take(told[ARGV[i]], unpack(ARGV, i, i + ${FIELDS.length - 1}))
  end
  trim(store(ids, told))
  if doubted then call('HSET', state, 'doubted', sequence) end
  if sequence % ${WRITES_PER_SWEEP} == 0 then forget_old(${TOMBSTONES_PER_WRITE}) end
end`;
