import type { Clock } from "../clock.ts";
import { RUN_BATCH_BYTES } from "../limits.ts";
import type { Batching } from "../tasks/registry.ts";
import type { Ended } from "./batch-settle.ts";

/** What ended in a batch and was not sent yet: bounded in number, in bytes, and in time. */
export interface BatchEnds {
  readonly count: number;
  /** They fill a statement. */
  readonly isLarge: boolean;
  add(ended: Ended, batching: Batching): void;
  /** Whether one of the bounds is reached. */
  isFull(batching: Batching): boolean;
  take(): Ended[];
  stop(): void;
}

/** @param overdue called when the first of them has waited as long as its type allows */
export function gatherEnds(clock: Clock, overdue: () => void): BatchEnds {
  const ends: Ended[] = [];
  const sizes: number[] = [];
  let bytes = 0;
  let cancelTimer: (() => void) | undefined;
  const stop = () => {
    cancelTimer?.();
    cancelTimer = undefined;
  };
  return {
    get isLarge() {
      return bytes >= RUN_BATCH_BYTES;
    },
    get count() {
      return ends.length;
    },
    add(ended, { settleWithinMs }) {
      const { outcome } = ended;
      const json = outcome.kind === "completed" ? JSON.stringify(outcome.result) : undefined;
      ends.push({ ...ended, json });
      // A result may have 256 KB, an error the messages of 20 attempts.
      const size = (json ?? JSON.stringify(outcome)).length;
      sizes.push(size);
      bytes += size;
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
      let count = 0;
      for (let sum = 0; count < ends.length; count++) {
        sum += sizes[count] ?? 0;
        if (count > 0 && sum > RUN_BATCH_BYTES) break;
      }
      const taken = ends.splice(0, count);
      for (const size of sizes.splice(0, count)) bytes -= size;
      // What does not fit follows at once.
      if (ends.length > 0) overdue();
      return taken;
    },
    stop,
  };
}
