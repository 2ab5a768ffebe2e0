import { type CommandTable, command } from "../command.ts";
import { syntaxError } from "../errors.ts";
import { compileGlob } from "../glob.ts";
import { parseInteger } from "../integers.ts";
import type { Keyspace } from "../keyspace.ts";
import { RedisError, type Reply } from "../reply.ts";

const DEFAULT_SCAN_COUNT = 10;

const exists = (keyspace: Keyspace, ...keys: string[]): Reply =>
  keys.filter((key) => keyspace.typeOf(key) !== undefined).length;

const remove = (keyspace: Keyspace, ...keys: string[]): Reply =>
  keys.filter((key) => keyspace.remove(key)).length;

function keys(keyspace: Keyspace, pattern: string): Reply {
  const glob = compileGlob(pattern);
  return [...keyspace.keysAfter(0)].map(({ key }) => key).filter((key) => glob.test(key));
}

/** The cursor is the serial of the last key looked at: keys that live through the scan are all met, once. */
function scan(keyspace: Keyspace, cursor: string, ...options: string[]): Reply {
  if (!/^[+-]?\d+$/.test(cursor)) throw new RedisError("ERR invalid cursor");
  const { count, glob, type } = parseScanOptions(options);
  const found: string[] = [];
  let looked = 0;
  let last = 0;
  for (const { key, serial } of keyspace.keysAfter(cursor.startsWith("-") ? Infinity : Number(cursor))) {
    if (looked === count) return [String(last), found];
    looked++;
    last = serial;
    if ((glob?.test(key) ?? true) && (type === undefined || keyspace.typeOf(key) === type)) found.push(key);
  }
  return ["0", found];
}

function parseScanOptions(options: readonly string[]) {
  let count = DEFAULT_SCAN_COUNT;
  let glob: RegExp | undefined;
  let type: string | undefined;
  for (let at = 0; at < options.length; at += 2) {
    const [name, value] = [options[at]?.toUpperCase(), options[at + 1]];
    if (value === undefined) throw syntaxError();
    if (name === "COUNT") count = parseInteger(value);
    else if (name === "MATCH") glob = compileGlob(value);
    else if (name === "TYPE") type = value.toLowerCase();
    else throw syntaxError();
    if (count < 1) throw syntaxError();
  }
  return { count, glob, type };
}

export const keyCommands: CommandTable = {
  KEYS: command(2, keys),
  SCAN: command(-2, scan),
  TYPE: command(2, (keyspace, key: string) => ({ status: keyspace.typeOf(key) ?? "none" })),
  EXISTS: command(-2, exists),
  DEL: command(-2, remove),
  UNLINK: command(-2, remove),
};
