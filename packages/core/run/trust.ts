import type { Config } from "../config.ts";
import { horizonMsOf } from "../doorbell/ringer.ts";
import type { Trust } from "../gate/gate.ts";
import { WINDOW_MS } from "../limits.ts";

type Times = Pick<Config, "refreshIntervalSeconds" | "maxUnseenSeconds">;

/** How long after Postgres was read it is read again, in milliseconds: a whole number of intervals. */
function readEveryMsOf({ refreshIntervalSeconds, maxUnseenSeconds }: Times): number {
  return Math.floor(maxUnseenSeconds / refreshIntervalSeconds) * refreshIntervalSeconds * 1000;
}

/** When a refresh may go by the cache alone; undefined: never. */
export function trustOf(config: Times): Trust | undefined {
  const intervalMs = config.refreshIntervalSeconds * 1000;
  const readEveryMs = readEveryMsOf(config);
  if (readEveryMs <= intervalMs) return undefined;
  return {
    // No refresh is as punctual as the interval says.
    youngMs: readEveryMs - intervalMs / 2,
    wholeMs: WINDOW_MS + intervalMs,
    aheadMs: horizonMsOf(config),
  };
}

/**
 * Tasks due within this time are cached. Where Postgres is not read at each refresh, it is as much longer as no refresh
 * may read it: the window has to reach four hours ahead until the next one that does.
 *
 * @example windowMsOf({ refreshIntervalSeconds: 600, maxUnseenSeconds: 600 }); // 14,400,000
 */
export function windowMsOf(config: Times): number {
  return trustOf(config)
    ? WINDOW_MS + readEveryMsOf(config) + config.refreshIntervalSeconds * 1000
    : WINDOW_MS;
}
