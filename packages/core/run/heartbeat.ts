import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { PROGRESS_INTERVAL_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Lease } from "../store/lease.ts";
import type { Store } from "../store/store.ts";
import type { Standing } from "../tasks/standing.ts";
import type { AbortCode } from "./abort.ts";

export interface HeartbeatDeps {
  store: Pick<Store, "renew">;
  clock: Clock;
  log: Logger;
  leaseMs: number;
}

export interface HeartbeatOptions {
  lease: Lease;
  /** When the handler's time limit is reached, by the worker's clock. */
  deadlineMs: number;
  /** Aborts the handler's signal. */
  abort(code: AbortCode): void;
  /** Called after each renewal, so that the flag is renewed too. */
  renewed(standing: Standing): void;
}

export interface Heartbeat {
  /** Reports how far the task is, 0 to 1; written at most once a second. */
  progress(fraction: number): Promise<void>;
  /** A beat under way is not awaited: the outcome is written at once, and the beat's answer is ignored. */
  stop(): void;
}

/** @throws RangeError when it is no part of a whole */
export function checkFraction(fraction: number): void {
  if (!(fraction >= 0 && fraction <= 1))
    throw new RangeError(`progress must be from 0 to 1, got ${fraction}`);
}

/**
 * Renews the lease every third of its life while the handler runs. Aborts the handler at its deadline, when the lease
 * is known to be lost, and when it cannot be known: Postgres has not answered, or the process stood still, and the
 * lease may have ended.
 */
export function startHeartbeat(deps: HeartbeatDeps, options: HeartbeatOptions): Heartbeat {
  const { store, clock, log, leaseMs } = deps;
  const { lease, deadlineMs, abort, renewed } = options;
  let validUntilMs = lease.leasedAt + leaseMs;
  let nextBeatMs = lease.leasedAt + leaseMs / 3;
  let deadlinePassed = false;
  let beating = false;
  let stopped = false;
  let wakeMs = nextBeatMs;
  let cancelTimer = () => {};
  let reported: number | undefined;
  let progressWrittenMs = 0;

  /** One renewal. Never throws: while the lease holds, the next one may succeed. */
  const beat = async () => {
    const sentMs = clock.now();
    const progress = reported;
    reported = undefined;
    try {
      const renewal = await store.renew(lease, progress);
      // The attempt is over: its outcome is being written, and the flag may already be given back.
      if (stopped) return;
      if (!renewal) {
        cancelTimer();
        return abort("lease_lost");
      }
      validUntilMs = sentMs + leaseMs;
      progressWrittenMs = sentMs;
      if (renewal.cancelRequested) abort("cancelled");
      renewed(renewal.standing);
    } catch (error) {
      if (stopped) return;
      log.warn("a lease could not be renewed", { task: lease.task.id, error: messageOf(error) });
    }
  };
  /** Not awaited: the timer has to go on, to see when the lease ends meanwhile. */
  const beatBeside = async () => {
    if (beating) return;
    beating = true;
    await beat();
    beating = false;
  };
  const look = () => {
    const now = clock.now();
    // Nothing could be renewed in a process that stood still; a handler that computes for long may be why.
    if (now >= validUntilMs) return abort(now - wakeMs >= leaseMs / 3 ? "stalled" : "lease_lost");
    if (!deadlinePassed && now >= deadlineMs) {
      deadlinePassed = true;
      abort("timeout");
    }
    if (now >= nextBeatMs) {
      nextBeatMs = now + leaseMs / 3;
      void beatBeside();
    }
    wait();
  };
  const wait = () => {
    wakeMs = Math.min(nextBeatMs, validUntilMs, deadlinePassed ? Number.POSITIVE_INFINITY : deadlineMs);
    cancelTimer = clock.after(Math.max(0, wakeMs - clock.now()), look);
  };
  wait();

  return {
    async progress(fraction) {
      checkFraction(fraction);
      reported = fraction;
      if (stopped || clock.now() - progressWrittenMs < PROGRESS_INTERVAL_MS) return;
      progressWrittenMs = clock.now();
      await beat();
    },
    stop() {
      stopped = true;
      cancelTimer();
    },
  };
}
