import type { Clock, Moment } from "../clock.ts";
import type { Config } from "../config.ts";
import { messageOf } from "../errors.ts";
import { CLOCKS_AGREE_MS, EXPIRY_MARGIN_MS, WINDOW_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Coming, Standing } from "../tasks/standing.ts";
import type { Doorbell, TickEvent } from "./doorbell.ts";

/** Rings the doorbell. A failure to ring is logged and breaks nothing, for the next refresh rings again. */
export interface Ringer {
  /** As the doorbell's own. */
  readonly earlyMs: number;
  ring(event?: TickEvent): Promise<void>;
  /** If that is within the window: there is a refresh before anything later. Says whether it was rung. */
  ringAfter(delayMs: number, event?: TickEvent): Promise<boolean>;
  /** For what is due then, if that is near; what is due later, a refresh rings for. `what` goes into the log. */
  ringAt(due: Moment, what?: Record<string, unknown>): Promise<void>;
  /** For waiting tasks when they are due, and for running ones when their lease has ended. */
  ringFor(standings: readonly (Standing | Coming)[], nowMs: number, event?: TickEvent): Promise<void>;
}

/** What is due later than this from now, a later refresh rings for: the next one but one, at the latest. */
export const horizonMsOf = ({ refreshIntervalSeconds }: Pick<Config, "refreshIntervalSeconds">): number =>
  2 * refreshIntervalSeconds * 1000;

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
      return true;
    } catch (error) {
      log.error("the doorbell could not be rung; the next refresh rings again", {
        ...what,
        error: messageOf(error),
      });
      return false;
    }
  };
  const ringer: Ringer = {
    earlyMs: doorbell.earlyMs,
    ring: async (event) => {
      await trying({ ...event }, () => doorbell.ring(event));
    },
    ringAfter: async (delayMs, event) =>
      delayMs <= WINDOW_MS && trying({ delayMs }, () => doorbell.ringAfter(delayMs, event)),
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
        if (standing.kind === "waiting" || standing.kind === "laned")
          tasksByTime.set(standing.atMs, standing.id);
      }
      const times = [...tasksByTime.keys()].sort((a, b) => a - b);
      // Its tick stays for what is due closely after it, so the first ring covers everything until then.
      const uncovered = times.filter((atMs, n) => n === 0 || atMs > nowMs + doorbell.earlyMs);
      await Promise.all(
        uncovered.map((atMs) =>
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
