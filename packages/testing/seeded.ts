/** Numbers from 0 to 1, evenly distributed: `Math.random`, or what takes its place. */
export type Random = () => number;

/**
 * Numbers that follow from a seed (mulberry32): chance that can be repeated.
 *
 * @example const random = seeded(1); random(); // 0.627…, every time
 */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
