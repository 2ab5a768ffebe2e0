import type { Clock } from "../clock.ts";
import { RUN_BATCH_BYTES } from "../limits.ts";
import type { Batching } from "../tasks/registry.ts";
import type { Ended } from "./batch-settle.ts";

/** What ended in a batch and was not sent yet: bounded in number, in bytes, and in time. */
export interface BatchEnds {
  readonly count: number;
  add(ended: Ended, batching: Batching): void;
  /** Whether one of the bounds is reached. */
  isFull(batching: Batching): boolean;
  take(): Ended[];
  stop(): void;
}

/** @param overdue called when the first of them has waited as long as its type allows */
export function gatherEnds(clock: Clock, overdue: () => void): BatchEnds {
  let ends: Ended[] = [];
  let bytes = 0;
  let cancelTimer: (() => void) | undefined;
  const stop = () => {
    cancelTimer?.();
    cancelTimer = undefined;
  };
  return {
    get count() {
      return ends.length;
    },
    add(ended, { settleWithinMs }) {
      ends.push(ended);
      const { outcome } = ended;
      // What else an attempt leaves is small, but a result may have 256 KB.
      if (outcome.kind === "completed") bytes += sizeOf(outcome.result);
      cancelTimer ??= clock.after(settleWithinMs, () => {
        cancelTimer = undefined;
        overdue();
      });
    },
    // Half of the size, so that the other half runs while Postgres writes.
    isFull: ({ size, settleWithinMs }) =>
      ends.length >= Math.ceil(size / 2) ||
      bytes >= RUN_BATCH_BYTES ||
      clock.now() - (ends[0]?.endedMs ?? Number.POSITIVE_INFINITY) >= settleWithinMs,
    take() {
      stop();
      const taken = ends;
      ends = [];
      bytes = 0;
      return taken;
    },
    stop,
  };
}

/** Of a result that is known to be JSON. */
function sizeOf(result: unknown): number {
  if (typeof result === "object" && result !== null) return JSON.stringify(result).length;
  return typeof result === "string" ? result.length : 8;
}
