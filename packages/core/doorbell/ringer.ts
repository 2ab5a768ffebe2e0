import type { Clock, Moment } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { CLOCKS_AGREE_MS, EXPIRY_MARGIN_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Standing } from "../tasks/standing.ts";
import type { Doorbell, TickEvent } from "./doorbell.ts";

/** Rings the doorbell. A failure to ring is logged and breaks nothing, for the next refresh rings again. */
export interface Ringer {
  /** As the doorbell's own. */
  readonly earlyMs: number;
  ring(event?: TickEvent): Promise<void>;
  ringAfter(delayMs: number, event?: TickEvent): Promise<void>;
  /** For what is due then, if that is near; what is due later, a refresh rings for. `what` goes into the log. */
  ringAt(due: Moment, what?: Record<string, unknown>): Promise<void>;
  /** For waiting tasks when they are due, and for running ones when their lease has ended. */
  ringFor(standings: readonly Standing[], nowMs: number, event?: TickEvent): Promise<void>;
}

/** @param options.horizonMs what is due later than this from now is not near */
export function createRinger(
  doorbell: Doorbell,
  clock: Clock,
  log: Logger,
  { horizonMs }: { horizonMs: number },
): Ringer {
  const trying = async (what: Record<string, unknown>, ring: () => Promise<void>) => {
    try {
      await ring();
    } catch (error) {
      log.error("the doorbell could not be rung; the next refresh rings again", {
        ...what,
        error: messageOf(error),
      });
    }
  };
  const ringer: Ringer = {
    earlyMs: doorbell.earlyMs,
    ring: (event) => trying({ ...event }, () => doorbell.ring(event)),
    ringAfter: (delayMs, event) => trying({ delayMs }, () => doorbell.ringAfter(delayMs, event)),
    ringAt: async (due, what = {}) => {
      if (due.inMs > horizonMs) return;
      // If our clock is wrong, a ring at a time by it would come at once, again and again, or late: go by how long it is
      // until then.
      const disagreementMs = Math.abs(due.atMs - clock.now() - due.inMs);
      await trying({ ...what, dueAtMs: due.atMs }, () =>
        disagreementMs > CLOCKS_AGREE_MS ? doorbell.ringAfter(Math.max(0, due.inMs)) : doorbell.ringAt(due),
      );
    },
    ringFor: async (standings, nowMs, event) => {
      const tasksByTime = new Map<number, number>();
      let leaseEndMs = Number.POSITIVE_INFINITY;
      for (const standing of standings) {
        if (standing.kind === "running") leaseEndMs = Math.min(leaseEndMs, standing.atMs);
        // Everything that is due already is one ring.
        if (standing.kind === "waiting") tasksByTime.set(Math.max(standing.atMs, nowMs), standing.id);
      }
      await Promise.all(
        timesToRing([...tasksByTime.keys()], nowMs, doorbell.earlyMs).map((atMs) =>
          atMs <= nowMs
            ? ringer.ring(event)
            : ringer.ringAt({ atMs, inMs: atMs - nowMs }, { task: tasksByTime.get(atMs) }),
        ),
      );
      if (leaseEndMs < Number.POSITIVE_INFINITY)
        await ringer.ringAfter(Math.max(0, leaseEndMs - nowMs) + EXPIRY_MARGIN_MS);
    },
  };
  return ringer;
}

/** The first time, and those that its ring does not cover: a tick that comes early stays for what follows closely. */
function timesToRing(times: readonly number[], nowMs: number, earlyMs: number): number[] {
  const sorted = times.toSorted((a, b) => a - b);
  const [first = 0] = sorted;
  const coveredMs = first - nowMs <= earlyMs ? nowMs + earlyMs : first;
  return sorted.filter((atMs) => atMs === first || atMs > coveredMs);
}
