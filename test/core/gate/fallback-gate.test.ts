/** The gate in Redis with the one on Postgres behind it: whom it asks, and when it believes Redis again. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Clock, RedisError, systemClock } from "#core";
import type { Gate } from "../../../packages/core/gate/gate.ts";
import { REDIS_PAUSE_MS, REFRESH_LIMIT_MS } from "../../../packages/core/limits.ts";
import type { Standing } from "../../../packages/core/tasks/standing.ts";
import { openTestBed, type TestBed } from "../../support/bed/bed.ts";
import { emptyWindow } from "../../support/bed/describe-gates.ts";
import { breakRedis, openGates } from "../../support/bed/gates.ts";

const a = { token: "a", napMs: 0 };
const standing: Standing = { id: 1, rev: 1, kind: "waiting", atMs: 0 };

let bed: TestBed;
let gate: Gate;
let nowMs = 0;
/** Redis's own clock. */
let redisAheadMs = 0;
const clock: Clock = { ...systemClock, now: () => nowMs };

beforeAll(async () => {
  bed = await openTestBed("embedded", { redisNow: () => Date.now() + redisAheadMs });
});
beforeEach(async () => {
  nowMs = Date.now();
  redisAheadMs = 0;
  gate = openGates(bed, { clock }).fallback;
  await gate.rebuild(emptyWindow);
  bed.counts.reset();
});
afterEach(() => bed.clear());
afterAll(() => bed.close());

test("asks Redis as long as it answers, and Postgres nothing", async () => {
  await gate.enter(a);
  await gate.leave(a, 0, []);
  await gate.put([standing]);
  expect(bed.counts).toMatchObject({ redis: 3, postgres: 0 });
});

test("after a failure leaves Redis alone for a while", async () => {
  const mend = breakRedis(bed);
  expect(await gate.enter(a)).toMatchObject({ kind: "idle" });
  mend();
  const { redis } = bed.counts;
  nowMs += REDIS_PAUSE_MS - 1;
  expect(await gate.enter(a)).toMatchObject({ kind: "idle" });
  expect(bed.counts.redis).toBe(redis);
  nowMs += 1;
  expect(await gate.enter(a)).toMatchObject({ kind: "idle" });
  expect(bed.counts.redis).toBe(redis + 1);
});

const steps: [string, (standings: readonly Standing[]) => Promise<unknown>][] = [
  ["leave", (standings) => gate.leave(a, 0, standings)],
  ["release", (standings) => gate.release("a", 0, standings)],
  ["renew", (standings) => gate.renew("a", 0, standings)],
  ["put", (standings) => gate.put(standings)],
];

describe("standings that did not reach Redis", () => {
  test.each(steps)("with %s: Redis is not believed until it was rebuilt", async (_, take) => {
    const mend = breakRedis(bed);
    await take([standing]);
    mend();
    // While Redis is left alone, Postgres knows all of it.
    expect(await gate.enter(a)).toMatchObject({ kind: "idle" });
    nowMs += REDIS_PAUSE_MS;
    for (let n = 0; n < 2; n++) expect(await gate.enter(a)).toEqual({ kind: "unknown" });
    expect(await gate.rebuild(emptyWindow)).toBe(true);
    expect(await gate.enter(a)).toMatchObject({ kind: "idle" });
  });

  test.each(steps.slice(0, 3))("with %s, but none to write: Redis is believed", async (_, take) => {
    const mend = breakRedis(bed);
    await take([]);
    mend();
    nowMs += REDIS_PAUSE_MS;
    expect(await gate.enter(a)).toMatchObject({ kind: "idle" });
  });

  /** Redis misses one and answers again. */
  const miss = async () => {
    const mend = breakRedis(bed);
    expect(await gate.put([standing])).toBeUndefined();
    mend();
    nowMs += REDIS_PAUSE_MS;
  };

  test("are still missed when the rebuilding fails", async () => {
    await miss();
    await expect(gate.rebuild(async () => Promise.reject(new Error("no window")))).rejects.toThrow(
      "no window",
    );
    expect(await gate.enter(a)).toEqual({ kind: "unknown" });
  });

  test("are still missed when the rebuilding took too long", async () => {
    await miss();
    const late = gate.rebuild(async () => {
      redisAheadMs += REFRESH_LIMIT_MS + 1;
      return emptyWindow();
    });
    expect(await late).toBe(false);
    expect(await gate.enter(a)).toEqual({ kind: "unknown" });
  });

  test("are still missed when Redis fails once more while it is rebuilt", async () => {
    await miss();
    breakRedis(bed);
    // The one on Postgres reads the window in its place, and has nothing to rebuild.
    expect(await gate.rebuild(emptyWindow)).toBe(true);
    delete bed.faults.redis;
    nowMs += REDIS_PAUSE_MS;
    expect(await gate.enter(a)).toEqual({ kind: "unknown" });
  });

  test("that are missed while the window is read count as missed after it", async () => {
    await miss();
    const rebuilt = gate.rebuild(async () => {
      const window = await emptyWindow();
      await miss();
      return window;
    });
    expect(await rebuilt).toBe(true);
    expect(await gate.enter(a)).toEqual({ kind: "unknown" });
    await gate.rebuild(emptyWindow);
    expect(await gate.enter(a)).toMatchObject({ kind: "idle" });
  });
});

test("what fails elsewhere is the caller's, and no reason to leave Redis alone", async () => {
  await expect(gate.rebuild(async () => Promise.reject(new Error("no window")))).rejects.toThrow("no window");
  bed.counts.reset();
  await gate.enter(a);
  expect(bed.counts).toMatchObject({ redis: 1, postgres: 0 });
});

test("statistics say that Redis does not answer", async () => {
  breakRedis(bed);
  await expect(gate.look()).rejects.toThrow(RedisError);
});
