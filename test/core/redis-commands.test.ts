/**
 * What Redis is asked to do, as Upstash bills it: every command counts, also inside a script. Counted by Redis itself;
 * scripts/cost-numbers.ts and docs/cost.md calculate with these numbers.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openTestBed, type TestBed } from "../support/bed/bed.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { noting } from "../support/bed/tasks.ts";
import { findBinaries } from "../support/chaos/binaries.ts";
import { type OwnRedis, openOwnRedis } from "../support/chaos/own-redis.ts";

const binaries = findBinaries();
const hasRedis = typeof binaries !== "string";

describe.each([
  ["the Redis of this process", false],
  // Of its own: the count is the whole server's.
  ["Redis", true],
] as const)("commands that %s runs", (_, isReal) => {
  /** What takes seconds is counted once: by Redis, where there is one. */
  const large = isReal === hasRedis;
  const countedHere = (from: number, sizes: [n: number, most: number][]) =>
    sizes.filter(([n]) => large || n < from);
  let own: OwnRedis | undefined;
  let bed: TestBed;
  beforeAll(async () => {
    if (isReal && hasRedis) own = await openOwnRedis(binaries);
    bed = await openTestBed("embedded", own && { redisUrl: own.url });
  });
  afterEach(() => bed.clear());
  afterAll(async () => {
    await bed.close();
    await own?.close();
  });

  const countNow = async () => {
    const lines = String(await bed.redis("INFO", "commandstats")).matchAll(/^cmdstat_(.*):calls=(\d+)/gm);
    let sum = 0;
    for (const [, name, calls] of lines) if (name !== "info") sum += Number(calls);
    return sum;
  };
  const commandsOf = async (work: () => Promise<unknown>) => {
    const before = await countNow();
    await work();
    return (await countNow()) - before;
  };

  const make = async (slots: number, { earlyMs = 0, env = {}, batch = false } = {}) => {
    const definition = { ...noting().definition, batch };
    const made = bed.make({
      doorbell: noteRings({ earlyMs }),
      definitions: [definition],
      env: { TASK_CONCURRENCY: `${slots}`, ...env },
    });
    await made.worker.refresh();
    return made;
  };
  const due = (n: number, later = {}) => Array.from({ length: n }, () => ({ type: "note", ...later }));
  const inAnHour = () => ({ scheduled_time: new Date(Date.now() + 3_600_000).toISOString() });

  describe.skipIf(isReal && !hasRedis).each([1, 8])("%i slots", (slots) => {
    test("an idle tick: at most 5", async () => {
      const { tasks, worker } = await make(slots);
      expect(await commandsOf(() => worker.tick())).toBeLessThanOrEqual(5);
      await tasks.create(due(20, inAnHour()));
      expect(await commandsOf(() => worker.tick())).toBeLessThanOrEqual(5);
    });

    test.each([
      [1, 7],
      [1_000, 30],
    ])("making %i: at most %i, due now or later", async (n, most) => {
      const { tasks } = await make(slots);
      expect(await commandsOf(() => tasks.create(due(n)))).toBeLessThanOrEqual(most);
      expect(await commandsOf(() => tasks.create(due(n, inAnHour())))).toBeLessThanOrEqual(most);
    });

    test.each(
      countedHere(1_000, [
        [1, 18],
        [10, 30],
        [1_000, 100],
      ]),
    )("a tick of %i: at most %i", async (n, most) => {
      const { tasks, worker } = await make(slots);
      await tasks.create(due(n));
      const count = await commandsOf(async () => expect(await worker.tick()).toMatchObject({ completed: n }));
      expect(count).toBeLessThanOrEqual(most);
    });
  });

  describe.skipIf(isReal && !hasRedis)("a tick with one slot", () => {
    test.each([
      [1, 18],
      [1_000, 60],
    ])("that runs %i in batches: at most %i", async (n, most) => {
      const { tasks, worker } = await make(1, { batch: true });
      await tasks.create(due(n));
      const count = await commandsOf(async () => expect(await worker.tick()).toMatchObject({ completed: n }));
      expect(count).toBeLessThanOrEqual(most);
    });

    // A sleep that ends a little early by Redis's clock costs another look of 7.
    test("that sleeps and then runs one: at most 32", async () => {
      const { tasks, worker } = await make(1, { earlyMs: 60_000 });
      await tasks.create(due(1, { scheduled_time: new Date(Date.now() + 1_500).toISOString() }));
      const count = await commandsOf(async () => expect(await worker.tick()).toMatchObject({ completed: 1 }));
      expect(count).toBeLessThanOrEqual(32);
    });

    test("that meets a held flag: at most 6", async () => {
      const { tasks, worker, operator } = await make(1);
      await operator.setTaskRunning(true);
      await tasks.create(due(3));
      const count = await commandsOf(async () =>
        expect(await worker.tick()).toMatchObject({ ended: "held" }),
      );
      expect(count).toBeLessThanOrEqual(6);
    });
  });

  describe.skipIf(isReal && !hasRedis)("a refresh", () => {
    const fill = (n: number) =>
      bed.sql(`insert into "baasix_Tasks" (type, scheduled_time)
        select 'note', now() + interval '1 h' + n * interval '1 ms' from generate_series(1, ${n}) n`);

    test.each(
      countedHere(10_000, [
        [0, 25],
        [1_000, 25],
        [10_000, 60],
      ]),
    )("of %i that did not change: at most %i", async (n, most) => {
      const { worker } = await make(1);
      await fill(n);
      await worker.refresh();
      expect(await commandsOf(() => worker.refresh())).toBeLessThanOrEqual(most);
    });

    test.each([0, large ? 10_000 : 1_000])("of %i that goes by the cache alone: at most 12", async (n) => {
      const { worker } = await make(1, { env: { TASK_MAX_UNSEEN_TIME: "3600" } });
      await fill(n);
      await worker.refresh({ readPostgres: true });
      const count = await commandsOf(async () =>
        expect(await worker.refresh()).toMatchObject({ readPostgres: false, waiting: n }),
      );
      expect(count).toBeLessThanOrEqual(12);
    });

    test.runIf(large).each([10, 1_000])(
      "of 10,000 of which %i changed: at most 60 and a tenth of them",
      async (changed) => {
        const { worker } = await make(1);
        await fill(10_000);
        await worker.refresh();
        await bed.sql(
          `update "baasix_Tasks" set scheduled_time = scheduled_time + interval '1 s' where id % ${10_000 / changed} = 0`,
        );
        await bed.sql(`delete from "baasix_Tasks" where id % ${10_000 / changed} = 1`);
        expect(await commandsOf(() => worker.refresh())).toBeLessThanOrEqual(60 + (2 * changed) / 10);
      },
    );
  });
});
