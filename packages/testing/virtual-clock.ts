import type { Clock } from "#core";
import type { Timeline } from "./timeline.ts";

/**
 * The clock that a timeline shows, in whole milliseconds.
 *
 * @param fallAsleep called when somebody begins to sleep; what it returns is called when they wake
 */
export function createVirtualClock(timeline: Timeline, fallAsleep: () => () => void = () => () => {}): Clock {
  return {
    now: () => timeline.nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wokeUp = fallAsleep();
        const wake = () => {
          cancel();
          signal?.removeEventListener("abort", wake);
          wokeUp();
          resolve();
        };
        const cancel = timeline.after(Math.ceil(ms), wake);
        signal?.addEventListener("abort", wake, { once: true });
      }),
    after: (ms, act) => timeline.after(Math.ceil(ms), act),
  };
}
