/** What scripts remove from the cache: tombstones whose time is over, and what is more than the limit. */
import { TOMBSTONE_MS } from "../../limits.ts";

/** `add(list, first, second)`: appends both. */
export const ADD = `
local function add(list, first, second)
  list[#list + 1] = first
  list[#list + 1] = second
end`;

/** `forget_old(most)`: removes tombstones that may be forgotten. */
export const FORGET_OLD = `
local function forget_old(most)
  local old = call('ZRANGEBYSCORE', gone, '-inf', int(now()), 'LIMIT', 0, most)
  many('ZREM', gone, old)
  many('HDEL', revs, old)
end`;

/** `mark(marker, cut)`: the window ends at another time than `marker` said. */
export const MARK = `
local function mark(marker, cut)
  if marker then call('ZREM', waiting, marker) end
  call('ZADD', waiting, '-inf', '*' .. cut)
end`;

/**
 * `cut(name, set, excess)`: removes so many that are due last, and moves the marker to where the window ends now.
 *
 * Needs `sequence`, that of this write.
 */
export const CUT = `${MARK}
local function cut(name, set, excess)
  local last = call('ZRANGE', set, -excess, -1, 'WITHSCORES')
  local ids, revs_of, graves = {}, {}, {}
  for i = 1, #last, 2 do ids[#ids + 1] = last[i] end
  for n, known in ipairs(fields(revs, ids)) do
    local rev = string.match(known or '', '^(%d+):')
    if rev then
      add(revs_of, ids[n], rev .. ':' .. sequence .. ':gone')
      add(graves, int(now() + ${TOMBSTONE_MS}), ids[n])
    end
  end
  many('ZREM', set, ids)
  many('HDEL', rows, ids)
  many('HSET', revs, revs_of)
  many('ZADD', gone, graves)
  if name == 'waiting' then
    -- A refresh that read before this must not move the marker beyond what was removed.
    call('HSET', state, 'trimmed', sequence)
    local first = call('ZRANGE', waiting, 0, 0)[1]
    local window_end = cut_of(first)
    if window_end and tonumber(last[2]) < window_end then mark(first, int(tonumber(last[2]))) end
  end
end`;
