import type { Doorbell, Logger, TickEvent } from "#core";
import { isLook } from "../core/doorbell/doorbell.ts";
import { messageOf } from "../core/errors.ts";

/** A timer may fire slightly early; its tick then sleeps for the rest. */
const EARLY_MS = 1_000;
/** Timers that only look come at multiples of this, together. */
const LOOK_STEP_MS = 100;
/** What `setTimeout` can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface TimerDoorbell extends Doorbell {
  /** Starts no more ticks; resolves when the running ones have ended. */
  stop(): Promise<void>;
}

/**
 * The doorbell of one machine: timers that call the function `tick`. Rings for the same millisecond are merged, those
 * that only look for the same tenth of a second, and immediate rings until their tick has begun.
 */
export function createTimerDoorbell(
  invoke: (event: TickEvent) => Promise<unknown>,
  log: Logger,
): TimerDoorbell {
  const timers = new Map<number, { timer: NodeJS.Timeout; event: TickEvent }>();
  const running = new Set<Promise<void>>();
  let pending: { event: TickEvent } | undefined;
  let stopped = false;

  const start = (event: TickEvent) => {
    const run = invoke(event)
      .then(() => {})
      .catch((error: unknown) => log.error("a tick failed", { error: messageOf(error) }))
      .finally(() => running.delete(run));
    running.add(run);
  };
  const ring = (event: TickEvent = {}) => {
    if (stopped) return;
    if (pending) {
      pending.event = { ...pending.event, ...event };
      return;
    }
    const next = { event };
    pending = next;
    setImmediate(() => {
      pending = undefined;
      if (!stopped) start(next.event);
    });
  };
  const ringIn = (delayMs: number, event: TickEvent = {}) => {
    if (stopped) return;
    if (delayMs <= 0) return ring(event);
    const stepMs = isLook(event) ? LOOK_STEP_MS : 1;
    const at = Math.ceil((Date.now() + delayMs) / stepMs) * stepMs;
    const same = timers.get(at);
    if (same) {
      same.event = { ...same.event, ...event };
      return;
    }
    const timer = setTimeout(
      () => {
        timers.delete(at);
        ring(next.event);
      },
      Math.min(at - Date.now(), LONGEST_TIMER_MS),
    );
    const next = { timer, event };
    timers.set(at, next);
  };

  return {
    earlyMs: EARLY_MS,
    ring: async (event) => ring(event),
    ringAt: async ({ inMs }) => ringIn(inMs),
    ringAfter: async (delayMs, event) => ringIn(delayMs, event),
    async stop() {
      stopped = true;
      for (const { timer } of timers.values()) clearTimeout(timer);
      timers.clear();
      await Promise.all(running);
    },
  };
}
