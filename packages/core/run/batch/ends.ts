import type { Clock } from "../../clock.ts";
import { RUN_BATCH_BYTES, RUN_BATCH_PORTION } from "../../limits.ts";
import type { Batching } from "../../tasks/registry.ts";
import type { Ended } from "./settle.ts";

/** What ended in a batch and was not sent yet: bounded in number, in bytes, and in time. */
export interface BatchEnds {
  readonly count: number;
  /** They fill a statement. */
  readonly isLarge: boolean;
  /** One of the bounds is reached. */
  readonly isFull: boolean;
  add(ended: Ended, batching: Batching): void;
  /**
   * As many as fit into a statement.
   *
   * @param leader given for a statement that only settles: its end stays, or else the latest one, so that the next statement
   *   that leases has an end to write
   */
  take(leader?: number): Ended[];
  stop(): void;
}

/** @param overdue called when the first of them has waited as long as its type allows */
export function gatherEnds(clock: Clock, overdue: () => void): BatchEnds {
  let ends: { ended: Ended; size: number }[] = [];
  let bytes = 0;
  let [portion, settleWithinMs] = [1, 0];
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
    get isFull() {
      return (
        ends.length >= portion ||
        bytes >= RUN_BATCH_BYTES ||
        clock.now() - (ends[0]?.ended.endedMs ?? Number.POSITIVE_INFINITY) >= settleWithinMs
      );
    },
    add(ended, batching) {
      const { outcome } = ended;
      const json = outcome.kind === "completed" ? JSON.stringify(outcome.result) : undefined;
      // A result may have 256 KB, an error the messages of 20 attempts.
      const size = (json ?? JSON.stringify(outcome)).length;
      ends.push({ ended: { ...ended, json }, size });
      bytes += size;
      settleWithinMs = batching.settleWithinMs;
      // Not all of the size, so that the others run while Postgres writes.
      portion = Math.min(Math.ceil(batching.size / 2), RUN_BATCH_PORTION);
      cancelTimer ??= clock.after(settleWithinMs, () => {
        cancelTimer = undefined;
        overdue();
      });
    },
    take(leader) {
      stop();
      const isLeader = ({ ended }: (typeof ends)[number]) => ended.task.id === leader;
      const kept = leader === undefined ? undefined : (ends.find(isLeader) ?? ends.at(-1));
      const taken: Ended[] = [];
      const left: typeof ends = [];
      let sum = 0;
      for (const end of ends) {
        if (end !== kept) sum += end.size;
        if (end === kept || (taken.length > 0 && sum > RUN_BATCH_BYTES)) left.push(end);
        else taken.push(end.ended);
      }
      ends = left;
      bytes = left.reduce((total, { size }) => total + size, 0);
      return taken;
    },
    stop,
  };
}
