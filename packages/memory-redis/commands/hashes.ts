import { type CommandTable, command } from "../command.ts";
import type { Keyspace } from "../keyspace.ts";
import { parseInteger } from "../numbers.ts";
import { RedisError, type Reply, wrongNumberOfArguments } from "../reply.ts";

function hmget(keyspace: Keyspace, key: string, ...fields: string[]): (string | null)[] {
  const hash = keyspace.read(key, "hash");
  return fields.map((field) => hash?.get(field) ?? null);
}

function hset(keyspace: Keyspace, key: string, ...pairs: string[]): Reply {
  if (pairs.length % 2 !== 0) throw wrongNumberOfArguments("hset");
  const hash = keyspace.readOrCreate(key, "hash");
  const sizeBefore = hash.size;
  for (let at = 0; at < pairs.length; at += 2) hash.set(pairs[at] ?? "", pairs[at + 1] ?? "");
  return hash.size - sizeBefore;
}

function hincrby(keyspace: Keyspace, key: string, field: string, delta: string): Reply {
  const increment = parseInteger(delta);
  const current = keyspace.read(key, "hash")?.get(field) ?? "0";
  const sum = parseInteger(current, "ERR hash value is not an integer") + increment;
  if (!Number.isSafeInteger(sum)) throw new RedisError("ERR increment or decrement would overflow");
  keyspace.readOrCreate(key, "hash").set(field, String(sum));
  return sum;
}

export const hashCommands: CommandTable = {
  HDEL: command(-3, (keyspace, key: string, ...fields) => keyspace.removeMembers(key, "hash", fields)),
  HGET: command(3, (keyspace, key: string, field: string) => hmget(keyspace, key, field)[0] ?? null),
  HINCRBY: command(4, hincrby),
  HLEN: command(2, (keyspace, key: string) => keyspace.read(key, "hash")?.size ?? 0),
  HMGET: command(-3, hmget),
  HSET: command(-4, hset),
};
