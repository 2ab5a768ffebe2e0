import { seeded as fractions } from "../../../packages/testing/seeded.ts";

/** Chance that can be told again: the same seed, the same numbers. */
export interface Random {
  /** From 0 up to but not 1. */
  fraction(): number;
  /** A whole number, both ends included. */
  whole(min: number, max: number): number;
  pick<T>(from: readonly T[]): T | undefined;
  chance(probability: number): boolean;
}

export function seeded(seed: number): Random {
  const fraction = fractions(seed);
  return {
    fraction,
    whole: (min, max) => min + Math.floor(fraction() * (max - min + 1)),
    pick: (from) => from[Math.floor(fraction() * from.length)],
    chance: (probability) => fraction() < probability,
  };
}
