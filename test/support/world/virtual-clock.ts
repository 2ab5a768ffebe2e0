import type { Clock } from "#core";
import { createTimeline } from "../../../packages/testing/timeline.ts";
import { createVirtualClock as clockOf } from "../../../packages/testing/virtual-clock.ts";
import { BEGINNING_MS } from "./world.ts";

/** A clock whose time passes only when the test says so. */
export interface VirtualClock extends Clock {
  /** Lets so many milliseconds pass; everything that can happen in them has happened afterwards. */
  pass(ms: number): Promise<void>;
}

/** @example const clock = createVirtualClock(); const slept = clock.sleep(5_000); await clock.pass(5_000); await slept; */
export function createVirtualClock(): VirtualClock {
  const timeline = createTimeline(BEGINNING_MS);
  const quiet = () => new Promise((resolve) => setImmediate(resolve));
  return {
    ...clockOf(timeline),
    async pass(ms) {
      const untilMs = timeline.nowMs + ms;
      await quiet();
      while ((timeline.nextMs ?? Number.POSITIVE_INFINITY) <= untilMs) {
        timeline.step();
        await quiet();
      }
      timeline.moveTo(untilMs);
    },
  };
}
