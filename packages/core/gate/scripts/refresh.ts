/** The scripts that bring changes, and whole windows, into the cache. */
import { REFRESH_LIMIT_MS } from "../../limits.ts";
import { number, optionalNumber, script } from "./script.ts";
import { standings, WRITE } from "./standings.ts";

/** A refresh whose read is that old is not believed. Needs the argument `began`; nil passes. */
const REFUSE_LATE = `
if began and now - began > ${REFRESH_LIMIT_MS} then return false end`;

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
 * Keys: state. No arguments. Answers when it began, and the sequence then.
 */
export const BEGIN = script({
  args: {},
  lua: "return {int(now), call('HINCRBY', state, 'sequence', 1)}",
  decode: ([began, since]: [string, number]) => ({ began: Number(began), since }),
});

/**
 * A refresh ends: what it did not read, and nobody wrote since it began, is not there any more.
 *
 * Keys: all but the sleeper and the flags. Arguments: what `BEGIN` answered, the first due time that the window left out
 * (undefined: it is whole), and how many tasks wait for code. Answers false when the refresh took too long.
 */
export const SWEEP = script({
  args: { began: number, since: number, cut_at: optionalNumber, waiting_for_code: number },
  lua: `${REFUSE_LATE}
for _, set in ipairs({waiting, running, foreign}) do
  for _, id in ipairs(call('ZRANGE', set, 0, -1)) do
    local written = call('HGET', revs, id)
    local sequence = written and tonumber(string.match(written, ':(%d+)$')) or 0
    if id ~= '*' and sequence <= since then
      call('ZREM', set, id)
      call('HDEL', revs, id)
      call('HDEL', rows, id)
    end
  end
end
for _, id in ipairs(call('ZRANGEBYSCORE', gone, '-inf', int(now))) do
  call('ZREM', gone, id)
  call('HDEL', revs, id)
end
-- Where the limit cut meanwhile, the earlier cut counts.
local marker, trimmed = call('ZSCORE', waiting, '*'), tonumber(call('HGET', state, 'trimmed') or 0)
if not marker or trimmed <= since or (cut_at and cut_at < tonumber(marker)) then
  call('ZADD', waiting, cut_at or '+inf', '*')
end
call('HSET', state, 'refreshed', int(now), 'waiting_for_code', waiting_for_code)
return 1`,
  decode: (reply: number | null) => reply === 1,
});
