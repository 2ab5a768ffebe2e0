/** A process that only enqueues: it does not know the cache of those that run its tasks, nor their types. */
import { expect, test } from "vitest";
import { type Clock, systemClock } from "#core";
import { REDIS_PAUSE_MS, WINDOW_MS } from "../../../packages/core/limits.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { breakRedis } from "../../support/bed/gates.ts";
import { inMs, keyOf } from "../../support/bed/look.ts";
import { noteLog } from "../../support/run/noted-log.ts";

const HOUR_MS = 3_600_000;
const ASKS = { now: { askPostgres: true } };

describeOnStacks("a process that only enqueues", (bed) => {
  const make = ({ withoutRedis = false } = {}) => {
    let passedMs = 0;
    const clock: Clock = { ...systemClock, now: () => Date.now() + passedMs };
    const { log, lines } = noteLog();
    const doorbell = noteRings();
    const { tasks } = bed.make({ definitions: [], enqueuesOnly: true, doorbell, clock, log, withoutRedis });
    return {
      tasks,
      rings: doorbell.rings,
      warnings: () => lines.filter(({ level }) => level === "warn"),
      pass: (ms: number) => {
        passedMs += ms;
      },
    };
  };
  /** What those do that run tasks. */
  const refresh = () => bed.make({ doorbell: noteRings() }).worker.refresh();
  const cached = () => bed.redis("ZRANGE", keyOf(bed, "waiting"), 0, -1);
  const threeTasks = [{ type: "any" }, { type: "any", scheduled_time: inMs(HOUR_MS) }, { type: "other" }];

  test("tells the cache, and rings for each due time, once it has seen that somebody refreshes the cache", async () => {
    await refresh();
    const { tasks, rings, warnings } = make();
    await tasks.create(threeTasks);
    expect(await cached()).toEqual(["*", "1", "3", "2"]);
    expect(rings).toEqual([{ now: {} }, expect.objectContaining({ atMs: expect.any(Number) })]);
    bed.counts.reset();
    await tasks.create(threeTasks);
    expect(bed.counts).toMatchObject({ postgres: 1, redis: 1 });
    expect(warnings()).toEqual([]);
  });

  test("rings for all of the window: how often others refresh, it does not know", async () => {
    await refresh();
    const { tasks, rings } = make();
    await tasks.create([{ type: "any", scheduled_time: inMs(WINDOW_MS - 60_000) }]);
    expect(rings).toHaveLength(1);
    await tasks.create([{ type: "any", scheduled_time: inMs(WINDOW_MS + 60_000) }]);
    expect(rings).toHaveLength(1);
  });

  test("until then has Postgres asked, with one ring for all tasks, and warns once", async () => {
    const { tasks, rings, warnings, pass } = make();
    await tasks.create(threeTasks);
    await tasks.create(threeTasks);
    expect([await cached(), rings]).toEqual([[], [ASKS, ASKS]]);
    expect(warnings()).toEqual([
      { level: "warn", message: expect.stringMatching(/^nobody has refreshed the cache/) },
    ]);
    await refresh();
    pass(REDIS_PAUSE_MS);
    await tasks.create([{ type: "any", scheduled_time: inMs(HOUR_MS) }]);
    expect(rings.at(-1)).toMatchObject({ atMs: expect.any(Number) });
    expect(warnings()).toHaveLength(1);
  });

  test("does not take a cache for alive that was refreshed long ago", async () => {
    await refresh();
    await bed.redis("HSET", keyOf(bed, "state"), "refreshed", Date.now() - WINDOW_MS - 60_000);
    const { tasks, rings } = make();
    await tasks.create([{ type: "any" }]);
    expect(rings).toEqual([ASKS]);
  });

  test("has Postgres asked while Redis does not answer, and leaves Redis alone for a while", async () => {
    await refresh();
    const { tasks, rings, warnings } = make();
    const mend = breakRedis(bed);
    await tasks.create([{ type: "any" }]);
    bed.counts.reset();
    await tasks.create([{ type: "any" }]);
    expect(bed.counts.redis).toBe(0);
    expect(rings).toEqual([ASKS, ASKS]);
    expect(warnings()).toMatchObject([{ message: expect.stringMatching(/^Redis does not answer/) }]);
    mend();
  });

  test("always has Postgres asked where it has no Redis: others may have one", async () => {
    await refresh();
    const { tasks, rings, warnings } = make({ withoutRedis: true });
    await tasks.create(threeTasks);
    await tasks.create([{ type: "any", scheduled_time: inMs(WINDOW_MS + 60_000) }]);
    expect(rings).toEqual([ASKS]);
    expect(warnings()).toEqual([]);
  });

  test("files a task of any type as waiting, however long it has been due", async () => {
    await refresh();
    await make().tasks.create([{ type: "unheard of", scheduled_time: inMs(-24 * HOUR_MS) }]);
    expect(await cached()).toEqual(["*", "1"]);
    expect(await bed.redis("EXISTS", keyOf(bed, "foreign"))).toBe(0);
  });
});
