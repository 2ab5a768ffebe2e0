import { type CommandTable, command, type Handler } from "../command.ts";
import { syntaxError } from "../errors.ts";
import { parseCount } from "../integers.ts";
import type { Keyspace } from "../keyspace.ts";
import { parsePositions } from "../ranges.ts";
import type { Reply } from "../reply.ts";
import { formatScore, parseScoreRange } from "../scores.ts";
import type { SortedSet } from "../sorted-set.ts";
import { zadd, zincrby } from "./zadd.ts";
import { memberReply, zrange } from "./zrange.ts";

const scoreReply = (score: number | undefined): Reply => (score === undefined ? null : formatScore(score));

function zrem(keyspace: Keyspace, key: string, ...members: string[]): Reply {
  const set = keyspace.read(key, "zset");
  if (set === undefined) return 0;
  const removed = members.filter((member) => set.remove(member)).length;
  if (set.size() === 0) keyspace.remove(key);
  return removed;
}

function zmscore(keyspace: Keyspace, key: string, ...members: string[]): Reply {
  const set = keyspace.read(key, "zset");
  return members.map((member) => scoreReply(set?.score(member)));
}

function zcount(keyspace: Keyspace, key: string, min: string, max: string): Reply {
  const range = parseScoreRange(min, max);
  const [start, end] = keyspace.read(key, "zset")?.positions(range) ?? [0, 0];
  return Math.max(0, end - start);
}

function zremrangebyscore(keyspace: Keyspace, key: string, min: string, max: string): Reply {
  const range = parseScoreRange(min, max);
  return removeSlice(keyspace, key, (set) => set.positions(range)).length;
}

function zremrangebyrank(keyspace: Keyspace, key: string, start: string, stop: string): Reply {
  const positions = parsePositions(start, stop);
  return removeSlice(keyspace, key, (set) => positions(set.size())).length;
}

/** ZPOPMIN and ZPOPMAX. */
const pop =
  (end: "min" | "max"): Handler =>
  (keyspace: Keyspace, key: string, ...counts: string[]): Reply => {
    if (counts.length > 1) throw syntaxError();
    const count = parseCount(counts[0] ?? "1");
    const removed = removeSlice(keyspace, key, (set) =>
      end === "min" ? [0, count] : [Math.max(0, set.size() - count), set.size()],
    );
    return memberReply(end === "min" ? removed : removed.reverse(), true);
  };

function removeSlice(
  keyspace: Keyspace,
  key: string,
  positions: (set: SortedSet) => readonly [start: number, end: number],
) {
  const set = keyspace.read(key, "zset");
  if (set === undefined) return [];
  const removed = set.removeSlice(...positions(set));
  if (set.size() === 0) keyspace.remove(key);
  return removed;
}

export const sortedSetCommands: CommandTable = {
  ZADD: command(-4, zadd),
  ZINCRBY: command(4, zincrby),
  ZREM: command(-3, zrem),
  ZSCORE: command(3, (keyspace, key: string, member: string) =>
    scoreReply(keyspace.read(key, "zset")?.score(member)),
  ),
  ZMSCORE: command(-3, zmscore),
  ZRANK: command(
    3,
    (keyspace, key: string, member: string) => keyspace.read(key, "zset")?.rank(member) ?? null,
  ),
  ZCARD: command(2, (keyspace, key: string) => keyspace.read(key, "zset")?.size() ?? 0),
  ZCOUNT: command(4, zcount),
  ZRANGE: command(-4, zrange({})),
  ZREVRANGE: command(-4, zrange({ by: "rank", reversed: true })),
  ZRANGEBYSCORE: command(-4, zrange({ by: "score", reversed: false })),
  ZREVRANGEBYSCORE: command(-4, zrange({ by: "score", reversed: true })),
  ZREMRANGEBYSCORE: command(4, zremrangebyscore),
  ZREMRANGEBYRANK: command(4, zremrangebyrank),
  ZPOPMIN: command(-2, pop("min")),
  ZPOPMAX: command(-2, pop("max")),
};
