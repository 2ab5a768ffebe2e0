/** What processes tell each other, over a channel that the test can break. */
import { expect, test } from "vitest";
import type { Clock } from "#core";
import { HEARD_ASK_STEP_MS, RING_TIMES } from "../../packages/core/channel-limits.ts";
import type { Channel, Ears } from "../../packages/core/doorbell/channel.ts";
import { writeRing } from "../../packages/core/doorbell/ring.ts";
import { createSharedDoorbell } from "../../packages/local/shared-doorbell.ts";
import { noteRings } from "../support/bed/doorbells.ts";

const HOUR_MS = 3_600_000;
const HORIZON_MS = 1_200_000;
const NOW_MS = Date.UTC(2026, 10, 24, 9);
/** Postgres refuses longer ones. */
const MESSAGE_LIMIT_BYTES = 8_000;

/** Processes around one channel. Time stands still, unless a process has a clock of its own. */
function openNeighbourhood() {
  const ears: Ears[] = [];
  const sent: string[] = [];
  let fault: Error | undefined;
  const channel: Channel = {
    listen: async (one) => void ears.push(one),
    async send(text) {
      await new Promise((resolve) => setImmediate(resolve));
      if (fault) throw fault;
      sent.push(text);
      for (const { hear } of ears) hear(text);
    },
    check: async () => {},
    close: async () => {},
  };
  return {
    sent,
    ears,
    break: (error: Error | undefined) => {
      fault = error;
    },
    async join({ aheadMs = 0, cacheIsOwn = false } = {}) {
      const timers = { ...noteRings({ earlyMs: 1_000 }), stop: async () => {} };
      const clock = { now: () => NOW_MS + aheadMs } as Clock;
      const doorbell = createSharedDoorbell({
        own: timers,
        channel,
        horizonMs: HORIZON_MS,
        cacheIsOwn,
        clock,
      });
      await doorbell.listen();
      return { doorbell, rings: timers.rings, clock };
    },
  };
}

test("what one rings for now and later, the others ring for as well, and it itself once", async () => {
  const { join } = openNeighbourhood();
  const [one, other] = [await join(), await join()];
  await one.doorbell.ring();
  await one.doorbell.ring({ askPostgres: true });
  await one.doorbell.ringAt({ atMs: NOW_MS + 5_000, inMs: 5_000 });
  const later = { atMs: NOW_MS + 5_000, inMs: 5_000 };
  expect(one.rings).toEqual([{ now: {} }, { now: { askPostgres: true } }, later]);
  expect(other.rings).toEqual([{ now: {} }, { afterMs: 0, event: { askPostgres: true } }, later]);
});

test("rings that look at what one process met stay with it", async () => {
  const { join, sent } = openNeighbourhood();
  const { doorbell, rings } = await join();
  await doorbell.ring({ by: "held" });
  await doorbell.ring({ failures: 2 });
  await doorbell.ringAfter(61_000);
  expect(rings).toHaveLength(3);
  expect(sent).toEqual([]);
});

test("a time at which others are to ask Postgres is not one at which something is known to be due", async () => {
  const { join, ears } = openNeighbourhood();
  const { rings } = await join();
  const due = { atMs: NOW_MS + 5_000, inMs: 5_000 };
  const text = writeRing({ from: "an app", due: [{ ...due, askPostgres: true }, due] });
  for (const { hear } of ears) hear(text);
  await Promise.resolve();
  expect(rings).toEqual([{ afterMs: 5_000, event: { askPostgres: true } }, due]);
});

