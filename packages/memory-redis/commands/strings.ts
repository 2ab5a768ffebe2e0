import { type CommandTable, command } from "../command.ts";
import type { Keyspace } from "../keyspace.ts";
import { parseInteger } from "../numbers.ts";
import { OK, RedisError, type Reply, syntaxError } from "../reply.ts";

const UNIT_MS: Readonly<Record<string, number>> = { EX: 1000, PX: 1 };

/** SET key value [NX] [EX seconds|PX milliseconds] */
function set(keyspace: Keyspace, key: string, value: string, ...options: string[]): Reply {
  let isForNew = false;
  let expiresAtMs: number | undefined;
  for (let at = 0; at < options.length; at++) {
    const option = options[at]?.toUpperCase() ?? "";
    const unitMs = UNIT_MS[option];
    if (option === "NX") isForNew = true;
    else if (unitMs !== undefined && at + 1 < options.length && expiresAtMs === undefined)
      expiresAtMs = keyspace.now() + lengthMs(options[++at] ?? "", unitMs);
    else throw syntaxError();
  }
  if (isForNew && keyspace.has(key)) return null;
  keyspace.writeString(key, value, expiresAtMs);
  return OK;
}

function lengthMs(amount: string, unitMs: number): number {
  const units = parseInteger(amount);
  if (units <= 0) throw new RedisError("ERR invalid expire time in 'set' command");
  return units * unitMs;
}

/** Unlike GET, it takes a key of another type for none. */
const mget = (keyspace: Keyspace, ...keys: string[]): Reply =>
  keys.map((key) => (keyspace.holds(key, "string") ? (keyspace.read(key, "string") ?? null) : null));

export const stringCommands: CommandTable = {
  GET: command(2, (keyspace, key: string) => keyspace.read(key, "string") ?? null),
  MGET: command(-2, mget),
  SET: command(-3, set),
};
