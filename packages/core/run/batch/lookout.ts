/** What looks after a batch while its handlers run: its leases, the time of a handler, and who was cancelled. */
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { PROGRESS_INTERVAL_MS } from "../../limits.ts";
import type { Logger } from "../../log.ts";
import type { Store } from "../../store/store.ts";
import type { Standing } from "../../tasks/standing.ts";
import type { AbortCode } from "../abort.ts";
import { checkFraction } from "../heartbeat.ts";
import type { Call } from "./handler.ts";
import type { BatchLeases } from "./leases.ts";

export interface LookoutDeps {
  store: Pick<Store, "renewBatch">;
  clock: Clock;
  log: Logger;
  leaseMs: number;
}

export interface LookoutOptions {
  /** What runs now. */
  call(): Call | undefined;
  /** The leases are lost, or may be. */
  lose(code: AbortCode): void;
  /** Has a statement wait for those before it: both would lock the same rows. */
  send(work: () => Promise<void>): Promise<void>;
  renewed(standings: readonly Standing[]): void;
}

export interface Lookout {
  /** Makes sure that it looks then, too. */
  lookBy(atMs: number): void;
  /** Reports how far a task is; written at most once a second, whichever task of the batch it is. */
  progress(id: number, fraction: number): Promise<void>;
  stop(): void;
}

/** As the heartbeat of a single task, but with one timer for all of them: short tasks are many. */
export function keepLookout(deps: LookoutDeps, leases: BatchLeases, options: LookoutOptions): Lookout {
  const { store, clock, log, leaseMs } = deps;
  const { call, lose, send, renewed } = options;
  let cancelTimer = () => {};
  let wakeMs = Number.POSITIVE_INFINITY;
  /** When a renewal was tried last, and when a progress was written. */
  let triedMs = Number.NEGATIVE_INFINITY;
  let progressMs = Number.NEGATIVE_INFINITY;

  const cancel = (id: number) => {
    const entry = leases.get(id);
    if (entry) entry.cancelled = true;
    const running = call();
    if (!running?.tasks.some((task) => task.id === id)) return;
    if (running.tasks.length === 1) running.abort("cancelled");
    else running.cancel(id);
  };
  /** Never rejects: while the leases hold, the next renewal may succeed. */
  const renew = async (progress?: { id: number; fraction: number }) => {
    if (leases.size === 0) return;
    const { tokens, leader } = leases;
    const sentMs = clock.now();
    try {
      const renewal = await store.renewBatch({ leader, tokens }, progress);
      if (!renewal) return lose("lease_lost");
      leases.renewed(sentMs, tokens);
      renewal.cancelled.forEach(cancel);
      renewed(renewal.standings);
    } catch (error) {
      log.warn("the leases of a batch could not be renewed", {
        tasks: leases.size,
        error: messageOf(error),
      });
    }
  };
  const look = () => {
    const now = clock.now();
    const { oldestMs } = leases;
    const endsMs = oldestMs + leaseMs;
    const beatMs = () => Math.max(oldestMs, triedMs) + leaseMs / 3;
    const deadlineMs = call()?.deadlineMs ?? Number.POSITIVE_INFINITY;
    // Nothing could be renewed in a process that stood still; a handler that computes for long may be why.
    if (now >= endsMs) lose(now - wakeMs >= leaseMs / 3 ? "stalled" : "lease_lost");
    else if (now >= beatMs()) {
      triedMs = now;
      void send(() => renew());
    }
    if (now >= deadlineMs) call()?.abort("timeout");
    wait(Math.min(now + leaseMs / 3, ...[beatMs(), endsMs, deadlineMs].filter((atMs) => atMs > now)));
  };
  const wait = (atMs: number) => {
    cancelTimer();
    wakeMs = atMs;
    cancelTimer = clock.after(Math.max(0, atMs - clock.now()), look);
  };
  wait(leases.oldestMs + leaseMs / 3);

  return {
    lookBy: (atMs) => {
      if (atMs < wakeMs) wait(atMs);
    },
    async progress(id, fraction) {
      checkFraction(fraction);
      const now = clock.now();
      if (!leases.get(id) || now - progressMs < PROGRESS_INTERVAL_MS) return;
      progressMs = now;
      await send(() => renew({ id, fraction }));
    },
    stop: () => cancelTimer(),
  };
}
