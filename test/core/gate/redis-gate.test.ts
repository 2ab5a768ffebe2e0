/** The cache of the gate in Redis: what it keeps, what it forgets, and what it says when it does not know. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Gate } from "../../../packages/core/gate/gate.ts";
import {
  PUT_CHUNK,
  REFRESH_LIMIT_MS,
  SLEEPER_MARGIN_MS,
  TOMBSTONE_MS,
} from "../../../packages/core/limits.ts";
import type { Standing } from "../../../packages/core/tasks/standing.ts";
import type { Task } from "../../../packages/core/tasks/task.ts";
import { openTestBed, type TestBed } from "../../support/bed/bed.ts";
import { eachStack } from "../../support/bed/describe-on-stacks.ts";
import { openGates } from "../../support/bed/gates.ts";
import { keyOf, membersOf } from "../../support/bed/look.ts";
import { scriptRunBy } from "../../support/redis/gate-scripts.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const a = { token: "a", napMs: MINUTE_MS };
const waiting = (id: number, atMs: number, rev = 1): Standing => ({ id, rev, kind: "waiting", atMs });
const gone = (id: number, rev: number): Standing => ({ id, rev, kind: "gone" });
const windowOf = (writes: Standing[], cutAtMs?: number) => ({
  writes,
  nowMs: Date.now(),
  cutAtMs,
  waitingForCode: new Map(),
  runByOthers: [],
  pauses: [],
});

eachStack("the gate in Redis", (stack) => {
  let bed: TestBed;
  let gate: Gate;
  /** Added to the clock of Redis, where that is ours. */
  let aheadMs = 0;
  beforeAll(async () => {
    bed = await openTestBed(stack, { redisNow: () => Date.now() + aheadMs });
  });
  beforeEach(() => {
    aheadMs = 0;
    gate = openGates(bed, { limit: 3 }).redis;
  });
  afterEach(() => bed.clear());
  afterAll(() => bed.close());

  const key = (name: string) => keyOf(bed, name);
  /** The waiting ids in the cache, first due first. */
  const cached = async () => (await membersOf(bed, "waiting")).filter((member) => !member.startsWith("*"));
  /** Where the window ends; Infinity: nowhere. */
  const windowEnd = async () => {
    const marker = (await membersOf(bed, "waiting")).find((member) => member.startsWith("*"));
    return marker === undefined ? undefined : Number(marker.slice(1) || Infinity);
  };
  /** The ids that a hash knows, of those that the tests use. */
  const idsIn = async (hash: string) => {
    const ids = ["1", "2", "3", "4", "5"];
    const found = (await bed.redis("HMGET", key(hash), ...ids)) as (string | null)[];
    return ids.filter((_, n) => found[n] !== null);
  };
  const rebuild = (writes: Standing[] = [], cutAtMs?: number) =>
    gate.rebuild(async () => windowOf(writes, cutAtMs));
  const now = Date.now();

  describe("more than the limit", () => {
    test("the latest ones are cut; when the others are done, Postgres is asked for them", async () => {
      await rebuild();
      await gate.put([4, 2, 3, 1, 5].map((id) => waiting(id, now - 60_000 + id)));
      expect(await cached()).toEqual(["1", "2", "3"]);
      expect(await windowEnd()).toBe(now - 60_000 + 4);
      expect(await gate.enter(a)).toMatchObject({ kind: "go", seen: [1, 2, 3] });
      expect(
        await gate.leave(
          a,
          0,
          [1, 2, 3].map((id) => gone(id, 2)),
        ),
      ).toEqual({ kind: "unknown" });
    });

    test("those that a tick writes are cut in the same way", async () => {
      await rebuild([1, 2, 3].map((id) => waiting(id, now - 60_000 + id)));
      await gate.enter(a);
      await gate.renew("a", 0, [waiting(0, now - 60_000)]);
      expect(await cached()).toEqual(["0", "1", "2"]);
      await gate.release("a", 0, [waiting(9, now - 90_000)]);
      expect(await cached()).toEqual(["9", "0", "1"]);
      expect(
        await gate.leave(
          a,
          0,
          [9, 0, 1].map((id) => gone(id, 2)),
        ),
      ).toEqual({ kind: "unknown" });
    });

    test("a window that was cut when it was read ends there", async () => {
      await rebuild([waiting(1, now - 2_000)], now - 1_000);
      await gate.enter(a);
      expect(await gate.leave(a, 0, [gone(1, 2)])).toEqual({ kind: "unknown" });
    });

    test("what is cut beyond the end of the window does not move that end", async () => {
      const end = now + 3.5 * HOUR_MS;
      await rebuild(
        [1, 2, 3].map((id) => waiting(id, now + id * HOUR_MS)),
        end,
      );
      await gate.put([waiting(4, end + 1_000)]);
      expect(await cached()).toEqual(["1", "2", "3"]);
      expect(await windowEnd()).toBe(end);
    });

    test("what is cut meanwhile is not forgotten, though the cache was cut before it already", async () => {
      await rebuild(
        [1, 2, 3].map((id) => waiting(id, now + id * HOUR_MS)),
        now + 3.2 * HOUR_MS,
      );
      await gate.rebuild(async () => {
        await gate.put([waiting(4, now + 3.5 * HOUR_MS)]);
        return windowOf([1, 2, 3].map((id) => waiting(id, now + id * HOUR_MS)));
      });
      // Task 4 is not in the cache, so the window cannot be whole where it is due.
      expect(await cached()).not.toContain("4");
      expect(await windowEnd()).toBeLessThanOrEqual(now + 3.5 * HOUR_MS);
    });

    test("of a cut that was read and one that was made meanwhile, the earlier one counts", async () => {
      const cutMeanwhile = async (readCutAtMs: number | undefined) => {
        await rebuild();
        await gate.rebuild(async () => {
          await gate.put([1, 2, 3, 4].map((id) => waiting(id, now + id * HOUR_MS)));
          return windowOf([], readCutAtMs);
        });
        return windowEnd();
      };
      expect(await cutMeanwhile(undefined)).toBe(now + 4 * HOUR_MS);
      expect(await cutMeanwhile(now + 5 * HOUR_MS)).toBe(now + 4 * HOUR_MS);
      expect(await cutMeanwhile(now + 2 * HOUR_MS)).toBe(now + 2 * HOUR_MS);
      // A cut of long ago does not: the window is whole again.
      await rebuild();
      expect(await windowEnd()).toBe(Infinity);
    });

    test("tasks that others run have a limit of their own, and no tick waits for what is cut of them", async () => {
      await rebuild([waiting(9, now + HOUR_MS)]);
      await gate.put(
        [1, 2, 3, 4].map((id) => ({ id, rev: 1, kind: "foreign", atMs: now - 60_000 + id }) as const),
      );
      expect(await bed.redis("ZRANGE", key("foreign"), 0, -1)).toEqual(["1", "2", "3"]);
      expect(await gate.enter(a)).toMatchObject({ kind: "idle", next: { atMs: now + HOUR_MS } });
    });
  });

  test("thousands that a tick has gathered are written at once, cut at once, and gone at once", async () => {
    const ids = Array.from({ length: 5_000 }, (_, n) => n + 1);
    const roomy = openGates(bed, { limit: 10_000 }).redis;
    await rebuild();
    await roomy.release(
      "a",
      0,
      ids.map((id) => waiting(id, now + HOUR_MS + id)),
    );
    expect(await cached()).toEqual(ids.map(String));
    await gate.put([waiting(0, now)]);
    expect(await cached()).toEqual(["0", "1", "2"]);
    expect(await windowEnd()).toBe(now + HOUR_MS + 3);
    await roomy.release(
      "a",
      0,
      ids.map((id) => gone(id, 2)),
    );
    expect(await cached()).toEqual(["0"]);
  });

  describe("a write that comes late", () => {
    test("changes nothing when a newer one was there before", async () => {
      await rebuild();
      await gate.put([waiting(1, now + 2_000, 7)]);
      await gate.put([waiting(1, now + 1_000, 6)]);
      expect(await bed.redis("ZSCORE", key("waiting"), "1")).toBe(`${now + 2_000}`);
      await gate.put([waiting(1, now + 1_000, 7)]);
      expect(await bed.redis("ZSCORE", key("waiting"), "1")).toBe(`${now + 1_000}`);
    });

    test("does not bring a deleted task back", async () => {
      await rebuild([waiting(1, now + 1_000, 7)]);
      await gate.put([gone(1, 8)]);
      await gate.put([waiting(1, now + 1_000, 7)]);
      expect(await cached()).toEqual([]);
    });
  });

  describe("a row that Postgres does not show", () => {
    const missing: Standing = { id: 1, rev: 0, kind: "missing" };

    test("outranks nothing when the cache does not know it: it may not be committed yet", async () => {
      await rebuild();
      expect(await gate.put([missing])).toBe(0);
      await gate.put([waiting(1, now + 1_000, 1)]);
      expect(await cached()).toEqual(["1"]);
    });

    test("was deleted when the cache knows it; what was read before does not bring it back", async () => {
      await rebuild([waiting(1, now + 1_000, 7)]);
      expect(await gate.put([missing])).toBe(1);
      await gate.put([waiting(1, now + 1_000, 7)]);
      expect(await cached()).toEqual([]);
      await gate.put([waiting(1, now + 1_000, 8)]);
      expect(await cached()).toEqual(["1"]);
    });

    test("leaves the cache also when its rev was evicted", async () => {
      await rebuild([waiting(1, now + 1_000, 7)]);
      await bed.redis("DEL", key("rev"));
      await gate.put([missing]);
      expect(await cached()).toEqual([]);
    });
  });

  test("news is what is newer than what was there, and what was not", async () => {
    await rebuild([waiting(1, now + 1_000, 7), waiting(2, now + 1_000, 1)]);
    expect(await gate.put([waiting(1, now, 7), waiting(2, now, 2), waiting(3, now, 1), gone(4, 5)])).toBe(2);
  });

  test.runIf(stack === "embedded")("of what is gone, or was cut, nothing remains in the end", async () => {
    const ids = [1, 2, 3, 4, 5];
    const rows = ids.map((id) => ({ ...waiting(id, now + id), task: { id } as Task }) as Standing);
    await rebuild();
    await gate.put(rows);
    await gate.put([gone(1, 2)]);
    expect(await idsIn("task")).toEqual(["2", "3"]);
    expect(await idsIn("rev")).toHaveLength(5);
    aheadMs = TOMBSTONE_MS;
    await gate.put([waiting(2, now, 2)]);
    // Every so many writes look for what may go; a refresh does so, too.
    for (let n = 0; n < 64; n++) await gate.put([waiting(2, now, 2)]);
    expect(await idsIn("rev")).toEqual(["2", "3"]);
    expect(await bed.redis("ZCARD", key("gone"))).toBe(0);
    // A row that is not sent again is an old one.
    expect(await idsIn("task")).toEqual(["3"]);
  });

  test.runIf(stack === "embedded")("what comes back is no longer forgotten", async () => {
    await rebuild([waiting(1, now, 1)]);
    await gate.put([gone(1, 2)]);
    await gate.put([waiting(1, now + 2_000, 3)]);
    aheadMs = TOMBSTONE_MS;
    await gate.put([gone(2, 1)]);
    await gate.put([waiting(1, now + 1_000, 2)]);
    expect(await bed.redis("ZSCORE", key("waiting"), "1")).toBe(`${now + 2_000}`);
  });

  describe("a refresh", () => {
    test("removes what it did not read", async () => {
      const row = { id: 1 } as Task;
      await rebuild([
        { id: 1, rev: 1, kind: "waiting", atMs: now + 1_000, task: row },
        { id: 2, rev: 1, kind: "running", atMs: now },
      ]);
      await rebuild([waiting(3, now + 1_000)]);
      expect(await cached()).toEqual(["3"]);
      expect(await bed.redis("ZCARD", key("running"))).toBe(0);
      expect(await idsIn("rev")).toEqual(["3"]);
      expect(await idsIn("task")).toEqual([]);
    });

    test("keeps what was written while it read", async () => {
      await rebuild([waiting(1, now + 1_000)]);
      await gate.rebuild(async () => {
        const window = windowOf([waiting(1, now + 1_000)]);
        await gate.put([waiting(2, now + 2_000), gone(1, 2)]);
        return window;
      });
      expect(await cached()).toEqual(["2"]);
    });

    test("mends what is in a wrong place, at a wrong time, or without its row", async () => {
      const window = [1, 2, 3].map(
        (id) => ({ ...waiting(id, now + id * HOUR_MS), task: { id } as Task }) as Standing,
      );
      await rebuild(window);
      await bed.redis("ZADD", key("running"), now, 1);
      await bed.redis("ZADD", key("waiting"), now, 2);
      await bed.redis("DEL", key("task"));
      await rebuild(window);
      expect(await bed.redis("ZCARD", key("running"))).toBe(0);
      expect(await cached()).toEqual(["1", "2", "3"]);
      expect(await gate.rows([1, 2, 3])).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    });

    test("mends a rev that is lost or is none", async () => {
      await rebuild([waiting(1, now + 1_000, 7), waiting(2, now + 1_000, 7)]);
      await bed.redis("HSET", key("rev"), 1, "no rev");
      await bed.redis("HDEL", key("rev"), 2);
      await rebuild([waiting(1, now + 1_000, 7), waiting(2, now + 1_000, 7)]);
      await gate.put([gone(1, 6), gone(2, 6)]);
      expect(await cached()).toEqual(["1", "2"]);
    });

    test("does not remove what another one may have read, which began meanwhile; the next one does", async () => {
      const window = [waiting(1, now + 1_000), waiting(2, now + 2_000)];
      await rebuild(window);
      await gate.rebuild(async () => {
        await rebuild(window);
        return windowOf([waiting(1, now + 1_000)]);
      });
      expect(await cached()).toEqual(["1", "2"]);
      await rebuild([waiting(1, now + 1_000)]);
      expect(await cached()).toEqual(["1"]);
    });

    test("nor what another one read, which has not ended", async () => {
      const window = [waiting(1, now + 1_000), waiting(2, now + 2_000)];
      await rebuild(window);
      bed.faults.redis = async (request) => {
        if (scriptRunBy(request) !== "FINISH") return;
        delete bed.faults.redis;
        await rebuild([waiting(1, now + 1_000)]);
      };
      await rebuild(window);
      expect(await cached()).toEqual(["1", "2"]);
    });

    test("does not say that it knows the window when it was flushed meanwhile", async () => {
      await rebuild([waiting(1, now + 1_000)]);
      bed.faults.redis = async (request) => {
        if (scriptRunBy(request) === "FINISH") await bed.redis("DEL", key("waiting"));
      };
      await rebuild([waiting(1, now + 1_000)]);
      expect(await gate.enter(a)).toEqual({ kind: "unknown" });
    });

    test.runIf(stack === "embedded")("that took too long changes nothing, and says so", async () => {
      await rebuild([waiting(1, now + 1_000)]);
      for (const writes of [[waiting(2, now + 1_000)], []]) {
        const late = gate.rebuild(async () => {
          aheadMs += REFRESH_LIMIT_MS + 1;
          return windowOf(writes);
        });
        expect(await late).toBe(false);
      }
      expect(await cached()).toEqual(["1"]);
    });
  });

  test("a time from now goes by the clock of Redis", async () => {
    await rebuild();
    // By the clock of whoever wrote it, it was due an hour ago.
    await gate.put([{ id: 1, rev: 1, kind: "waiting", atMs: now - HOUR_MS, inMs: 90_000 }]);
    const step = await gate.enter(a);
    expect(step.kind === "idle" && step.next?.inMs).toBeGreaterThan(80_000);
    expect(step.kind === "idle" && step.next?.inMs).toBeLessThanOrEqual(90_000);
  });

  test("a sleeper is taken for dead a moment after it should have woken up", async () => {
    await rebuild([waiting(1, Date.now() + 30_000)]);
    expect(await gate.enter(a)).toMatchObject({ kind: "sleep" });
    const left = await bed.redis("PTTL", key("sleeper"));
    expect(left).toBeGreaterThan(25_000 + SLEEPER_MARGIN_MS);
    expect(left).toBeLessThanOrEqual(30_000 + SLEEPER_MARGIN_MS);
  });

  test("a flag that was set by hand, without an end, gets one", async () => {
    await rebuild([waiting(1, now - 1_000)]);
    await bed.redis("SET", key("flag:0"), "by hand");
    expect(await gate.enter(a)).toEqual({ kind: "held", freeInMs: MINUTE_MS });
    expect(await bed.redis("PTTL", key("flag:0"))).toBeGreaterThan(MINUTE_MS - 10_000);
  });

  test("a look counts the tasks that others run, too; of an empty cache it says that nothing waits", async () => {
    expect(await gate.look()).toMatchObject({ waiting: 0, refreshedMs: undefined });
    await rebuild([
      waiting(1, now + 1_000),
      waiting(2, now + 1_000),
      { id: 3, rev: 1, kind: "foreign", atMs: now },
    ]);
    expect(await gate.look()).toMatchObject({ waiting: 3 });
  });

  describe("a list", () => {
    const listed = async () => (await gate.list())?.map(({ id }) => id);

    test("that is long is written in requests of a bounded size", async () => {
      gate = openGates(bed, { limit: 10_000 }).redis;
      const ids = Array.from({ length: 2 * PUT_CHUNK + 1 }, (_, n) => n + 1);
      bed.counts.reset();
      await rebuild(ids.map((id) => waiting(id, now + id)));
      expect(bed.counts.redis).toBe(1 + 1 + 3 + 1);
      expect(await gate.list()).toEqual(ids.map((id) => ({ id, atMs: now + id })));
    });

    test("has the tasks that others run, and none beyond the window", async () => {
      await rebuild([
        waiting(1, now + HOUR_MS),
        { id: 2, rev: 1, kind: "foreign", atMs: now + HOUR_MS },
        waiting(3, now + 5 * HOUR_MS),
      ]);
      expect(await listed()).toEqual([1, 2]);
    });

    test("is left to Postgres while a tick runs, and when the cache is empty; not while the operator holds", async () => {
      expect(await listed()).toBe(undefined);
      await rebuild([waiting(1, now + HOUR_MS)]);
      await gate.setRunning(true);
      expect(await listed()).toEqual([1]);
      await gate.setRunning(false);
      await gate.renew("a", 0, []);
      expect(await listed()).toBe(undefined);
    });
  });
});
