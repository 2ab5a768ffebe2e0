import type { Doorbell, TickEvent } from "#core";
import type { Timeline } from "./timeline.ts";

/** The doorbell of a test: rings at the exact time by its timeline. Rings for the same millisecond are one. */
export function createTimelineDoorbell(
  timeline: Pick<Timeline, "nowMs" | "at">,
  ring: (event: TickEvent) => void,
): Doorbell {
  const rings = new Map<number, TickEvent>();
  const ringIn = async (delayMs: number, event: TickEvent = {}) => {
    const atMs = timeline.nowMs + Math.ceil(Math.max(0, delayMs));
    const rung = rings.get(atMs);
    rings.set(atMs, { ...rung, ...event });
    if (rung) return;
    timeline.at(atMs, () => {
      const merged = rings.get(atMs);
      rings.delete(atMs);
      ring(merged ?? {});
    });
  };
  return {
    earlyMs: 0,
    ring: (event) => ringIn(0, event),
    ringAt: ({ inMs }) => ringIn(inMs),
    ringAfter: (delayMs, event) => ringIn(delayMs, event),
  };
}
