/** The tasks of a worker that chaos torments, in place of those that ship. */
import { setTimeout as sleep } from "node:timers/promises";
import { defineTask, type TaskContext } from "#core";
import { BATCH_SIZE } from "./batch-size.ts";
import { openJournal } from "./handler-journal.ts";

/** What is posted. */
export interface WorkData {
  /** How long the handler takes. */
  ms: number;
  /** How often it fails before it succeeds; crashes do not count. */
  failures: number;
  /** It does not listen to its signal. */
  deaf: boolean;
}

/** Where a handler writes who settled: the audit compares it with the lease that was there. */
export const leaseOf = (rev: number): string => `lease ${rev}`;

const WATCH_MS = 100;
/** A process that did nothing for so long may have missed a renewal. */
const STALL_MS = 500;

const write = openJournal(process.env.CHAOS_JOURNAL ?? "/dev/null");

/** Says when this process stood still, whoever stopped it. */
let seen = Date.now();
setInterval(() => {
  const now = Date.now();
  if (now - seen >= STALL_MS) write({ event: "stall", since: seen });
  seen = now;
}, WATCH_MS).unref();

const define = (type: string) => ({
  type,
  backoffMs: () => 100,
  async run(data: unknown, { task, attempt, signal }: TaskContext) {
    const { ms, failures, deaf } = data as WorkData;
    const lease = { task: task.id, rev: task.rev };
    write({ event: "start", ...lease, attempt, slot: task.slot ?? -1 });
    try {
      await sleep(ms, undefined, deaf ? {} : { signal });
    } catch {
      write({ event: "end", ...lease, how: "aborted" });
      throw signal.reason;
    }
    const failed = (task.history ?? []).filter(({ outcome }) => outcome === "failed").length;
    if (failed < failures) {
      write({ event: "end", ...lease, how: "failed" });
      throw new Error(`failure ${failed + 1} of ${failures}, by ${leaseOf(task.rev)}`);
    }
    write({ event: "end", ...lease, how: "completed" });
    return { by: leaseOf(task.rev) };
  },
});

export const definitions = [
  defineTask(define("work")),
  defineTask({ ...define("short"), batch: { size: BATCH_SIZE, settleWithinMs: 100 } }),
];
