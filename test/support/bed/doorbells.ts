import type { Doorbell, TickEvent } from "#core";

/** A doorbell that only notes who rang: the test decides when a tick comes. */
export interface NotedDoorbell extends Doorbell {
  rings: { now?: TickEvent; atMs?: number; inMs?: number; afterMs?: number; event?: TickEvent }[];
}

export function noteRings({ earlyMs = 0 } = {}): NotedDoorbell {
  const rings: NotedDoorbell["rings"] = [];
  return {
    earlyMs,
    rings,
    ring: async (event = {}) => void rings.push({ now: event }),
    ringAt: async ({ atMs, inMs }) => void rings.push({ atMs, inMs }),
    ringAfter: async (afterMs, event) =>
      void rings.push({ afterMs, ...(event && Object.keys(event).length > 0 ? { event } : {}) }),
  };
}
