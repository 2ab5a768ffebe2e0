/** The limits of lines and of what limits may say; the others are in `limits.ts`. */

/** What a point of priority is worth in waiting: a task that has waited this long is ahead of a new one with a point more. */
export const PRIORITY_STEP_MS = 60_000;
/** What one claim does for lanes at most: news folded in, lanes woken, due tasks of a limited type that get a lane. */
export const LANES_FOLDED = 10_000;
export const LANES_WOKEN = 1_000;
export const LANES_MOVED = 200;
/** How many groups have their entries put right one by one, before all have. */
export const LANES_MENDED = 3;
/**
 * Where the lane that is next is held back, a claim looks at so many in the order of their turns before it looks at all
 * pools; and at one for so many pools, if that is more, for a lane takes as long as two or three of them.
 */
export const [LANES_LOOKED, POOLS_PER_LANE] = [10, 8];
/**
 * A claim that finds nothing to start in so many lanes, one after the other, puts many right at once; after the larger
 * number it starts nothing, and leaves the others to the next one.
 */
export const [LANES_MISSED, LANES_MISSED_MAX, LANES_PUT_RIGHT] = [5, 50, 10_000];
/** When to look again for a lane whose rows others have locked. */
export const LOCKED_LANE_MS = 1_000;
/** What a limit may say. Each start of a burst is remembered. */
export const PRIORITY_LIMIT = 100;
export const [CONCURRENCY_MAX, RATE_MAX, BURST_MAX] = [100_000, 1_000_000, 1_000];
export const [PERIOD_SECONDS_MAX, WEIGHT_MAX] = [31 * 86_400, 1_000];
