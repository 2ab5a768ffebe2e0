import { type CommandTable, command, type Handler } from "../command.ts";
import { notAnInteger, wrongNumberOfArguments } from "../errors.ts";
import { addIntegers, isInteger, negate, parseInteger } from "../integers.ts";
import type { Keyspace } from "../keyspace.ts";
import { OK, type Reply } from "../reply.ts";
import { type ExpiryOption, positiveExpiryMs, set } from "./set.ts";

const get = (keyspace: Keyspace, key: string): string | null => keyspace.read(key, "string") ?? null;

function setnx(keyspace: Keyspace, key: string, value: string): Reply {
  if (keyspace.typeOf(key) !== undefined) return 0;
  keyspace.writeString(key, value);
  return 1;
}

/** SETEX and PSETEX. */
const setWithExpiry =
  (name: string, option: ExpiryOption): Handler =>
  (keyspace: Keyspace, key: string, amount: string, value: string): Reply => {
    const atMs = positiveExpiryMs(keyspace, name, option, amount);
    keyspace.writeString(key, value);
    keyspace.setExpiry(key, atMs);
    return OK;
  };

function getdel(keyspace: Keyspace, key: string): Reply {
  const value = get(keyspace, key);
  keyspace.remove(key);
  return value;
}

function getset(keyspace: Keyspace, key: string, value: string): Reply {
  const old = get(keyspace, key);
  keyspace.writeString(key, value);
  return old;
}

/** Unlike GET, a key of another type is no error here: it has no string, so it answers nil. */
const mget = (keyspace: Keyspace, ...keys: string[]): Reply =>
  keys.map((key) => (keyspace.typeOf(key) === "string" ? get(keyspace, key) : null));

function mset(keyspace: Keyspace, ...pairs: string[]): Reply {
  if (pairs.length % 2 !== 0) throw wrongNumberOfArguments("mset");
  for (let at = 0; at < pairs.length; at += 2) keyspace.writeString(pairs[at] ?? "", pairs[at + 1] ?? "");
  return OK;
}

function incrby(keyspace: Keyspace, key: string, delta: string): Reply {
  parseInteger(delta);
  const current = get(keyspace, key) ?? "0";
  if (!isInteger(current)) throw notAnInteger();
  const sum = addIntegers(current, delta);
  keyspace.writeString(key, sum, { keepTtl: true });
  return Number(sum);
}

function decrby(keyspace: Keyspace, key: string, delta: string): Reply {
  parseInteger(delta);
  return incrby(keyspace, key, negate(delta));
}

function append(keyspace: Keyspace, key: string, more: string): Reply {
  const value = (get(keyspace, key) ?? "") + more;
  keyspace.writeString(key, value, { keepTtl: true });
  return value.length;
}

export const stringCommands: CommandTable = {
  GET: command(2, get),
  SET: command(-3, set),
  SETNX: command(3, setnx),
  SETEX: command(4, setWithExpiry("setex", "EX")),
  PSETEX: command(4, setWithExpiry("psetex", "PX")),
  GETDEL: command(2, getdel),
  GETSET: command(3, getset),
  MGET: command(-2, mget),
  MSET: command(-3, mset),
  INCR: command(2, (keyspace, key: string) => incrby(keyspace, key, "1")),
  INCRBY: command(3, incrby),
  DECR: command(2, (keyspace, key: string) => incrby(keyspace, key, "-1")),
  DECRBY: command(3, decrby),
  APPEND: command(3, append),
  STRLEN: command(2, (keyspace, key: string) => get(keyspace, key)?.length ?? 0),
};
