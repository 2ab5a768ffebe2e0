import { type CommandTable, command, type Handler } from "../command.ts";
import type { Keyspace } from "../keyspace.ts";
import { formatGeneral, parseInteger, readNumber } from "../numbers.ts";
import { RedisError, type Reply, syntaxError } from "../reply.ts";
import type { ScoreBound, ScoredMember } from "../sorted-set.ts";

/** ZADD key score member [score member …] */
function zadd(keyspace: Keyspace, key: string, ...pairs: string[]): Reply {
  if (pairs.length % 2 !== 0) throw syntaxError();
  // All scores are read before any is written: a bad one must leave the set as it was.
  const updates: ScoredMember[] = [];
  for (let at = 0; at < pairs.length; at += 2)
    updates.push({ score: parseScore(pairs[at] ?? ""), member: pairs[at + 1] ?? "" });
  const set = keyspace.readOrCreate(key, "zset");
  const sizeBefore = set.size;
  for (const { member, score } of updates) set.set(member, score);
  return set.size - sizeBefore;
}

function parseScore(text: string): number {
  const score = /\s/.test(text) ? undefined : readNumber(text);
  if (score === undefined) throw new RedisError("ERR value is not a valid float");
  // Redis keeps the scores of small sets as integers where it can, which turns -0 into 0.
  return score === 0 ? 0 : score;
}

function zmscore(keyspace: Keyspace, key: string, ...members: string[]): (string | null)[] {
  const set = keyspace.read(key, "zset");
  return members.map((member) => formatScore(set?.score(member)));
}

const formatScore = (score: number | undefined) => (score === undefined ? null : formatGeneral(score, 17));

/** ZRANGE key start stop [WITHSCORES]: by position. `stop` is included, negative positions count from the end. */
function zrange(keyspace: Keyspace, key: string, start: string, stop: string, ...options: string[]): Reply {
  if (options.some((option) => option.toUpperCase() !== "WITHSCORES")) throw syntaxError();
  const [first, last] = [parseInteger(start), parseInteger(stop)];
  const set = keyspace.read(key, "zset");
  if (set === undefined) return [];
  const fromStart = (position: number) => (position < 0 ? position + set.size : position);
  const found = set.slice(Math.max(0, fromStart(first)), Math.max(0, fromStart(last) + 1));
  return listed(found, options.length > 0);
}

const listed = (found: readonly ScoredMember[], withScores: boolean): Reply =>
  found.flatMap(({ member, score }) => (withScores ? [member, formatScore(score)] : [member]));

/** ZRANGEBYSCORE key min max, or ZREVRANGEBYSCORE key max min: [WITHSCORES] [LIMIT offset count] */
const rangeByScore =
  (isReversed: boolean): Handler =>
  (keyspace: Keyspace, key: string, first: string, second: string, ...options: string[]): Reply => {
    const { withScores, offset, count } = parseRangeOptions(options);
    const bounds = [parseBound(first), parseBound(second)] as const;
    const set = keyspace.read(key, "zset");
    if (set === undefined) return [];

    const [start, end] = isReversed ? set.positions(bounds[1], bounds[0]) : set.positions(...bounds);
    // Redis skips a negative offset for ever.
    const available = offset < 0 ? 0 : Math.max(0, end - start - offset);
    const wanted = count < 0 ? available : Math.min(count, available);
    const from = isReversed ? end - offset - wanted : start + offset;
    const found = wanted === 0 ? [] : set.slice(from, from + wanted);
    if (isReversed) found.reverse();
    return listed(found, withScores);
  };

/** `5`, `(5` for everything but 5, `-inf`. */
function parseBound(text: string): ScoreBound {
  const exclusive = text.startsWith("(");
  const score = readNumber(exclusive ? text.slice(1) : text);
  if (score === undefined) throw new RedisError("ERR min or max is not a float");
  return { score, exclusive };
}

/** A negative count means all. */
function parseRangeOptions(options: readonly string[]) {
  const found = { withScores: false, offset: 0, count: -1 };
  for (let at = 0; at < options.length; at++) {
    const option = options[at]?.toUpperCase();
    if (option === "WITHSCORES") found.withScores = true;
    else if (option === "LIMIT" && at + 2 < options.length) {
      found.offset = parseInteger(options[++at] ?? "");
      found.count = parseInteger(options[++at] ?? "");
    } else throw syntaxError();
  }
  return found;
}

export const sortedSetCommands: CommandTable = {
  ZADD: command(-4, zadd),
  ZCARD: command(2, (keyspace, key: string) => keyspace.read(key, "zset")?.size ?? 0),
  ZMSCORE: command(-3, zmscore),
  ZRANGE: command(-4, zrange),
  ZRANGEBYSCORE: command(-4, rangeByScore(false)),
  ZREM: command(-3, (keyspace, key: string, ...members) => keyspace.removeMembers(key, "zset", members)),
  ZREVRANGEBYSCORE: command(-4, rangeByScore(true)),
  ZSCORE: command(3, (keyspace, key: string, member: string) => zmscore(keyspace, key, member)[0] ?? null),
};
