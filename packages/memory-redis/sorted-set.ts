/** One member of a sorted set. Members are bytes, so `<` is Redis's order of members with the same score. */
export interface ScoredMember {
  readonly member: string;
  readonly score: number;
}

/** Where a range of scores ends; an exclusive bound leaves its own score out. */
export interface ScoreBound {
  readonly score: number;
  readonly exclusive: boolean;
}

/** Members in the order of their scores, ties by member. */
export type SortedSet = ReturnType<typeof createSortedSet>;

/** An empty sorted set: one sorted array, in which an insertion among 10,000 members moves 40 KB. */
export function createSortedSet() {
  const sorted: ScoredMember[] = [];
  const scores = new Map<string, number>();

  /** The first position whose member passes, given that all members after one that passes do too. */
  function firstPosition(passes: (entry: ScoredMember) => boolean): number {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = sorted[middle];
      if (entry === undefined || passes(entry)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Where the member is, or where it has to go. */
  const positionOf = (member: string, score: number): number =>
    firstPosition((other) => other.score > score || (other.score === score && other.member >= member));

  /** Adds the member or moves it. */
  function set(member: string, score: number): void {
    if (scores.get(member) === score) return;
    remove(member);
    scores.set(member, score);
    sorted.splice(positionOf(member, score), 0, { member, score });
  }

  /** Answers false when the member was not there. */
  function remove(member: string): boolean {
    const score = scores.get(member);
    if (score !== undefined) sorted.splice(positionOf(member, score), 1);
    return scores.delete(member);
  }

  return {
    get size(): number {
      return sorted.length;
    },
    score: (member: string): number | undefined => scores.get(member),
    set,
    delete: remove,
    /** The members at positions `start` to `end`, `end` excluded. */
    slice: (start: number, end: number): ScoredMember[] => sorted.slice(start, end),
    /** The positions `[start, end)` of a range of scores; empty when `start >= end`. */
    positions: (min: ScoreBound, max: ScoreBound): readonly [start: number, end: number] => [
      firstPosition(({ score }) => score > min.score || (score === min.score && !min.exclusive)),
      firstPosition(({ score }) => score > max.score || (score === max.score && max.exclusive)),
    ],
  };
}
