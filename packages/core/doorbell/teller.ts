import { randomUUID } from "node:crypto";
import type { Clock, Moment } from "../clock.ts";
import { RING_TIMES } from "../limits.ts";
import type { Channel } from "./channel.ts";
import type { TickEvent } from "./doorbell.ts";
import { type Ring, readRing, writeRing } from "./ring.ts";

/** Tells other processes what this one rings for, and hears what they tell. */
export interface Teller {
  /** @throws Error, as `ringAt`, when the servers did not take it */
  ring(event?: TickEvent): Promise<void>;
  /** Once for each due time that was not told or heard before. */
  ringAt(due: Moment): Promise<void>;
  /** What another process told by a text; undefined when it was this one, or nobody. */
  heard(text: string): Ring | undefined;
}

/** Due times that it remembers; of those that it forgets, others are told twice. */
const KNOWN_LIMIT = 10_000;

/** What is not sent yet: times by the clock of this process, so that they can wait. */
interface Pending {
  now?: { askPostgres: boolean };
  due: Map<number, number>;
  sent: Promise<void>;
}

/** What is rung in one step, or while a message is under way, is one message. */
export function createTeller(channel: Pick<Channel, "send">, clock: Clock): Teller {
  const from = randomUUID();
  // When others wake up already, at least as long as they live; and those that come later have their first refresh.
  const known = new Set<number>();
  let pending: Pending | undefined;
  let sending = Promise.resolve();

  const know = (atMs: number) => {
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.add(atMs);
  };
  const send = async (ring: Pending) => {
    pending = undefined;
    const due = [...ring.due]
      .map(([atMs, ownMs]) => ({ atMs, inMs: ownMs - clock.now() }))
      .sort((a, b) => a.inMs - b.inMs)
      .slice(0, RING_TIMES);
    for (const { atMs } of due) know(atMs);
    try {
      await channel.send(writeRing({ from, due, ...(ring.now ? { now: ring.now } : {}) }));
    } catch (error) {
      for (const { atMs } of due) known.delete(atMs);
      throw error;
    }
  };
  const tell = (what: (ring: Pending) => void): Promise<void> => {
    if (!pending) {
      const next: Pending = { due: new Map(), sent: Promise.resolve() };
      next.sent = sending.then(() => send(next));
      sending = next.sent.catch(() => {});
      pending = next;
    }
    what(pending);
    return pending.sent;
  };

  return {
    ring: ({ askPostgres = false } = {}) =>
      tell((ring) => {
        ring.now = { askPostgres: askPostgres || ring.now?.askPostgres === true };
      }),
    async ringAt({ atMs, inMs }) {
      if (known.has(atMs)) return;
      await tell((ring) => void ring.due.set(atMs, clock.now() + inMs));
    },
    heard(text) {
      const ring = readRing(text);
      if (!ring || ring.from === from) return undefined;
      for (const { atMs } of ring.due) know(atMs);
      return ring;
    },
  };
}
