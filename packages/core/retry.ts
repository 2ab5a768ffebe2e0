import type { Clock } from "./clock.ts";
import {
  FAILED_TICK_PAUSE_MAX_MS,
  FAILED_TICK_PAUSE_MS,
  TRANSIENT_ATTEMPTS,
  TRANSIENT_BACKOFF_MAX_MS,
  TRANSIENT_BACKOFF_MS,
} from "./limits.ts";

/** The pause before try `n` (1 is the first retry): exponential, with full jitter, so that many do not come at once. */
export function backoffMs(
  n: number,
  firstMs: number,
  maxMs: number,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(n - 1, 30));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}

/** Repeats what failed for a passing reason, a bounded number of times. Only for what is safe to do twice. */
export async function retrying<T>(
  clock: Clock,
  work: () => Promise<T>,
  isTransient: (error: unknown) => boolean,
): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await work();
    } catch (error) {
      if (n >= TRANSIENT_ATTEMPTS || !isTransient(error)) throw error;
      await clock.sleep(backoffMs(n, TRANSIENT_BACKOFF_MS, TRANSIENT_BACKOFF_MAX_MS));
    }
  }
}

/** Ticks that failed try again together, at a multiple of the pause. */
export function untilRetryMs(nowMs: number, failuresBefore: number): number {
  const pauseMs = Math.min(FAILED_TICK_PAUSE_MS * 2 ** failuresBefore, FAILED_TICK_PAUSE_MAX_MS);
  return Math.ceil((nowMs + pauseMs / 2) / pauseMs) * pauseMs - nowMs;
}
