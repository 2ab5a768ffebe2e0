/**
 * All of Tickwork's Lua, and the keys that it works on. A script runs alone on the server, so each is one step of
 * the protocol (`tick.ts` tells it whole). Time is Redis's own, in milliseconds.
 *
 * Keys, in this order everywhere:
 * 1. `waiting`: sorted set, a waiting task's id at its due time; and the marker `*`, "this is the whole window", at
 *    the first due time that was left out, or at infinity
 * 2. `running`: sorted set, a running task's id at the end of its lease
 * 3. `rev`: hash, id → `rev:sequence`, of all ids above and of those in 5
 * 4. `task`: hash, id → the row as JSON (a waiting one with small data; the rest is read from Postgres)
 * 5. `gone`: sorted set, the ids that were removed a while ago at the time they may be forgotten: an older write
 *    that comes late meets their rev and changes nothing
 * 6. `state`: hash: `sequence` (grows with each write), `trimmed` (the sequence when the limit last cut), `refreshed` (ms)
 * 7. `sleeper`: string with TTL, `wake-up ms|token`
 * 8. `foreign`: sorted set, a waiting task that other programs run, at its due time: it is listed, and no tick minds it
 * 9. and on: the flags, one a slot: string with TTL, the holder's token
 */
import { REFRESH_LIMIT_MS, SEEN_LIMIT, SLEEPER_MARGIN_MS, TOMBSTONE_MS } from "../limits.ts";

export function keysOf(prefix: string, slots: number): string[] {
  const names = ["waiting", "running", "rev", "task", "gone", "state", "sleeper", "foreign"];
  for (let slot = 0; slot < slots; slot++) names.push(`flag:${slot}`);
  // One hash tag: a cluster keeps them together.
  return names.map((name) => `{${prefix}}:${name}`);
}

/** The key of `task` in that list. */
export const TASK_KEY = 3;

const CLOCK = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function int(n) return string.format('%.0f', n) end
`;

/**
 * apply(id, rev, kind, score, json): one write, if it is not older than what is there. `kind` is `waiting`, `foreign`,
 * `running` or `gone`; a score that begins with `~` is from now on. Over the limit the latest due one goes, and the marker says from where on something is missing.
 */
const APPLY = `
local waiting, running, revs, tasks, gone, state, foreign = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[8]
local sequence = int(redis.call('HINCRBY', state, 'sequence', 1))
for _, id in ipairs(redis.call('ZRANGEBYSCORE', gone, '-inf', int(now), 'LIMIT', 0, 200)) do
  redis.call('ZREM', gone, id)
  redis.call('HDEL', revs, id)
end
local function forget(id)
  redis.call('ZADD', gone, int(now + ${TOMBSTONE_MS}), id)
end
local function trim(limit)
  for _, set in ipairs({waiting, foreign}) do
    while redis.call('ZCARD', set) - (redis.call('ZSCORE', set, '*') and 1 or 0) > limit do
      local last = redis.call('ZREVRANGEBYSCORE', set, '+inf', '-inf', 'WITHSCORES', 'LIMIT', 0, 2)
      local id, score = last[1], last[2]
      if id == '*' then id, score = last[3], last[4] end
      redis.call('ZREM', set, id)
      redis.call('HDEL', tasks, id)
      forget(id)
      local marker = redis.call('ZSCORE', waiting, '*')
      if set == waiting and marker and tonumber(score) < tonumber(marker) then
        redis.call('ZADD', waiting, score, '*')
        redis.call('HSET', state, 'trimmed', sequence)
      end
    end
  end
end
local function apply(id, rev, kind, score, json)
  if string.sub(score, 1, 1) == '~' then score = int(now + string.sub(score, 2)) end
  local known = redis.call('HGET', revs, id)
  if known and tonumber(string.match(known, '^(%d+)')) > tonumber(rev) then return end
  redis.call('HSET', revs, id, rev .. ':' .. sequence)
  for name, set in pairs({waiting = waiting, foreign = foreign, running = running}) do
    if kind == name then redis.call('ZADD', set, score, id) else redis.call('ZREM', set, id) end
  end
  if json and json ~= '' then redis.call('HSET', tasks, id, json) else redis.call('HDEL', tasks, id) end
  if kind == 'gone' then forget(id) else redis.call('ZREM', gone, id) end
end
`;

/** decide(token, ttl, slots, nap, early, held): what a tick is to do now. \`held\` is the slot whose flag is its own, or nil. */
const DECIDE = `
local function marker_reached()
  local marker = redis.call('ZSCORE', KEYS[1], '*')
  return not marker or tonumber(marker) <= now
