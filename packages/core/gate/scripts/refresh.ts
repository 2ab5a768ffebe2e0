/** The scripts that bring changes, and whole windows, into the cache. */
import { COMPARE_PAGE, REFRESH_LIMIT_MS } from "../../limits.ts";
import { NOT_ALL } from "./keys.ts";
import { FORGET_OLD, MARK } from "./removal.ts";
import { type Kind, number, optionalNumber, script, text } from "./script.ts";
import { standings, WRITE } from "./standings.ts";

/** A refresh whose read is that old is not believed. Needs the argument `began`; nil passes. */
const REFUSE_LATE = `
if began and now() - began > ${REFRESH_LIMIT_MS} then return false end`;

/**
 * Writes changes that are not a tick's.
 *
 * Keys: all but the sleeper and the flags. Arguments: when the refresh began that brings them (undefined: it is none),
 * the limit of the cache, standings. Answers how many of these were news; undefined when that refresh took too long.
 */
export const PUT = script({
  args: { began: optionalNumber, limit: number, standings },
  lua: `${REFUSE_LATE}${WRITE}
return news`,
  decode: (news: number | null) => news ?? undefined,
});

/**
 * A refresh begins.
 *
 * Keys: state. No arguments. Answers when it began, the sequence then, and whether all that began before it have ended.
 */
export const BEGIN = script({
  args: {},
  lua: `
local since = int(call('HINCRBY', state, 'sequence', 1))
local latest = call('HMGET', state, 'began', 'ended')
call('HSET', state, 'began', since)
return {int(now()), since, latest[1] == latest[2] and 1 or 0}`,
  decode: ([began, since, alone]: [string, string, number]) => ({
    began: Number(began),
    since: Number(since),
    alone: alone === 1,
  }),
});

/** Of a set: member, score, member, score …; and what `revs` says of each member. */
type SetPage = [scored: string[], revs: (string | null)[]];

/**
 * What the cache has, a page of each set: a refresh writes only what differs. A member may be missed while others come
 * and go: then it is written once more.
 *
 * Keys: all but the sleeper and the flags. Arguments: how many of each set were answered before. Answers a `Page`.
 */
export const COMPARE = script({
  args: { from: number },
  lua: `
local pages = {}
for n, set in ipairs({waiting, foreign, running}) do
  local scored, ids = call('ZRANGE', set, from, from + ${COMPARE_PAGE - 1}, 'WITHSCORES'), {}
  for i = 1, #scored, 2 do ids[#ids + 1] = scored[i] end
  pages[n] = {scored, fields(revs, ids)}
end
pages[4] = call('EXISTS', rows)
return pages`,
  decode: ([waiting, foreign, running, rows]: [SetPage, SetPage, SetPage, number]) => ({
    sets: { waiting, foreign, running },
    hasRows: rows === 1,
  }),
});

const ids: Kind<readonly number[]> = { encode: (all) => [...all], lua: (position) => `${position}` };

/**
 * Removes what a refresh did not read, and nobody wrote since it began: it is not there any more. Where another refresh
 * began later, that one may know better.
 *
 * Keys: all but the sleeper and the flags. Arguments: when and at which sequence the refresh began, ids. Answers false
 * when it took too long.
 */
export const FORGET = script({
  args: { began: number, since: number, ids },
  lua: `${REFUSE_LATE}
if tonumber(call('HGET', state, 'began') or 0) ~= since then return 1 end
local asked, old = {}, {}
for i = ids, #ARGV do asked[#asked + 1] = ARGV[i] end
for n, known in ipairs(fields(revs, asked)) do
  local sequence = string.match(known or '', '^%d+:(%d+)')
  if not sequence or tonumber(sequence) <= since then old[#old + 1] = asked[n] end
end
many('ZREM', waiting, old)
many('ZREM', running, old)
many('ZREM', foreign, old)
many('HDEL', revs, old)
many('HDEL', rows, old)
return 1`,
  decode: (reply: number | null) => reply === 1,
});

/**
 * A refresh ends.
 *
 * Keys: all but the sleeper and the flags. Arguments: when and at which sequence it began, whether there was a marker
 * when it compared, the first due time that the window left out (undefined: it is whole), how many tasks wait for code
 * and since when (undefined: there are none), what is paused, and who read. Answers false when the refresh took too
 * long.
 */
export const FINISH = script({
  args: {
    began: number,
    since: number,
    marked: number,
    cut_at: optionalNumber,
    waiting_for_code: number,
    code_since: optionalNumber,
    pauses: text,
    basis: text,
  },
  lua: `${REFUSE_LATE}${FORGET_OLD}${MARK}
forget_old(-1)
local first = call('ZRANGE', waiting, 0, 0)[1]
local known = call('HMGET', state, 'trimmed', 'ended', 'began')
local window_end, trimmed, ended = cut_of(first), tonumber(known[1] or 0), tonumber(known[2] or 0)
if ended < since then ended = since end
local marker = cut_at and '*' .. int(cut_at) or '*'
-- A marker that is gone was evicted or flushed with what was left as it was: then the cache knows nothing.
local lost = marked == 1 and not window_end
-- Where the limit cut meanwhile, the earlier cut counts.
local counts = not window_end or trimmed <= since or (cut_at and cut_at < window_end)
if counts and not lost and marker ~= first then mark(window_end and first, cut_at and int(cut_at) or '') end
if tonumber(known[3] or 0) ~= since then basis = '${NOT_ALL}' end
call('HSET', state, 'refreshed', int(now()), 'waiting_for_code', waiting_for_code, 'code_since', code_since and int(code_since) or '', 'pauses', pauses, 'ended', int(ended), 'read', int(began), 'basis', basis)
return 1`,
  decode: (reply: number | null) => reply === 1,
});
