import { type CommandTable, command } from "../command.ts";
import { wrongNumberOfArguments } from "../errors.ts";
import { addIntegers, isInteger, parseInteger } from "../integers.ts";
import type { Keyspace } from "../keyspace.ts";
import { RedisError, type Reply } from "../reply.ts";

const NO_FIELDS: ReadonlyMap<string, string> = new Map();

const read = (keyspace: Keyspace, key: string) => keyspace.read(key, "hash") ?? NO_FIELDS;

function hset(keyspace: Keyspace, key: string, ...pairs: string[]): Reply {
  if (pairs.length % 2 !== 0) throw wrongNumberOfArguments("hset");
  const hash = keyspace.readOrCreate(key, "hash");
  const sizeBefore = hash.size;
  for (let at = 0; at < pairs.length; at += 2) hash.set(pairs[at] ?? "", pairs[at + 1] ?? "");
  return hash.size - sizeBefore;
}

function hsetnx(keyspace: Keyspace, key: string, field: string, value: string): Reply {
  const hash = keyspace.readOrCreate(key, "hash");
  if (hash.has(field)) return 0;
  hash.set(field, value);
  return 1;
}

function hmget(keyspace: Keyspace, key: string, ...fields: string[]): Reply {
  const hash = read(keyspace, key);
  return fields.map((field) => hash.get(field) ?? null);
}

function hdel(keyspace: Keyspace, key: string, ...fields: string[]): Reply {
  const hash = keyspace.read(key, "hash");
  if (hash === undefined) return 0;
  const removed = fields.filter((field) => hash.delete(field)).length;
  if (hash.size === 0) keyspace.remove(key);
  return removed;
}

function hincrby(keyspace: Keyspace, key: string, field: string, delta: string): Reply {
  parseInteger(delta);
  const current = read(keyspace, key).get(field) ?? "0";
  if (!isInteger(current)) throw new RedisError("ERR hash value is not an integer");
  const sum = addIntegers(current, delta);
  keyspace.readOrCreate(key, "hash").set(field, sum);
  return Number(sum);
}

export const hashCommands: CommandTable = {
  HSET: command(-4, hset),
  HSETNX: command(4, hsetnx),
  HGET: command(3, (keyspace, key: string, field: string) => read(keyspace, key).get(field) ?? null),
  HMGET: command(-3, hmget),
  HGETALL: command(2, (keyspace, key: string) => [...read(keyspace, key)].flat()),
  HDEL: command(-3, hdel),
  HEXISTS: command(3, (keyspace, key: string, field: string) => (read(keyspace, key).has(field) ? 1 : 0)),
  HLEN: command(2, (keyspace, key: string) => read(keyspace, key).size),
  HKEYS: command(2, (keyspace, key: string) => [...read(keyspace, key).keys()]),
  HVALS: command(2, (keyspace, key: string) => [...read(keyspace, key).values()]),
  HINCRBY: command(4, hincrby),
};
