import type { Handler } from "../command.ts";
import { syntaxError } from "../errors.ts";
import { parseInteger } from "../integers.ts";
import type { Keyspace } from "../keyspace.ts";
import { parsePositions } from "../ranges.ts";
import { RedisError, type Reply } from "../reply.ts";
import { formatScore, parseScoreRange } from "../scores.ts";
import type { ScoredMember, SortedSet } from "../sorted-set.ts";

interface RangeQuery {
  by: "rank" | "score";
  reversed: boolean;
  withScores: boolean;
  limit?: { readonly offset: number; readonly count: number };
}

/** The range commands are ZRANGE with some of its options fixed; the others may still be given. */
export const zrange =
  (fixed: Partial<Pick<RangeQuery, "by" | "reversed">>): Handler =>
  (keyspace: Keyspace, key: string, start: string, stop: string, ...words: string[]): Reply => {
    const query = parseQuery(fixed, words);
    const select = query.by === "rank" ? byRank(start, stop, query) : byScore(start, stop, query);
    const set = keyspace.read(key, "zset");
    return set === undefined ? [] : memberReply(select(set), query.withScores);
  };

/** Members as a flat array, each followed by its score when asked for. */
export const memberReply = (entries: readonly ScoredMember[], withScores: boolean): Reply =>
  withScores
    ? entries.flatMap(({ member, score }) => [member, formatScore(score)])
    : entries.map(({ member }) => member);

function parseQuery(fixed: Partial<RangeQuery>, words: readonly string[]): RangeQuery {
  const query: RangeQuery = { by: "rank", reversed: false, withScores: false, ...fixed };
  // Only ZRANGE itself leaves both open, and only it knows the words that set them.
  const isOpen = Object.keys(fixed).length === 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]?.toUpperCase();
    if (word === "WITHSCORES") query.withScores = true;
    else if (word === "BYSCORE" && isOpen) query.by = "score";
    else if (word === "REV" && isOpen) query.reversed = true;
    else if (word === "LIMIT" && at + 2 < words.length) {
      query.limit = { offset: parseInteger(words[++at] ?? ""), count: parseInteger(words[++at] ?? "") };
    } else throw syntaxError();
  }
  // A count of -1 is Redis's own mark for "no limit given", so it passes.
  if (query.by === "rank" && (query.limit?.count ?? -1) !== -1) {
    throw new RedisError(
      "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
    );
  }
  return query;
}

type Select = (set: SortedSet) => ScoredMember[];

function byRank(start: string, stop: string, query: RangeQuery): Select {
  const positions = parsePositions(start, stop);
  return (set) => {
    const size = set.size();
    const [from, to] = positions(size);
    return query.reversed ? set.slice(size - to, size - from).reverse() : set.slice(from, to);
  };
}

/** Reversed, the first bound is the higher one. */
function byScore(first: string, second: string, query: RangeQuery): Select {
  const range = query.reversed ? parseScoreRange(second, first) : parseScoreRange(first, second);
  const { offset = 0, count = -1 } = query.limit ?? {};
  return (set) => {
    const [start, end] = set.positions(range);
    // Redis skips a negative offset for ever.
    const available = offset < 0 ? 0 : Math.max(0, end - start - offset);
    const wanted = count < 0 ? available : Math.min(count, available);
    if (!query.reversed) return set.slice(start + offset, start + offset + wanted);
    return set.slice(end - offset - wanted, end - offset).reverse();
  };
}
