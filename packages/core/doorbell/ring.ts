import { RING_TIMES } from "../channel-limits.ts";
import type { Moment } from "../clock.ts";

/** What one process tells the others: that something is or will be due. A false alarm costs them a look at Redis. */
export interface Ring {
  /** The sender, which need not hear its own ring. */
  from: string;
  /** Something is due. */
  now?: { askPostgres: boolean };
  /** When more will be; the earliest `RING_TIMES`, since the tick for one of them looks for the next. */
  due: RingTime[];
}

/** When something will be due; or, where the cache may not know of it, when to ask Postgres. */
export interface RingTime extends Moment {
  askPostgres?: true;
}

export const writeRing = (ring: Ring): string => JSON.stringify(ring);

/** @returns undefined if it is no ring: whoever can reach the servers can send anything there */
export function readRing(text: string): Ring | undefined {
  try {
    const { from, now, due } = JSON.parse(text) as Partial<Ring>;
    if (typeof from !== "string" || !Array.isArray(due)) return undefined;
    const times = due.slice(0, RING_TIMES).map(({ atMs, inMs, askPostgres }) => ({
      ...{ atMs: Number(atMs), inMs: Number(inMs) },
      ...(askPostgres === true ? { askPostgres } : {}),
    }));
    if (times.some(({ atMs, inMs }) => !Number.isFinite(atMs) || !Number.isFinite(inMs))) return undefined;
    return { from, due: times, ...(now ? { now: { askPostgres: now.askPostgres === true } } : {}) };
  } catch {
    return undefined;
  }
}
