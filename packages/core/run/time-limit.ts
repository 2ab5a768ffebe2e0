import type { Clock } from "../clock.ts";
import { ABORT_GRACE_MS } from "../limits.ts";
import { TaskAborted } from "./abort.ts";

/** The time that one tick has, as two signals and a number. */
export interface TimeLimit {
  /** Aborts when no task may be claimed any more. */
  drain: AbortSignal;
  /** Aborts when running handlers have to stop; its reason is a TaskAborted. */
  interrupt: AbortSignal;
  /** Milliseconds until the invocation ends; infinite where nothing ends it. */
  leftMs(): number;
  /** Forgets the timers and listeners. */
  stop(): void;
}

/** A reason of our own: without one, every abort would create an exception with its stack. */
const OUT_OF_TIME = Symbol("the invocation is nearly out of time");

/**
 * Derives a tick's signals from those of the process. An invocation that ends at a known time drains
 * `shutdownWaitMs` before its end, but not in its first half, and interrupts a moment before its end, so that handlers
 * can still settle.
 */
export function startTimeLimit(
  { clock, shutdownWaitMs }: { clock: Clock; shutdownWaitMs: number },
  process: { timeLeftMs?: number; drain: AbortSignal; interrupt: AbortSignal },
): TimeLimit {
  const { timeLeftMs, drain, interrupt } = process;
  if (timeLeftMs === undefined)
    return { drain, interrupt, leftMs: () => Number.POSITIVE_INFINITY, stop: () => {} };
  const endsAtMs = clock.now() + timeLeftMs;
  const draining = follow(drain);
  const interrupting = follow(interrupt);
  // Time for a handler to settle after its signal, and for the tick to write the outcome.
  const marginMs = Math.min(2 * ABORT_GRACE_MS, timeLeftMs / 2);
  const drainInMs = timeLeftMs - Math.max(marginMs, Math.min(shutdownWaitMs, timeLeftMs / 2));
  const cancelDrain = clock.after(drainInMs, () => draining.abort(OUT_OF_TIME));
  const cancelInterrupt = clock.after(timeLeftMs - marginMs, () =>
    interrupting.abort(new TaskAborted("time_limit")),
  );
  return {
    drain: draining.signal,
    interrupt: interrupting.signal,
    leftMs: () => endsAtMs - clock.now(),
    stop: () => {
      cancelDrain();
      cancelInterrupt();
      draining.unfollow();
      interrupting.unfollow();
    },
  };
}

/**
 * A signal of our own that aborts when another one does. `AbortSignal.any` would leave something behind in a signal
 * that lives as long as the process, for every tick.
 */
function follow(signal: AbortSignal) {
  const own = new AbortController();
  const onAbort = () => own.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return {
    signal: own.signal,
    abort: (reason: unknown) => own.abort(reason),
    unfollow: () => signal.removeEventListener("abort", onAbort),
  };
}
