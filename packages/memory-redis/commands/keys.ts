import { type CommandTable, command } from "../command.ts";
import type { Keyspace } from "../keyspace.ts";
import { parseInteger } from "../numbers.ts";
import { RedisError, type Reply } from "../reply.ts";

/** In the pattern, `*` stands for any characters. Redis's other wildcards are refused, not misread. */
function keys(keyspace: Keyspace, pattern: string): Reply {
  if (/[?[\\]/.test(pattern)) throw new RedisError(`ERR only '*' is known in the pattern '${pattern}'`);
  const literals = pattern.split(/\*+/).map((text) => text.replace(/[$^+.|(){}\]]/g, "\\$&"));
  const matching = new RegExp(`^${literals.join(".*")}$`, "s");
  return keyspace.keys().filter((key) => matching.test(key));
}

/** PEXPIRE key milliseconds */
const pexpire = (keyspace: Keyspace, key: string, ms: string): Reply =>
  keyspace.setExpiry(key, keyspace.now() + parseInteger(ms)) ? 1 : 0;

/** Milliseconds left; -1 for a key that does not expire, -2 for no key. */
function pttl(keyspace: Keyspace, key: string): Reply {
  const atMs = keyspace.expiresAtMs(key);
  if (atMs === undefined) return -2;
  return atMs === Infinity ? -1 : atMs - keyspace.now();
}

/** Seconds since 1970, and microseconds of the running one. */
function time(keyspace: Keyspace): Reply {
  const nowMs = keyspace.now();
  return [String(Math.floor(nowMs / 1000)), String((nowMs % 1000) * 1000)];
}

/** INFO commandstats: how often each command ran. It tells calls alone, no times. */
function info(keyspace: Keyspace, section: string): Reply {
  if (section.toLowerCase() !== "commandstats") throw new RedisError(`ERR only 'commandstats' is known`);
  const lines = Array.from(keyspace.calls, ([name, calls]) => `cmdstat_${name}:calls=${calls}\r\n`);
  return `# Commandstats\r\n${lines.join("")}`;
}

export const keyCommands: CommandTable = {
  DEL: command(-2, (keyspace, ...keys) => keys.filter(keyspace.remove).length),
  EXISTS: command(-2, (keyspace, ...keys) => keys.filter(keyspace.has).length),
  INFO: command(2, info),
  KEYS: command(2, keys),
  PEXPIRE: command(3, pexpire),
  PTTL: command(2, pttl),
  TIME: command(1, time),
};
