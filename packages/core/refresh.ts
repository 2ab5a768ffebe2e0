import type { Cache } from "./cache.ts";
import type { Clock } from "./clock.ts";
import { TickworkError } from "./errors.ts";
import type { Logger } from "./log.ts";
import type { Ringer } from "./ringer.ts";
import type { Store } from "./store.ts";

export interface RefreshDeps {
  store: Pick<Store, "window">;
  cache: Pick<Cache, "rebuild">;
  ringer: Ringer;
  clock: Clock;
  log: Logger;
}

export interface RefreshReport {
  /** Waiting tasks in the window, as far as the cache takes them. */
  waiting: number;
  /** Running ones. */
  running: number;
  /** The window had more than the cache takes. */
  cut: boolean;
  durationMs: number;
}

/**
 * One refresh: reads the window from Postgres, puts it into the cache, and rings for what is due soon. It mends
 * whatever went wrong since the last one: a change that Redis missed, a ring that was lost.
 *
 * @throws TickworkError when Postgres does not answer, or the cache did not take the window
 */
export async function runRefresh({ store, cache, ringer, clock, log }: RefreshDeps): Promise<RefreshReport> {
  const began = clock.now();
  let window: Awaited<ReturnType<Store["window"]>> | undefined;
  const kept = await cache.rebuild(async () => {
    window = await store.window();
    return window;
  });
  if (!kept || !window)
    throw new TickworkError(
      "unavailable",
      "refresh_too_slow",
      "The refresh took so long that what it read may be old; the cache stays as it was.",
    );
  await ringer.ringFor(window.writes, window.nowMs);
  const running = window.writes.filter(({ kind }) => kind === "lease").length;
  const report = {
    waiting: window.writes.length - running,
    running,
    cut: window.cutAtMs !== undefined,
    durationMs: clock.now() - began,
  };
  log.debug("refreshed", { ...report });
  return report;
}
