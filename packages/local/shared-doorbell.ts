import { type Clock, systemClock } from "#core";
import { HEARD_ASK_STEP_MS } from "../core/channel-limits.ts";
import type { Channel, Ears } from "../core/doorbell/channel.ts";
import { isLook } from "../core/doorbell/doorbell.ts";
import { createTeller } from "../core/doorbell/teller.ts";
import { CLOCKS_AGREE_MS } from "../core/limits.ts";
import type { TimerDoorbell } from "./timers.ts";

/** The doorbell of one process among several on the same servers. */
export interface SharedDoorbell extends TimerDoorbell {
  /** Hears the others from now on. */
  listen(): Promise<void>;
}

export interface SharedDoorbellOptions {
  /** The timers of this process. */
  own: TimerDoorbell;
  channel: Channel;
  /** What is due later than this from now, a refresh of this process rings for in time. */
  horizonMs: number;
  /** The others do not write to the cache of this process, so what they ring for is only in Postgres. */
  cacheIsOwn: boolean;
  clock?: Clock;
}

/**
 * The timers of this process, and those of the others: each rings its own and tells the rest. They all wake up for the
 * same task, and the gate lets one of them work; so any of them may die. Rings that only look at what this process met,
 * such as a held flag, stay here.
 */
export function createSharedDoorbell({
  own,
  channel,
  horizonMs,
  cacheIsOwn,
  clock = systemClock,
}: SharedDoorbellOptions): SharedDoorbell {
  const teller = createTeller(channel, clock);
  let askMs = Number.NEGATIVE_INFINITY;

  /** A refresh for each of many tasks would be too much. */
  const ask = (): Promise<void> | undefined => {
    const nowMs = clock.now();
    if (askMs > nowMs) return;
    askMs = Math.max(nowMs, askMs + HEARD_ASK_STEP_MS);
    return own.ringAfter(askMs - nowMs, { askPostgres: true });
  };
  const ringAt = (inMs: number, atMs: number, askPostgres: boolean) =>
    cacheIsOwn || askPostgres ? own.ringAfter(inMs, { askPostgres: true }) : own.ringAt({ atMs, inMs });
  const hear = async (text: string): Promise<void> => {
    const ring = teller.heard(text);
    if (ring?.now) await (cacheIsOwn || ring.now.askPostgres ? ask() : own.ring());
    for (const { atMs, inMs, askPostgres = false } of ring?.due ?? []) {
      // The text may have been under way for a while, or this process busy: then it is sooner than it says.
      const leftMs = atMs - clock.now();
      const soonerMs = inMs - leftMs > CLOCKS_AGREE_MS ? inMs : Math.min(inMs, leftMs);
      if (soonerMs <= horizonMs) await ringAt(soonerMs, atMs, askPostgres);
    }
  };
  const ears: Ears = {
    // Timers do not reject.
    hear: (text) => void hear(text),
    missed: () => void own.ring({ askPostgres: true }),
  };

  return {
    earlyMs: own.earlyMs,
    async ring(event = {}) {
      await own.ring(event);
      if (!isLook(event)) await teller.ring(event);
    },
    async ringAt(due) {
      await own.ringAt(due);
      await teller.ringAt(due);
    },
    ringAfter: own.ringAfter,
    listen: () => channel.listen(ears),
    stop: own.stop,
  };
}
