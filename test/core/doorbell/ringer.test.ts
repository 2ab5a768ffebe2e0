import { describe, expect, test } from "vitest";
import { type Clock, type Doorbell, type Logger, systemClock } from "#core";
import { createRinger } from "../../../packages/core/doorbell/ringer.ts";
import { CLOCKS_AGREE_MS, EXPIRY_MARGIN_MS } from "../../../packages/core/limits.ts";
import type { Standing } from "../../../packages/core/tasks/standing.ts";
import { noteRings } from "../../support/bed/doorbells.ts";

const NOW_MS = 1_800_000_000_000;
const EARLY_MS = 60_000;
const HORIZON_MS = 1_200_000;
const clock: Clock = { ...systemClock, now: () => NOW_MS };

const loud = () => {
  const lines: Record<string, unknown>[] = [];
  const write = (message: string, fields = {}) => void lines.push({ message, ...fields });
  const log: Logger = { debug: write, info: write, warn: write, error: write, with: () => log };
  return { lines, log };
};
const open = (doorbell: Doorbell = noteRings({ earlyMs: EARLY_MS })) => {
  const { lines, log } = loud();
  return { lines, ringer: createRinger(doorbell, clock, log, { horizonMs: HORIZON_MS }) };
};
/** The rings for these standings. */
const ringsFor = async (...standings: Standing[]) => {
  const doorbell = noteRings({ earlyMs: EARLY_MS });
  await open(doorbell).ringer.ringFor(standings, NOW_MS, { by: "refresh" });
  return doorbell.rings;
};
const waits = (inMs: number, id = 1): Standing => ({ id, rev: 1, kind: "waiting", atMs: NOW_MS + inMs });
const runs = (leaseInMs: number): Standing => ({ id: 2, rev: 1, kind: "running", atMs: NOW_MS + leaseInMs });
const at = (inMs: number) => ({ atMs: NOW_MS + inMs, inMs });

describe("for tasks that wait", () => {
  test("everything that is due is one ring, now", async () => {
    expect(await ringsFor(waits(-5_000), waits(-1), waits(0))).toEqual([{ now: { by: "refresh" } }]);
  });

  test("what the first ring covers needs none of its own: its tick sleeps that long", async () => {
    const covered = [waits(EARLY_MS), waits(10_000), waits(20_000)];
    expect(await ringsFor(...covered, waits(EARLY_MS + 1))).toEqual([at(10_000), at(EARLY_MS + 1)]);
    expect(await ringsFor(waits(-1), ...covered)).toEqual([{ now: { by: "refresh" } }]);
  });

  test("a first ring that is not near covers nothing else", async () => {
    const [first, second] = [EARLY_MS + 1, EARLY_MS + 2];
    expect(await ringsFor(waits(second), waits(first), waits(first))).toEqual([at(first), at(second)]);
  });

  test("what is due beyond the horizon is left to a refresh", async () => {
    expect(await ringsFor(waits(HORIZON_MS), waits(HORIZON_MS + 1))).toEqual([at(HORIZON_MS)]);
  });
});

describe("for others", () => {
  test("running tasks are one ring, a moment after the first lease has ended", async () => {
    expect(await ringsFor(runs(30_000), runs(20_000))).toEqual([{ afterMs: 20_000 + EXPIRY_MARGIN_MS }]);
    expect(await ringsFor(runs(-20_000))).toEqual([{ afterMs: EXPIRY_MARGIN_MS }]);
  });

  test("tasks that other programs run, and those that are gone, are none", async () => {
    expect(
      await ringsFor({ ...waits(0), kind: "foreign" } as Standing, { id: 3, rev: 1, kind: "gone" }),
    ).toEqual([]);
  });
});

describe("when our clock disagrees with the one that said the time", () => {
  test.each([-1, 1])("by too much, it goes by how long it is until then", async (direction) => {
    const doorbell = noteRings();
    const { ringer } = open(doorbell);
    const said = (disagreementMs: number, inMs: number) => ({ atMs: NOW_MS + inMs + disagreementMs, inMs });
    const agreed = said(direction * CLOCKS_AGREE_MS, 5_000);
    await ringer.ringAt(agreed);
    await ringer.ringAt(said(direction * (CLOCKS_AGREE_MS + 1), 5_000));
    await ringer.ringAt(said(direction * (CLOCKS_AGREE_MS + 1), -5_000));
    expect(doorbell.rings).toEqual([agreed, { afterMs: 5_000 }, { afterMs: 0 }]);
  });
});

test("a doorbell that fails breaks nothing: each failure is logged, with what it was for", async () => {
  const fail = async () => Promise.reject(new Error("no bell"));
  const { ringer, lines } = open({ earlyMs: 0, ring: fail, ringAt: fail, ringAfter: fail });
  await ringer.ring({ askPostgres: true });
  await ringer.ringAfter(1_000);
  await ringer.ringFor([waits(1_000, 7), waits(2_000, 8), runs(0)], NOW_MS);
  const message = "the doorbell could not be rung; the next refresh rings again";
  const error = "no bell";
  expect(lines).toEqual([
    { message, error, askPostgres: true },
    { message, error, delayMs: 1_000 },
    { message, error, task: 7, dueAtMs: NOW_MS + 1_000 },
    { message, error, task: 8, dueAtMs: NOW_MS + 2_000 },
    { message, error, delayMs: EXPIRY_MARGIN_MS },
  ]);
});
