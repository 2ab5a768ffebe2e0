import { type CommandTable, command } from "../command.ts";
import type { Keyspace } from "../keyspace.ts";
import type { Reply } from "../reply.ts";

const NO_MEMBERS: ReadonlySet<string> = new Set();

const read = (keyspace: Keyspace, key: string) => keyspace.read(key, "set") ?? NO_MEMBERS;

function sadd(keyspace: Keyspace, key: string, ...members: string[]): Reply {
  const set = keyspace.readOrCreate(key, "set");
  const sizeBefore = set.size;
  for (const member of members) set.add(member);
  return set.size - sizeBefore;
}

function srem(keyspace: Keyspace, key: string, ...members: string[]): Reply {
  const set = keyspace.read(key, "set");
  if (set === undefined) return 0;
  const removed = members.filter((member) => set.delete(member)).length;
  if (set.size === 0) keyspace.remove(key);
  return removed;
}

export const setCommands: CommandTable = {
  SADD: command(-3, sadd),
  SREM: command(-3, srem),
  SMEMBERS: command(2, (keyspace, key: string) => [...read(keyspace, key)]),
  SISMEMBER: command(3, (keyspace, key: string, member: string) => (read(keyspace, key).has(member) ? 1 : 0)),
  SCARD: command(2, (keyspace, key: string) => read(keyspace, key).size),
};
