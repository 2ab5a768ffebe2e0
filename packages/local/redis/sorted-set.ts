import type { ScoreBound, ScoreRange } from "./scores.ts";

/** One member of a sorted set. Members are bytes, so `<` is Redis's order for equal scores. */
export interface ScoredMember {
  readonly member: string;
  readonly score: number;
}

/**
 * Members in the order of their scores, ties by member: a sorted array found by binary search, and a map
 * from member to its place holder. An insertion shifts the tail, which for 10,000 members is a copy of
 * some 80 KB at memory speed; a skip list would win only far beyond what one process should hold.
 */
export interface SortedSet {
  size(): number;
  score(member: string): number | undefined;
  /** Adds the member or moves it. */
  set(member: string, score: number): void;
  remove(member: string): boolean;
  /** The position of a member, lowest score first; undefined when it is not there. */
  rank(member: string): number | undefined;
  /** The members at positions `start` to `end`, `end` excluded. */
  slice(start: number, end: number): ScoredMember[];
  /** Removes the members at positions `start` to `end`, `end` excluded, and returns them. */
  removeSlice(start: number, end: number): ScoredMember[];
  /** The positions `[start, end)` of a range of scores; empty when `start >= end`. */
  positions(range: ScoreRange): readonly [start: number, end: number];
}

/** An empty sorted set. */
export function createSortedSet(): SortedSet {
  const sorted: ScoredMember[] = [];
  const byMember = new Map<string, ScoredMember>();

  const positionOf = (entry: ScoredMember) => firstIndex(sorted, (other) => !isBefore(other, entry));

  function remove(member: string): boolean {
    const entry = byMember.get(member);
    if (entry === undefined) return false;
    byMember.delete(member);
    sorted.splice(positionOf(entry), 1);
    return true;
  }

  return {
    size: () => sorted.length,
    score: (member) => byMember.get(member)?.score,
    set(member, score) {
      remove(member);
      const entry = { member, score };
      byMember.set(member, entry);
      sorted.splice(positionOf(entry), 0, entry);
    },
    remove,
    rank(member) {
      const entry = byMember.get(member);
      return entry && positionOf(entry);
    },
    slice: (start, end) => sorted.slice(start, Math.max(start, end)),
    removeSlice(start, end) {
      const removed = sorted.splice(start, Math.max(0, end - start));
      for (const { member } of removed) byMember.delete(member);
      return removed;
    },
    positions: ({ min, max }) => [
      firstIndex(sorted, (entry) => isAtLeast(entry.score, min)),
      firstIndex(sorted, (entry) => isBeyond(entry.score, max)),
    ],
  };
}

const isBefore = (a: ScoredMember, b: ScoredMember): boolean =>
  a.score < b.score || (a.score === b.score && a.member < b.member);

const isAtLeast = (score: number, min: ScoreBound): boolean =>
  min.exclusive ? score > min.score : score >= min.score;

const isBeyond = (score: number, max: ScoreBound): boolean =>
  max.exclusive ? score >= max.score : score > max.score;

/** The first index whose item passes, in an array where all that pass come after all that do not. */
function firstIndex<T>(items: readonly T[], passes: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item === undefined || passes(item)) high = middle;
    else low = middle + 1;
  }
  return low;
}
