/**
 * Tickwork's Lua. A script runs alone on the server, so each is one step of the protocol (docs/protocol.md, rule 1).
 * Time is Redis's own, in milliseconds. `script.ts` has the keys and how arguments get their names.
 */
import { REFRESH_LIMIT_MS, SEEN_LIMIT, SLEEPER_MARGIN_MS, TOMBSTONE_MS } from "../limits.ts";
import { EACH_STANDING, script } from "./script.ts";

const CLOCK = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function int(n) return string.format('%.0f', n) end`;

/**
 * `write_all()` writes the standings in ARGV, each if it is not older than what is there. `trim(limit)` then removes
 * what is due last, and moves the marker to where something is missing.
 */
const WRITE = `
local sequence = int(redis.call('HINCRBY', state, 'sequence', 1))
for _, id in ipairs(redis.call('ZRANGEBYSCORE', gone, '-inf', int(now), 'LIMIT', 0, 200)) do
  redis.call('ZREM', gone, id)
  redis.call('HDEL', revs, id)
end
local function bury(id)
  redis.call('ZADD', gone, int(now + ${TOMBSTONE_MS}), id)
end
local function write(id, rev, kind, score, row)
  if string.sub(score, 1, 1) == '~' then score = int(now + string.sub(score, 2)) end
  local known = redis.call('HGET', revs, id)
  if known and tonumber(string.match(known, '^(%d+)')) > tonumber(rev) then return end
  redis.call('HSET', revs, id, rev .. ':' .. sequence)
  for name, set in pairs({waiting = waiting, foreign = foreign, running = running}) do
    if kind == name then redis.call('ZADD', set, score, id) else redis.call('ZREM', set, id) end
  end
  if row ~= '' then redis.call('HSET', rows, id, row) else redis.call('HDEL', rows, id) end
  if kind == 'gone' then bury(id) else redis.call('ZREM', gone, id) end
end
local function write_all()
  ${EACH_STANDING}
    write(id, rev, kind, score, row)
  end
end
local function trim(limit)
  for _, set in ipairs({waiting, foreign}) do
    while redis.call('ZCARD', set) - (redis.call('ZSCORE', set, '*') and 1 or 0) > limit do
      local last = redis.call('ZREVRANGEBYSCORE', set, '+inf', '-inf', 'WITHSCORES', 'LIMIT', 0, 2)
      local id, score = last[1], last[2]
      if id == '*' then id, score = last[3], last[4] end
      redis.call('ZREM', set, id)
      redis.call('HDEL', rows, id)
      bury(id)
      local marker = redis.call('ZSCORE', waiting, '*')
      if set == waiting and marker and tonumber(score) < tonumber(marker) then
        redis.call('ZADD', waiting, score, '*')
        redis.call('HSET', state, 'trimmed', sequence)
      end
    end
  end
end`;

/** `decide(held)`: what a tick does now. `held` is the slot whose flag is its own, or nil. Needs the arguments of ENTER. */
const DECIDE = `
local function marker_reached()
  local marker = redis.call('ZSCORE', waiting, '*')
  return not marker or tonumber(marker) <= now
