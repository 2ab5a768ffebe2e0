import { type CommandTable, command, type Handler } from "../command.ts";
import { wrongNumberOfArguments } from "../errors.ts";
import { parseCount } from "../integers.ts";
import type { Keyspace } from "../keyspace.ts";
import { parsePositions } from "../ranges.ts";
import type { Reply } from "../reply.ts";

type End = "left" | "right";

const push =
  (end: End): Handler =>
  (keyspace: Keyspace, key: string, ...items: string[]): Reply => {
    const list = keyspace.readOrCreate(key, "list");
    // Items go in one by one, so LPUSH leaves the last of them at the head.
    if (end === "left") list.unshift(...items.reverse());
    else list.push(...items);
    return list.length;
  };

const pop =
  (name: string, end: End): Handler =>
  (keyspace: Keyspace, key: string, ...counts: string[]): Reply => {
    const [count, ...more] = counts;
    if (more.length > 0) throw wrongNumberOfArguments(name);
    const wanted = count === undefined ? 1 : parseCount(count);
    const list = keyspace.read(key, "list");
    if (list === undefined) return null;
    const taken = end === "left" ? list.splice(0, wanted) : takeFromRight(list, wanted);
    if (list.length === 0) keyspace.remove(key);
    return count === undefined ? (taken[0] ?? null) : taken;
  };

const takeFromRight = (list: string[], wanted: number): string[] =>
  list.splice(Math.max(0, list.length - wanted)).reverse();

function lrange(keyspace: Keyspace, key: string, start: string, stop: string): Reply {
  const positions = parsePositions(start, stop);
  const list = keyspace.read(key, "list") ?? [];
  return list.slice(...positions(list.length));
}

export const listCommands: CommandTable = {
  LPUSH: command(-3, push("left")),
  RPUSH: command(-3, push("right")),
  LPOP: command(-2, pop("lpop", "left")),
  RPOP: command(-2, pop("rpop", "right")),
  LRANGE: command(4, lrange),
  LLEN: command(2, (keyspace, key: string) => keyspace.read(key, "list")?.length ?? 0),
};
