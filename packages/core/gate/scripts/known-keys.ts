/**
 * The scripts of the list of API keys in Redis. KEYS: the list, and the lease of whoever may write it.
 *
 * What is read from Postgres may be old by the time it is written here. So only the holder of the lease writes, and
 * each change of a key takes the lease away: before it commits, in case it dies afterwards, and when it is done.
 */
import { number, script, text } from "./script.ts";

/** The list; or, when there is none, whether the caller may write it. Arguments: the caller's token, how long it has. */
export const READ_KEYS = script({
  args: { token: text, lease_ms: number },
  lua: `
local list = call('GET', KEYS[1])
if list then return list end
return call('SET', KEYS[2], token, 'NX', 'PX', lease_ms) and 1 or 0`,
  decode: (reply: string | number): { list?: string; mayWrite: boolean } =>
    typeof reply === "string" ? { list: reply, mayWrite: false } : { mayWrite: reply === 1 },
});

/** Writes the list, unless the lease was taken away. Arguments: the caller's token, the list, how long it stays. */
export const WRITE_KEYS = script({
  args: { token: text, list: text, ttl_seconds: number },
  lua: `
if call('GET', KEYS[2]) ~= token then return end
call('DEL', KEYS[2])
call('SET', KEYS[1], list, 'EX', ttl_seconds)`,
  decode: (_: null) => undefined,
});

/** Before a change: there is no list, and nobody may write one for this time. Arguments: the caller's token, the time. */
export const HOLD_KEYS = script({
  args: { token: text, lease_ms: number },
  lua: `
call('DEL', KEYS[1])
call('SET', KEYS[2], token, 'PX', lease_ms)`,
  decode: (_: null) => undefined,
});

/** After a change: what was read before it is no longer written. */
export const FORGET_KEYS = script({
  args: {},
  lua: "call('DEL', KEYS[1], KEYS[2])",
  decode: (_: null) => undefined,
});