test("many rings of one step are one message, those during it the next, and of a thousand times it has the earliest", async () => {
  const { join, sent } = openNeighbourhood();
  const [one, other] = [await join(), await join()];
  const inMs = Array.from({ length: 1_000 }, (_, n) => 1_000 + n).reverse();
  const first = inMs.map((ms) => one.doorbell.ringAt({ atMs: NOW_MS + ms, inMs: ms }));
  await Promise.resolve();
  await Promise.resolve();
  await Promise.all([
    ...first,
    one.doorbell.ring(),
    one.doorbell.ring({ askPostgres: true }),
    one.doorbell.ring(),
  ]);
  expect(sent).toHaveLength(2);
  expect(Math.max(...sent.map((text) => Buffer.byteLength(text)))).toBeLessThan(MESSAGE_LIMIT_BYTES);
  const heard = other.rings.flatMap(({ inMs: ms }) => ms ?? []);
  expect(heard).toEqual(Array.from({ length: RING_TIMES }, (_, n) => 1_000 + n));
  expect(other.rings.at(-1)).toEqual({ afterMs: 0, event: { askPostgres: true } });
  // What there was no room for is told when it is rung again.
  await one.doorbell.ringAt({ atMs: NOW_MS + 1_999, inMs: 1_999 });
  expect(other.rings.at(-1)).toMatchObject({ inMs: 1_999 });
});

test("a due time is told once, whoever told it; and again if it could not be told", async () => {
  const { join, sent, break: fail } = openNeighbourhood();
  const [one, other] = [await join(), await join()];
  const due = { atMs: NOW_MS + 5_000, inMs: 5_000 };
  fail(new Error("no answer"));
  await expect(one.doorbell.ringAt(due)).rejects.toThrow("no answer");
  expect(one.rings).toHaveLength(1);
  fail(undefined);
  for (const { doorbell } of [one, one, other]) await doorbell.ringAt(due);
  expect(sent).toHaveLength(1);
});

test("a message that was long under way, or a process that was busy, makes nothing late", async () => {
  const { join } = openNeighbourhood();
  const [one, slow] = [await join(), await join({ aheadMs: 3_000 })];
  await one.doorbell.ringAt({ atMs: NOW_MS + 5_000, inMs: 5_000 });
  await one.doorbell.ringAt({ atMs: NOW_MS + 1_000, inMs: 1_000 });
  expect(slow.rings.map(({ inMs }) => inMs)).toEqual([2_000, -2_000]);
});

test("nor does a clock that is wrong", async () => {
  const { join } = openNeighbourhood();
  const [one, ...wrong] = [await join(), await join({ aheadMs: HOUR_MS }), await join({ aheadMs: -HOUR_MS })];
  await one.doorbell.ringAt({ atMs: NOW_MS + 5_000, inMs: 5_000 });
  for (const { rings } of wrong) expect(rings).toMatchObject([{ inMs: 5_000 }]);
});

test("what is far away is left to the refresh", async () => {
  const { join } = openNeighbourhood();
  const [one, other] = [await join(), await join()];
  await one.doorbell.ringAt({ atMs: NOW_MS + HORIZON_MS + 1, inMs: HORIZON_MS + 1 });
  expect(other.rings).toEqual([]);
});

test("a process with a cache of its own asks Postgres for what others tell", async () => {
  const { join } = openNeighbourhood();
  const [one, other] = [await join(), await join({ cacheIsOwn: true })];
  await one.doorbell.ring();
  await one.doorbell.ringAt({ atMs: NOW_MS + 5_000, inMs: 5_000 });
  const event = { askPostgres: true };
  expect(other.rings).toEqual([
    { afterMs: 0, event },
    { afterMs: 5_000, event },
  ]);
});

test("however many tell it to ask Postgres, it does so in steps", async () => {
  const { join } = openNeighbourhood();
  const [one, other] = [await join(), await join()];
  for (let n = 0; n < 20; n++) await one.doorbell.ring({ askPostgres: true });
  expect(other.rings.map(({ afterMs }) => afterMs)).toEqual([0, HEARD_ASK_STEP_MS]);
});

test("it looks in Postgres for what it missed", async () => {
  const { join, ears } = openNeighbourhood();
  const { rings } = await join();
  ears[0]?.missed();
  expect(rings).toEqual([{ now: { askPostgres: true } }]);
});

test.each([
  "",
  "no json",
  "null",
  "[]",
  "7",
  `{"from":7,"due":[]}`,
  `{"from":"x","due":7}`,
  `{"from":"x","due":[null]}`,
  `{"from":"x","due":[{"atMs":"soon"}]}`,
])("what is no ring rings nothing: %s", async (text) => {
  const { join, ears } = openNeighbourhood();
  const { rings } = await join();
  ears[0]?.hear(text);
  expect(rings).toEqual([]);
});
