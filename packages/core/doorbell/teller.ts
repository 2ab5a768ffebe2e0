import { randomUUID } from "node:crypto";
import { RING_TIMES } from "../channel-limits.ts";
import type { Clock } from "../clock.ts";
import type { Channel } from "./channel.ts";
import type { TickEvent } from "./doorbell.ts";
import { type Ring, type RingTime, readRing, writeRing } from "./ring.ts";

/** Tells other processes what this one rings for, and hears what they tell. */
export interface Teller {
  /** @throws Error, as `ringAt`, when the servers did not take it */
  ring(event?: TickEvent): Promise<void>;
  /** Once for each due time that was not told or heard before, with and without asking Postgres. */
  ringAt(due: RingTime): Promise<void>;
  /** What another process told by a text; undefined when it was this one, or nobody. */
  heard(text: string): Ring | undefined;
}

/** Due times that it remembers; of those that it forgets, others are told twice. */
const KNOWN_LIMIT = 10_000;

/** What is not sent yet: times by the clock of this process, so that they can wait. */
interface Pending {
  now?: { askPostgres: boolean };
  due: Map<string, { time: RingTime; ownMs: number }>;
  sent: Promise<void>;
}

/** What is rung in one step, or while a message is under way, is one message. */
export function createTeller(channel: Pick<Channel, "send">, clock: Clock): Teller {
  const from = randomUUID();
  // When others wake up already, at least as long as they live; and those that come later have their first refresh.
  const known = new Set<string>();
  let pending: Pending | undefined;
  let sending = Promise.resolve();

  const know = (time: RingTime) => {
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.add(nameOf(time));
  };
  const send = async (ring: Pending) => {
    pending = undefined;
    const due = [...ring.due.values()]
      .map(({ time, ownMs }) => ({ ...time, inMs: ownMs - clock.now() }))
      .sort((a, b) => a.inMs - b.inMs)
      .slice(0, RING_TIMES);
    for (const time of due) know(time);
    try {
      await channel.send(writeRing({ from, due, ...(ring.now ? { now: ring.now } : {}) }));
    } catch (error) {
      for (const time of due) known.delete(nameOf(time));
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
    async ringAt(time) {
      const name = nameOf(time);
      if (known.has(name)) return;
      await tell((ring) => void ring.due.set(name, { time, ownMs: clock.now() + time.inMs }));
    },
    heard(text) {
      const ring = readRing(text);
      if (!ring || ring.from === from) return undefined;
      for (const time of ring.due) know(time);
      return ring;
    },
  };
}

const nameOf = ({ atMs, askPostgres }: RingTime) => `${atMs}${askPostgres ? "?" : ""}`;
