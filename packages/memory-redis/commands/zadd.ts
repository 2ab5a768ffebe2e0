import { syntaxError } from "../errors.ts";
import type { Keyspace } from "../keyspace.ts";
import { RedisError, type Reply } from "../reply.ts";
import { formatScore, parseScore } from "../scores.ts";
import type { ScoredMember } from "../sorted-set.ts";

const FLAGS = ["NX", "XX", "GT", "LT", "CH", "INCR"] as const;
type Flag = (typeof FLAGS)[number];
type Flags = ReadonlySet<Flag>;

/** ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member [score member …] */
export function zadd(keyspace: Keyspace, key: string, ...words: string[]): Reply {
  const flags = new Set<Flag>();
  let first = 0;
  for (; ; first++) {
    const flag = FLAGS.find((name) => name === words[first]?.toUpperCase());
    if (flag === undefined) break;
    flags.add(flag);
  }
  const pairs = words.slice(first);
  rejectContradictions(flags, pairs.length);
  const updates = parsePairs(pairs);
  return update(keyspace, key, flags, updates);
}

export function zincrby(keyspace: Keyspace, key: string, increment: string, member: string): Reply {
  return update(keyspace, key, new Set(["INCR"]), [{ member, score: parseScore(increment) }]);
}

function rejectContradictions(flags: Flags, length: number): void {
  if (length === 0 || length % 2 !== 0) throw syntaxError();
  if (flags.has("NX") && flags.has("XX")) {
    throw new RedisError("ERR XX and NX options at the same time are not compatible");
  }
  if ([flags.has("NX"), flags.has("GT"), flags.has("LT")].filter(Boolean).length > 1) {
    throw new RedisError("ERR GT, LT, and/or NX options at the same time are not compatible");
  }
  if (flags.has("INCR") && length > 2) {
    throw new RedisError("ERR INCR option supports a single increment-element pair");
  }
}

/** All scores are read before any is written: one that is no number must leave the set as it was. */
function parsePairs(pairs: readonly string[]): ScoredMember[] {
  const updates: ScoredMember[] = [];
  for (let at = 0; at < pairs.length; at += 2) {
    updates.push({ score: parseScore(pairs[at] ?? ""), member: pairs[at + 1] ?? "" });
  }
  return updates;
}

function update(keyspace: Keyspace, key: string, flags: Flags, updates: readonly ScoredMember[]): Reply {
  const isMissing = keyspace.read(key, "zset") === undefined;
  if (isMissing && flags.has("XX")) return flags.has("INCR") ? null : 0;
  const set = keyspace.readOrCreate(key, "zset");
  let added = 0;
  let changed = 0;
  let incremented: string | null = null;
  for (const { member, score: given } of updates) {
    const current = set.score(member);
    const score = flags.has("INCR") ? increment(current, given) : given;
    if (!isAllowed(flags, current, score)) continue;
    if (current === undefined) added++;
    else if (current !== score) changed++;
    if (current !== score) set.set(member, score);
    incremented = formatScore(score);
  }
  if (flags.has("INCR")) return incremented;
  return flags.has("CH") ? added + changed : added;
}

function increment(current = 0, by: number): number {
  const sum = current + by;
  if (Number.isNaN(sum)) throw new RedisError("ERR resulting score is not a number (NaN)");
  return sum;
}

function isAllowed(flags: Flags, current: number | undefined, score: number): boolean {
  if (current === undefined) return !flags.has("XX");
  if (flags.has("NX")) return false;
  return (!flags.has("GT") || score > current) && (!flags.has("LT") || score < current);
}
