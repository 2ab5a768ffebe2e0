import { parseInteger } from "./integers.ts";

/** Given a length, the positions `[from, to)` a command asked for. */
export type Positions = (length: number) => readonly [from: number, to: number];

/** Reads the `start` and `stop` of LRANGE or ZRANGE: `stop` is included, negatives count from the end. */
export function parsePositions(start: string, stop: string): Positions {
  const [first, last] = [parseInteger(start), parseInteger(stop)];
  return (length) => {
    const from = Math.max(0, first < 0 ? first + length : first);
    const to = Math.min(length, (last < 0 ? last + length : last) + 1);
    return [from, Math.max(from, to)];
  };
}
