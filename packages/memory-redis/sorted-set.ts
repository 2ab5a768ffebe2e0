import { createOrderedList } from "./ordered-list.ts";
import type { ScoreBound, ScoreRange } from "./scores.ts";

/** One member of a sorted set. Members are bytes, so `<` is Redis's order for equal scores. */
export interface ScoredMember {
  readonly member: string;
  readonly score: number;
}

/** Members in the order of their scores, ties by member, and a score for each member. */
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
  const sorted = createOrderedList(isBefore);
  const byMember = new Map<string, ScoredMember>();

  function remove(member: string): boolean {
    const entry = byMember.get(member);
    if (entry === undefined) return false;
    byMember.delete(member);
    sorted.remove(entry);
    return true;
  }

  return {
    size: () => byMember.size,
    score: (member) => byMember.get(member)?.score,
    set(member, score) {
      remove(member);
      const entry = { member, score };
      byMember.set(member, entry);
      sorted.insert(entry);
    },
    remove,
    rank(member) {
      const entry = byMember.get(member);
      return entry && sorted.firstPosition((other) => !isBefore(other, entry));
    },
    slice: (start, end) => sorted.slice(start, end),
    removeSlice(start, end) {
      const removed = sorted.removeSlice(start, end);
      for (const { member } of removed) byMember.delete(member);
      return removed;
    },
    positions: ({ min, max }) => [
      sorted.firstPosition(({ score }) => isAtLeast(score, min)),
      sorted.firstPosition(({ score }) => isBeyond(score, max)),
    ],
  };
}

const isBefore = (a: ScoredMember, b: ScoredMember): boolean =>
  a.score < b.score || (a.score === b.score && a.member < b.member);

const isAtLeast = (score: number, min: ScoreBound): boolean =>
  min.exclusive ? score > min.score : score >= min.score;

const isBeyond = (score: number, max: ScoreBound): boolean =>
  max.exclusive ? score >= max.score : score > max.score;
