/** The scripts between which a tick works: each looks at what is due, and takes, keeps or releases a flag. */
import type { Moment } from "../../clock.ts";
import { SEEN_LIMIT, SLEEPER_MARGIN_MS } from "../../limits.ts";
import { LANES } from "../../tasks/standing.ts";
import type { Decision } from "../gate.ts";
import { number, script, text } from "./script.ts";
import { SOON } from "./soon.ts";
import { standings, WRITE } from "./standings.ts";

/** `is_mine(sleeping)`: whether the value of `sleeper` names the caller. Needs the argument `token`. */
const IS_MINE = `
local function is_mine(sleeping)
  return sleeping and string.match(sleeping, '|(.*)$') == token
end`;

/** Members of a set that a decision reads at first: when more than these are due, it reads on. */
const FIRST_READ = 16;

/**
 * Ends a script with what its caller does now.
 *
 * Needs the arguments `ASKING`, and a local `held`: the slot whose flag the caller has, or nil. Answers a `Reply`.
 */
const DECIDE = `${IS_MINE}
local window_end
-- The ids that are due, and when the next one is.
local function due_in(set)
  local first = call('ZRANGE', set, 0, ${FIRST_READ - 1}, 'WITHSCORES')
  local ids = {}
  for i = 1, #first, 2 do
    if cut_of(first[i]) then window_end = cut_of(first[i])
    elseif tonumber(first[i + 1]) > now() then return ids, int(tonumber(first[i + 1]))
    else ids[#ids + 1] = first[i] end
  end
  if #first < ${2 * FIRST_READ} then return ids, false end
  return call('ZRANGEBYSCORE', set, '(-inf', int(now()), 'LIMIT', 0, ${SEEN_LIMIT}), false
end
local sleeping = seats[1]
if is_mine(sleeping) then
  call('DEL', sleeper)
  sleeping = false
end
local ids, next_lease = due_in(running)
local waiting_ids, next_due = due_in(waiting)
for _, id in ipairs(waiting_ids) do ids[#ids + 1] = id end
if #ids > 0 then
  local free, more = held, 0
  for slot = 0, slots - 1 do
    local holder = seats[slot + 2]
    if not holder or holder == token then
      if not free then free = slot elseif slot ~= free then more = 1 end
    end
  end
  if not free then
    local soonest
    for slot = 0, slots - 1 do
      local left = call('PTTL', flag(slot))
      -- Set by hand, without an end.
      if left < 0 then
        call('PEXPIRE', flag(slot), ttl_ms)
        left = ttl_ms
      end
      if not soonest or left < soonest then soonest = left end
    end
    return {'held', int(now()), int(soonest)}
  end
  call('SET', flag(free), token, 'PX', ttl_ms)
  -- A tick that works cannot sleep for what is due next: with a slot free, another one has to.
  local wanted = #ids > 1 or (next_due and next_due - now() <= early_ms)
  -- What the cache said of the lanes, which a claim may correct.
  local lanes_rev = false
  for _, id in ipairs(waiting_ids) do
    if id == '${LANES}' then lanes_rev = string.match(call('HGET', revs, id) or '', '^%d+') end
  end
  return {'go', int(now()), free, wanted and more or 0, ids, lanes_rev}
end
if held then call('DEL', flag(held)) end
if not window_end or window_end <= now() then return {'unknown', int(now())} end
if next_due and next_due - now() <= nap_ms then
  local wake = sleeping and tonumber(string.match(sleeping, '^(%d+)'))
  if not wake or wake > tonumber(next_due) then
    call('SET', sleeper, next_due .. '|' .. token, 'PX', int(next_due - now() + ${SLEEPER_MARGIN_MS}))
    return {'sleep', int(now()), next_due, next_lease}
  end
  return {'asleep', int(now()), int(wake), next_lease}
end
return {'idle', int(now()), next_due, next_lease}`;
/** Times are epoch milliseconds by Redis's clock. */
type Reply =
  | [kind: "go", now: string, slot: number, more: 0 | 1, ids: string[], lanesRev: string | null]
  | [kind: "held", now: string, freeInMs: string]
  | [kind: "sleep", now: string, due: string, leaseEnd: string | null]
  | [kind: "asleep", now: string, wake: string, leaseEnd: string | null]
  | [kind: "idle", now: string, due: string | null, leaseEnd: string | null]
  | [kind: "unknown", now: string];

function decisionOf(reply: Reply): Decision {
  const now = Number(reply[1]);
  const moment = (at: string): Moment => ({ atMs: Number(at), inMs: Number(at) - now });
  const perhaps = (at: string | null) => (at === null ? undefined : moment(at));
  switch (reply[0]) {
    case "go":
      return {
        kind: "go",
        slot: reply[2],
        more: reply[3] === 1,
        seen: reply[4].map(Number),
        ...(reply[5] ? { lanesRev: Number(reply[5]) } : {}),
      };
    case "held":
      return { kind: "held", freeInMs: Number(reply[2]) };
    case "sleep":
      return { kind: "sleep", until: moment(reply[2]), lease: perhaps(reply[3]) };
    case "asleep":
      return { kind: "asleep", wake: moment(reply[2]), lease: perhaps(reply[3]) };
    case "idle":
      return { kind: "idle", next: perhaps(reply[2]), lease: perhaps(reply[3]) };
    case "unknown":
      return { kind: "unknown" };
  }
}

/** The caller's token; the flag's TTL; how long the caller would sleep; how early a ring may come. */
const ASKING = { token: text, ttl_ms: number, nap_ms: number, early_ms: number };

/**
 * What is due? Takes the flag of a free slot.
 *
 * Keys: waiting, running, sleeper, flags. Arguments: `ASKING`. Answers a `Decision`.
 */
export const ENTER = script({
  args: ASKING,
  lua: `
local held
${DECIDE}`,
  decode: decisionOf,
});

/**
 * Writes where the caller's tasks stand now. Releases its flag, by token, if nothing is due; and decides as `ENTER`
 * does.
 *
 * Keys: all. Arguments: `ASKING`, the caller's slot, the limit of the cache, standings. Answers a `Decision`.
 */
export const LEAVE = script({
  args: { ...ASKING, slot: number, limit: number, standings },
  lua: `${WRITE}
local held = seats[slot + 2] == token and slot or nil
${DECIDE}`,
  decode: decisionOf,
});

/**
 * Writes where the caller's tasks stand now, and releases its flag, by token, whatever is due.
 *
 * Keys: all. Arguments: the caller's token and slot, how early a ring may come, the limit of the cache, standings.
 * Answers whether something is due or will be that soon.
 */
export const RELEASE = script({
  args: { token: text, slot: number, early_ms: number, limit: number, standings },
  lua: `${WRITE}${IS_MINE}${SOON}
if is_mine(seats[1]) then call('DEL', sleeper) end
if seats[slot + 2] == token then call('DEL', flag(slot)) end
return soon(1) and 1 or 0`,
  decode: (found: number) => ({ more: found > 0 }),
});