end
local function first_after(key)
  local score = redis.call('ZRANGEBYSCORE', key, '(' .. int(now), '(inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  return score and int(tonumber(score)) or false
end
local function take(slot, token, ttl)
  redis.call('SET', KEYS[9 + slot], token, 'PX', ttl)
end
local function decide(token, ttl, slots, nap, early, held)
  local sleeper = redis.call('GET', KEYS[7])
  if sleeper and string.match(sleeper, '|(.*)$') == token then redis.call('DEL', KEYS[7]); sleeper = false end
  local ids = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', int(now), 'LIMIT', 0, ${SEEN_LIMIT})
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now), 'LIMIT', 0, ${SEEN_LIMIT})) do
    if id ~= '*' then ids[#ids + 1] = id end
  end
  if #ids > 0 then
    local free, more, soonest = held, 0, false
    for slot = 0, slots - 1 do
      local holder = redis.call('GET', KEYS[9 + slot])
      if not holder or holder == token then
        if not free then free = slot elseif slot ~= free then more = 1 end
      else
        local left = redis.call('PTTL', KEYS[9 + slot])
        if left < 0 then -- set by hand, without an end
          redis.call('PEXPIRE', KEYS[9 + slot], ttl)
          left = tonumber(ttl)
        end
        if not soonest or left < soonest then soonest = left end
      end
    end
    if not free then return {'held', int(now), int(soonest)} end
    take(free, token, ttl)
    -- Who works cannot sleep for what is due next: with a slot free, another one has to.
    local next_due = first_after(KEYS[1])
    local wanted = #ids > 1 or (next_due and next_due - now <= tonumber(early))
    return {'go', int(now), free, wanted and more or 0, ids}
  end
  if held and redis.call('GET', KEYS[9 + held]) == token then redis.call('DEL', KEYS[9 + held]) end
  if marker_reached() then return {'unknown', int(now)} end
  local next_due, next_lease = first_after(KEYS[1]), first_after(KEYS[2])
  if next_due and next_due - now <= tonumber(nap) then
    local wake = sleeper and tonumber(string.match(sleeper, '^(%d+)'))
    if not wake or wake > tonumber(next_due) then
      redis.call('SET', KEYS[7], next_due .. '|' .. token, 'PX', int(next_due - now + ${SLEEPER_MARGIN_MS}))
      return {'sleep', int(now), next_due, next_lease}
    end
    return {'asleep', int(now), int(wake), next_lease}
  end
  return {'idle', int(now), next_due, next_lease}
end
`;

/**
 * What is due? Take the flag of a free slot.
 * ARGV: token, flag's TTL in ms, slots, how long the caller would sleep in ms, how early a ring may come in ms.
 * Answers {'go', now, slot, more, ids} | {'held', now, ms} | {'unknown', now} |
 * {'sleep'|'idle', now, next due|nil, next lease end|nil} | {'asleep', now, when somebody else wakes, next lease end|nil}.
 */
export const ENTER = `${CLOCK}${DECIDE}
return decide(ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5])`;

/**
 * Writes what became of the settled ones; releases by token only if nothing is due, and says what to do next.
 * ARGV: as ENTER, then the slot, '1' to let go whatever is due, the limit, then writes of 4 (id, rev, kind, score).
 * Answers as ENTER; {'left', now, whether more is or will soon be due} when told to let go.
 */
export const LEAVE = `${CLOCK}${APPLY}${DECIDE}
for i = 9, #ARGV, 4 do apply(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) end
trim(tonumber(ARGV[8]))
local held = tonumber(ARGV[6])
if redis.call('GET', KEYS[9 + held]) ~= ARGV[1] then held = nil end
if ARGV[7] == '1' then
  local sleeper = redis.call('GET', KEYS[7])
  if sleeper and string.match(sleeper, '|(.*)$') == ARGV[1] then redis.call('DEL', KEYS[7]) end
  if held then redis.call('DEL', KEYS[9 + held]) end
  local soon = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now + ARGV[5]), 'LIMIT', 0, 1)[1]
  return {'left', int(now), soon and 1 or 0}
end
return decide(ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], held)`;

/**
 * Renews the flag by token (or takes it again when it is gone, for the lease still holds), and writes what became
 * of the settled ones. ARGV: token, TTL in ms, slots, how early a ring may come in ms, slot, the limit, then writes of 4.
 * Answers {1 or 0 when somebody else has the flag, 1 when a lease ended, 1 when more is or will soon be due and a slot
 * is free}.
 */
export const RENEW = `${CLOCK}${APPLY}
for i = 7, #ARGV, 4 do apply(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) end
trim(tonumber(ARGV[6]))
local overdue = redis.call('ZRANGEBYSCORE', running, '-inf', int(now), 'LIMIT', 0, 1)[1] and 1 or 0
local more = 0
if #redis.call('ZRANGEBYSCORE', waiting, '-inf', int(now + ARGV[4]), 'LIMIT', 0, 3) > 1 then
  for slot = 0, tonumber(ARGV[3]) - 1 do
    if slot ~= tonumber(ARGV[5]) and not redis.call('GET', KEYS[9 + slot]) then more = 1 end
  end
