/** What was measured, as it is kept and shown. */
import { median } from "../scripts/median.ts";

/** The numbers of one contender in one column, one a round. */
export interface Cell {
  contender: string;
  /** `drain.perSecond` */
  column: string;
  /** Added to each round trip. */
  delayMs: number;
  values: number[];
}

export interface Results {
  /** `2 cores (AMD EPYC), Node v24.1.0, PostgreSQL 15.1, Redis 7.0.1` */
  machine: string;
  /** By the names of their packages. */
  versions: Record<string, string>;
  cells: Cell[];
}

export const NOTHING: Results = { machine: "", versions: {}, cells: [] };

const same = (one: Cell, other: Cell) =>
  one.contender === other.contender && one.column === other.column && one.delayMs === other.delayMs;

/** Later results in place of earlier ones; what was not measured again stays. */
export function merge(earlier: Results, later: Results): Results {
  const kept = earlier.cells.filter((cell) => !later.cells.some((other) => same(cell, other)));
  return { ...later, cells: [...kept, ...later.cells] };
}

/** The numbers of each round; undefined if it was not measured. */
export function valuesOf({ cells }: Results, contender: string, column: string, delayMs = 0) {
  return cells.find((cell) => same(cell, { contender, column, delayMs, values: [] }))?.values;
}

export function medianOf(
  results: Results,
  contender: string,
  column: string,
  delayMs = 0,
): number | undefined {
  const values = valuesOf(results, contender, column, delayMs);
  return values && median(values);
}

/** The median of the rounds' ratios, so that what slows down the machine for a while slows down both. */
export function ratioOf(
  results: Results,
  [contender, other]: readonly [string, string],
  column: string,
  delayMs = 0,
): number | undefined {
  const values = valuesOf(results, contender, column, delayMs);
  const others = valuesOf(results, other, column, delayMs);
  if (!values || !others) return undefined;
  return median(values.flatMap((value, round) => (others[round] === undefined ? [] : value / others[round])));
}
