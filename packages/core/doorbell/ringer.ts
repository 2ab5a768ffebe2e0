import type { Clock, Moment } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { CLOCKS_AGREE_MS, EXPIRY_MARGIN_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Standing } from "../tasks/standing.ts";
import type { Doorbell, TickEvent } from "./doorbell.ts";

/** Rings the doorbell so that a failure to ring breaks nothing: it is logged, and the next refresh rings again. */
export type Ringer = ReturnType<typeof createRinger>;

export function createRinger(doorbell: Doorbell, clock: Clock, log: Logger, options: { horizonMs: number }) {
  const trying = async (what: Record<string, unknown>, ring: () => Promise<void>) => {
    try {
      await ring();
    } catch (error) {
      log.error("the doorbell could not be rung; the next refresh will", {
        ...what,
        error: messageOf(error),
      });
    }
  };
  const ringer = {
    earlyMs: doorbell.earlyMs,
    ring: (event?: TickEvent) => trying({ ...event }, () => doorbell.ring(event)),
    ringAfter: (delayMs: number, event?: TickEvent) =>
      trying({ delayMs }, () => doorbell.ringAfter(delayMs, event)),
    /** For a due time that is near; the refresh rings for the others when they come near. */
    ringAt: async (due: Moment, what: Record<string, unknown> = {}) => {
      if (due.inMs > options.horizonMs) return;
      // A clock that says another time than ours would have us rung at once and again: go by how long it says.
      const disagreementMs = Math.abs(due.atMs - clock.now() - due.inMs);
      await trying({ ...what, dueAtMs: due.atMs }, () =>
        disagreementMs > CLOCKS_AGREE_MS ? doorbell.ringAfter(Math.max(0, due.inMs)) : doorbell.ringAt(due),
      );
    },
    /** For tasks as they stand in the cache: the waiting ones when they are due, the running ones when their lease ends. */
    ringFor: async (writes: readonly Standing[], nowMs: number, event?: TickEvent) => {
      const due = new Map<number, number>();
      let leaseEndMs = Number.POSITIVE_INFINITY;
      for (const write of writes) {
        if (write.kind === "running") leaseEndMs = Math.min(leaseEndMs, write.atMs);
        // Everything that is due already is one ring.
        if (write.kind === "waiting") due.set(Math.max(write.atMs, nowMs), write.id);
      }
      // A tick that comes early stays for what follows closely: of what one ring covers, ring for the first.
      const times = [...due.keys()].sort((a, b) => a - b);
      const covered = (times[0] ?? 0) - nowMs <= doorbell.earlyMs ? nowMs + doorbell.earlyMs : 0;
      const rings = times.filter((atMs, n) => n === 0 || atMs > covered);
      await Promise.all(
        rings.map((atMs) =>
          atMs <= nowMs
            ? ringer.ring(event)
            : ringer.ringAt({ atMs, inMs: atMs - nowMs }, { task: due.get(atMs) }),
        ),
      );
      if (leaseEndMs < Number.POSITIVE_INFINITY)
        await ringer.ringAfter(Math.max(0, leaseEndMs - nowMs) + EXPIRY_MARGIN_MS);
    },
  };
  return ringer;
}