end
local flag = KEYS[9 + tonumber(ARGV[5])]
local holder = redis.call('GET', flag)
if holder and holder ~= ARGV[1] then return {0, overdue, more} end
redis.call('SET', flag, ARGV[1], 'PX', ARGV[2])
return {1, overdue, more}`;

/**
 * Writes changes of others than the tick. ARGV: the limit, when a refresh began by this clock ('' for who is none),
 * then writes of 5 (id, rev, kind, score, json). Answers 1, or 0 when that refresh took too long to be believed.
 */
export const PUT = `${CLOCK}${APPLY}
if ARGV[2] ~= '' and now - tonumber(ARGV[2]) > ${REFRESH_LIMIT_MS} then return 0 end
for i = 3, #ARGV, 5 do apply(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]) end
trim(tonumber(ARGV[1]))
return 1`;

/** A refresh begins. Answers {now, sequence}. */
export const BEGIN = `${CLOCK}
return {int(now), int(redis.call('HINCRBY', KEYS[6], 'sequence', 1))}`;

/**
 * A refresh ends: what it neither read nor saw written since it began is not there any more.
 * ARGV: when it began, the sequence then, the marker's score. Answers 1, or 0 when it took too long.
 */
export const SWEEP = `${CLOCK}
local waiting, running, revs, tasks, gone, state, foreign = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[8]
if now - tonumber(ARGV[1]) > ${REFRESH_LIMIT_MS} then return 0 end
for _, set in ipairs({waiting, running, foreign}) do
  for _, id in ipairs(redis.call('ZRANGE', set, 0, -1)) do
    local written = redis.call('HGET', revs, id)
    local sequence = written and tonumber(string.match(written, ':(%d+)$')) or 0
    if id ~= '*' and sequence <= tonumber(ARGV[2]) then
      redis.call('ZREM', set, id)
      redis.call('HDEL', revs, id)
      redis.call('HDEL', tasks, id)
    end
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', gone, '-inf', int(now))) do
  redis.call('ZREM', gone, id)
  redis.call('HDEL', revs, id)
end
local marker, trimmed = redis.call('ZSCORE', waiting, '*'), tonumber(redis.call('HGET', state, 'trimmed') or 0)
if not marker or trimmed <= tonumber(ARGV[2]) or tonumber(ARGV[3]) < tonumber(marker) then
  redis.call('ZADD', waiting, ARGV[3], '*')
end
redis.call('HSET', state, 'refreshed', int(now))
return 1`;

/**
 * What is cached, for readers. Answers {marker is there, tasks, flags of ticks, flags of the operator, refreshed|nil}
 * and, when ARGV[1] is '1', the ids.
 * ARGV: whether to list, the operator's token, slots, the last due time to list in ms from now.
 */
export const LOOK = `${CLOCK}
local marker = redis.call('ZSCORE', KEYS[1], '*')
local ticks, operators = 0, 0
for slot = 0, tonumber(ARGV[3]) - 1 do
  local holder = redis.call('GET', KEYS[9 + slot])
  if holder == ARGV[2] then operators = operators + 1 elseif holder then ticks = ticks + 1 end
end
local ids = {}
if ARGV[1] == '1' then
  for _, set in ipairs({KEYS[1], KEYS[8]}) do
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', set, '-inf', int(now + ARGV[4]))) do ids[#ids + 1] = id end
  end
end
local waiting = redis.call('ZCARD', KEYS[1]) + redis.call('ZCARD', KEYS[8]) - (marker and 1 or 0)
return {marker and 1 or 0, waiting, ticks, operators,
  redis.call('HGET', KEYS[6], 'refreshed'), ids}`;

/** The operator's override: raises every free flag. ARGV: token, TTL in ms, slots. */
export const RAISE = `
for slot = 0, tonumber(ARGV[3]) - 1 do
  local holder = redis.call('GET', KEYS[9 + slot])
  if not holder or holder == ARGV[1] then redis.call('SET', KEYS[9 + slot], ARGV[1], 'PX', ARGV[2]) end
end
return 1`;

/** The operator's override: lowers every flag. ARGV: slots. */
export const LOWER = `
for slot = 0, tonumber(ARGV[1]) - 1 do redis.call('DEL', KEYS[9 + slot]) end
return 1`;
