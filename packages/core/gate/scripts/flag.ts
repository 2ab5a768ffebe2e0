/** The scripts that renew a flag, and the operator's. */
import type { Renewal } from "../gate.ts";
import { number, script, text } from "./script.ts";
import { SOON } from "./soon.ts";
import { standings, WRITE } from "./standings.ts";

/**
 * Renews the flag by token, or takes it again when it is gone, for the lease still holds; and writes where the caller's
 * tasks stand now.
 *
 * Keys: all but the sleeper. Arguments: the caller's token and slot, the flag's TTL, how early a ring may come, the
 * limit of the cache, standings. Answers a `Renewal`.
 */
export const RENEW = script({
  args: { token: text, slot: number, ttl_ms: number, early_ms: number, limit: number, standings },
  lua: `${WRITE}${SOON}
local overdue = #call('ZRANGEBYSCORE', running, '-inf', int(now()), 'LIMIT', 0, 1)
local more = 0
for other = 0, slots - 1 do
  if other ~= slot and not seats[other + 2] then more = 1 end
end
if more == 1 and not soon(2) then more = 0 end
local holder = seats[slot + 2]
local kept = not holder or holder == token
if kept then call('SET', flag(slot), token, 'PX', ttl_ms) end
return {kept and 1 or 0, overdue, more}`,
  decode: ([kept, overdue, more]: number[]): Renewal => ({
    kept: kept === 1,
    overdue: overdue === 1,
    more: more === 1,
  }),
});

/**
 * Takes every flag, or none: it succeeds if nobody else holds any.
 *
 * Keys: flags. Arguments: the caller's token, the flags' TTL. Answers whether it has them.
 */
export const HOLD = script({
  args: { token: text, ttl_ms: number },
  lua: `
for slot = 0, slots - 1 do
  local holder = seats[slot + 2]
  if holder and holder ~= token then return 0 end
end
for slot = 0, slots - 1 do call('SET', flag(slot), token, 'PX', ttl_ms) end
return 1`,
  decode: (reply: number) => reply === 1,
});

/**
 * Releases the flags that the caller holds.
 *
 * Keys: flags. Arguments: the caller's token. Answers whether there were any.
 */
export const LET_GO = script({
  args: { token: text },
  lua: `
local released = 0
for slot = 0, slots - 1 do
  if seats[slot + 2] == token then released = released + call('DEL', flag(slot)) end
end
return released`,
  decode: (released: number) => released > 0,
});

/**
 * The operator's override: holds every flag that no tick holds.
 *
 * Keys: flags. Arguments: the operator's token, the flags' TTL.
 */
export const HOLD_ALL = script({
  args: { token: text, ttl_ms: number },
  lua: `
for slot = 0, slots - 1 do
  local holder = seats[slot + 2]
  if not holder or holder == token then call('SET', flag(slot), token, 'PX', ttl_ms) end
end`,
  decode: (_: null) => undefined,
});

/**
 * The operator's override: releases every flag, whoever holds it.
 *
 * Keys: flags. No arguments.
 */
export const RELEASE_ALL = script({
  args: {},
  lua: "for slot = 0, slots - 1 do call('DEL', flag(slot)) end",
  decode: (_: null) => undefined,
});
