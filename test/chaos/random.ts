/** Chance that can be told again: the same seed, the same numbers. */
export interface Random {
  /** From 0 up to but not 1. */
  fraction(): number;
  /** A whole number, both ends included. */
  whole(min: number, max: number): number;
  pick<T>(from: readonly T[]): T | undefined;
  chance(probability: number): boolean;
}

/** mulberry32: small, and random enough for a choice of faults. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    fraction,
    whole: (min, max) => min + Math.floor(fraction() * (max - min + 1)),
    pick: (from) => from[Math.floor(fraction() * from.length)],
    chance: (probability) => fraction() < probability,
  };
}