end
local function first_after(key)
  local score = redis.call('ZRANGEBYSCORE', key, '(' .. int(now), '(inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  return score and int(tonumber(score)) or false
end
local function is_mine(sleeping)
  return sleeping and string.match(sleeping, '|(.*)$') == token
end
local function decide(held)
  local sleeping = redis.call('GET', sleeper)
  if is_mine(sleeping) then redis.call('DEL', sleeper); sleeping = false end
  local ids = redis.call('ZRANGEBYSCORE', running, '-inf', int(now), 'LIMIT', 0, ${SEEN_LIMIT})
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', int(now), 'LIMIT', 0, ${SEEN_LIMIT})) do
    if id ~= '*' then ids[#ids + 1] = id end
  end
  if #ids > 0 then
    local free, more, soonest = held, 0, false
    for slot = 0, slots - 1 do
      local holder = redis.call('GET', flag(slot))
      if not holder or holder == token then
        if not free then free = slot elseif slot ~= free then more = 1 end
      else
        local left = redis.call('PTTL', flag(slot))
        -- set by hand, without an end
        if left < 0 then
          redis.call('PEXPIRE', flag(slot), ttl_ms)
          left = ttl_ms
        end
        if not soonest or left < soonest then soonest = left end
      end
    end
    if not free then return {'held', int(now), int(soonest)} end
    redis.call('SET', flag(free), token, 'PX', ttl_ms)
    -- A tick that works cannot sleep for what is due next: with a slot free, another one has to.
    local next_due = first_after(waiting)
    local wanted = #ids > 1 or (next_due and next_due - now <= early_ms)
    return {'go', int(now), free, wanted and more or 0, ids}
  end
  if held and redis.call('GET', flag(held)) == token then redis.call('DEL', flag(held)) end
  if marker_reached() then return {'unknown', int(now)} end
  local next_due, next_lease = first_after(waiting), first_after(running)
  if next_due and next_due - now <= nap_ms then
    local wake = sleeping and tonumber(string.match(sleeping, '^(%d+)'))
    if not wake or wake > tonumber(next_due) then
      redis.call('SET', sleeper, next_due .. '|' .. token, 'PX', int(next_due - now + ${SLEEPER_MARGIN_MS}))
      return {'sleep', int(now), next_due, next_lease}
    end
    return {'asleep', int(now), int(wake), next_lease}
  end
  return {'idle', int(now), next_due, next_lease}
end`;

const ASKING = {
  token: "text",
  /** The flag's TTL. */
  ttl_ms: "number",
  slots: "number",
  /** How long the caller would sleep. */
  nap_ms: "number",
  /** How early a ring may come. */
  early_ms: "number",
} as const;

/**
 * What is due? Takes the flag of a free slot.
 * Answers {'go', now, slot, more, ids} | {'held', now, ms} | {'unknown', now} |
 * {'sleep'|'idle', now, next due|nil, next lease end|nil} | {'asleep', now, when the sleeper wakes, next lease end|nil}.
 */
export const ENTER = script(
  ASKING,
  `${CLOCK}${DECIDE}
return decide(nil)`,
);

/**
 * Writes what became of settled tasks; then releases the flag by token if nothing is due, and decides as ENTER. With
 * `release` 1 it releases whatever is due, and answers {'released', now, whether more is or will soon be due}.
 */
export const LEAVE = script(
  { ...ASKING, slot: "number", release: "number", limit: "number" },
  `${CLOCK}${WRITE}${DECIDE}
write_all()
trim(limit)
local held = slot
if redis.call('GET', flag(held)) ~= token then held = nil end
if release == 1 then
  if is_mine(redis.call('GET', sleeper)) then redis.call('DEL', sleeper) end
  if held then redis.call('DEL', flag(held)) end
  local soon = redis.call('ZRANGEBYSCORE', waiting, '-inf', int(now + early_ms), 'LIMIT', 0, 1)[1]
  return {'released', int(now), soon and 1 or 0}
end
return decide(held)`,
);

/**
 * Renews the flag by token, or takes it again when it is gone, for the lease still holds; and writes what became of
 * settled tasks. Answers {1, or 0 when another has the flag; 1 when a lease ended; 1 when more is or will soon be due
 * and a slot is free}.
 */
export const RENEW = script(
  {
    token: "text",
    ttl_ms: "number",
    slots: "number",
    early_ms: "number",
    slot: "number",
    limit: "number",
  },
  `${CLOCK}${WRITE}
write_all()
trim(limit)
local overdue = redis.call('ZRANGEBYSCORE', running, '-inf', int(now), 'LIMIT', 0, 1)[1] and 1 or 0
local more = 0
if #redis.call('ZRANGEBYSCORE', waiting, '-inf', int(now + early_ms), 'LIMIT', 0, 3) > 1 then
  for other = 0, slots - 1 do
    if other ~= slot and not redis.call('GET', flag(other)) then more = 1 end
  end
end
local holder = redis.call('GET', flag(slot))
if holder and holder ~= token then return {0, overdue, more} end
redis.call('SET', flag(slot), token, 'PX', ttl_ms)
return {1, overdue, more}`,
);

/**
 * Writes changes that are not a tick's. `began` is when a refresh began by this clock, '' for any other change.
 * Answers 1, or 0 when that refresh took too long to be believed.
 */
export const PUT = script(
  { limit: "number", began: "text" },
  `${CLOCK}${WRITE}
if began ~= '' and now - tonumber(began) > ${REFRESH_LIMIT_MS} then return 0 end
write_all()
trim(limit)
return 1`,
);

/** A refresh begins. Answers {now, sequence}. */
export const BEGIN = script(
  {},
  `${CLOCK}
return {int(now), int(redis.call('HINCRBY', state, 'sequence', 1))}`,
);

/**
 * A refresh ends: what it did not read, and nobody wrote since it began, is not there any more. `began` and `since` are
 * BEGIN's answer, `marker` the score of the marker. Answers 1, or 0 when it took too long.
 */
export const SWEEP = script(
  { began: "number", since: "number", marker: "text" },
  `${CLOCK}
if now - began > ${REFRESH_LIMIT_MS} then return 0 end
for _, set in ipairs({waiting, running, foreign}) do
  for _, id in ipairs(redis.call('ZRANGE', set, 0, -1)) do
    local written = redis.call('HGET', revs, id)
    local sequence = written and tonumber(string.match(written, ':(%d+)$')) or 0
    if id ~= '*' and sequence <= since then
      redis.call('ZREM', set, id)
      redis.call('HDEL', revs, id)
      redis.call('HDEL', rows, id)
    end
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', gone, '-inf', int(now))) do
  redis.call('ZREM', gone, id)
  redis.call('HDEL', revs, id)
end
local there, trimmed = redis.call('ZSCORE', waiting, '*'), tonumber(redis.call('HGET', state, 'trimmed') or 0)
if not there or trimmed <= since or tonumber(marker) < tonumber(there) then
  redis.call('ZADD', waiting, marker, '*')
end
redis.call('HSET', state, 'refreshed', int(now))
return 1`,
);

/**
 * What is cached, for readers. With `list` 1 also the ids that are due within `window_ms`.
 * Answers {marker is there, tasks, flags of ticks, flags of the operator, refreshed|nil, ids}.
 */
export const LOOK = script(
  { list: "number", operator: "text", slots: "number", window_ms: "number" },
  `${CLOCK}
local marker = redis.call('ZSCORE', waiting, '*')
local ticks, operators = 0, 0
for slot = 0, slots - 1 do
  local holder = redis.call('GET', flag(slot))
  if holder == operator then operators = operators + 1 elseif holder then ticks = ticks + 1 end
end
local ids = {}
if list == 1 then
  for _, set in ipairs({waiting, foreign}) do
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', set, '-inf', int(now + window_ms))) do ids[#ids + 1] = id end
  end
end
local tasks = redis.call('ZCARD', waiting) + redis.call('ZCARD', foreign) - (marker and 1 or 0)
return {marker and 1 or 0, tasks, ticks, operators, redis.call('HGET', state, 'refreshed'), ids}`,
);

/** The operator's override: holds every flag that is free. */
export const HOLD_ALL = script(
  { token: "text", ttl_ms: "number", slots: "number" },
  `
for slot = 0, slots - 1 do
  local holder = redis.call('GET', flag(slot))
  if not holder or holder == token then redis.call('SET', flag(slot), token, 'PX', ttl_ms) end
end
return 1`,
);

/** The operator's override: releases every flag, whoever holds it. */
export const RELEASE_ALL = script(
  { slots: "number" },
  "for slot = 0, slots - 1 do redis.call('DEL', flag(slot)) end return 1",
);
