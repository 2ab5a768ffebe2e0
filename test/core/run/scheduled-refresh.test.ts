/** Refreshes that go by the cache alone, on real servers: Postgres is not asked, and nothing is missed for it. */
import { describe, expect, test } from "vitest";
import { type Definitions, foreignTask, systemClock } from "#core";
import { REDIS_PAUSE_MS } from "../../../packages/core/limits.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { breakRedis } from "../../support/bed/gates.ts";
import { keyOf, membersOf } from "../../support/bed/look.ts";
import { noting } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

const HOUR_MS = 3_600_000;
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

describeOnStacks("a refresh that may leave Postgres asleep", (bed) => {
  const make = (env = {}, definitions: Definitions = [noting().definition]) =>
    bed.make({ doorbell: noteRings(), definitions, env: { TASK_MAX_UNSEEN_TIME: "3600", ...env } });
  const insert = (type = "note", dueInMs = HOUR_MS) =>
    bed.sql(`insert into "baasix_Tasks" (type, scheduled_time) values ($1, $2)`, [type, inMs(dueInMs)]);

  test("asks Postgres nothing and Redis once, and says when each was looked at", async () => {
    const { worker, operator } = make();
    expect(await worker.refresh()).toMatchObject({ readPostgres: true });
    const before = await operator.getCacheStats();
    // Otherwise both may be in the same millisecond.
    await eventually(() => Date.now() > Date.parse(before.lastRefreshed ?? "") + 1);
    bed.counts.reset();
    expect(await worker.refresh()).toMatchObject({ readPostgres: false });
    expect(bed.counts).toMatchObject({ postgres: 0, redis: 1 });
    const { healthy, stats } = await operator.getHealth();
    expect({ healthy, read: stats.lastRead }).toEqual({ healthy: true, read: before.lastRead });
    expect(Date.parse(stats.lastRefreshed ?? "")).toBeGreaterThan(Date.parse(before.lastRefreshed ?? ""));
  });

  test.each([
    ["unless it is set", { TASK_MAX_UNSEEN_TIME: "" }],
    ["when that is less than two intervals", { TASK_MAX_UNSEEN_TIME: "1199" }],
    ["without a cache", { CACHE_ENABLED: "false" }],
  ])("reads Postgres %s", async (_, env) => {
    const { worker, operator } = make(env);
    await worker.refresh();
    bed.counts.reset();
    expect(await worker.refresh()).toMatchObject({ readPostgres: true });
    expect(bed.counts.postgres).toBeGreaterThan(0);
    expect(await operator.getCacheStats()).not.toHaveProperty("lastRead");
  });

  test("still does when tasks were created, changed, run and deleted through Tickwork: the cache was told", async () => {
    const { worker, tasks, operator } = make();
    await worker.refresh();
    const [first, second, third] = await tasks.create([
      { type: "note" },
      { type: "note", scheduled_time: inMs(HOUR_MS) },
      { type: "note", scheduled_time: inMs(HOUR_MS) },
    ]);
    await worker.tick();
    await tasks.update(second?.id ?? 0, { scheduled_time: inMs(HOUR_MS / 2) });
    await tasks.remove(third?.id ?? 0);
    bed.counts.reset();
    expect(await worker.refresh()).toMatchObject({ readPostgres: false, waiting: 1, due: 0 });
    expect(bed.counts.postgres).toBe(0);
    expect((await tasks.get(first?.id ?? 0)).task_status).toBe("Completed");
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([second?.id]);
  });

  test("reports what is due, and rings for that, for what soon will be, and for the end of a lease", async () => {
    const rings = noteRings();
    const { worker, tasks, operator } = bed.make({
      doorbell: rings,
      definitions: [noting().definition],
      env: { TASK_MAX_UNSEEN_TIME: "3600" },
    });
    await worker.refresh();
    await tasks.create([
      { type: "note", scheduled_time: inMs(-60_000) },
      { type: "note", scheduled_time: inMs(600_000) },
      { type: "note", scheduled_time: inMs(2 * HOUR_MS) },
    ]);
    const [running] = await bed.sql<{ id: string }>(
      `insert into "baasix_Tasks" (type, scheduled_time, task_status) values ('note', now(), 'Running') returning id`,
    );
    await operator.notifyChanged([Number(running?.id)]);
    rings.rings.length = 0;
    const report = await worker.refresh();
    expect(report).toMatchObject({ readPostgres: false, waiting: 3, due: 1, running: 1 });
    expect(report.oldestDueAgeSeconds).toBeGreaterThan(59);
    expect(rings.rings).toEqual([
      { now: { by: "refresh" } },
      expect.objectContaining({ atMs: expect.any(Number) }),
      { afterMs: expect.any(Number) },
    ]);
  });

  test("has cached what is due as far ahead as it may go without Postgres", async () => {
    const { worker, tasks, operator } = make({ TASK_MAX_UNSEEN_TIME: "7200" });
    await insert("note", 5.9 * HOUR_MS);
    await worker.refresh();
    await tasks.create([{ type: "note", scheduled_time: inMs(5.9 * HOUR_MS) }]);
    expect(await worker.refresh()).toMatchObject({ readPostgres: false, waiting: 2 });
    // What is due within four hours is listed all the same.
    expect(await operator.getNotStartedTasks()).toEqual([]);
  });

  describe("reads Postgres", () => {
    const readsAfter = async (what: () => Promise<unknown>, env = {}) => {
      const { worker, tasks } = make(env);
      await tasks.create([{ type: "note", scheduled_time: inMs(HOUR_MS) }, { type: "note" }]);
      await worker.refresh();
      expect(await worker.refresh()).toMatchObject({ readPostgres: false });
      await what();
      expect(await worker.refresh()).toMatchObject({ readPostgres: true });
      expect(await worker.refresh()).toMatchObject({ readPostgres: false });
    };

    test.each(["waiting", "rev", "state"])("when %s was evicted", (name) =>
      readsAfter(() => bed.redis("DEL", keyOf(bed, name))),
    );

    test("when one of its tasks was lost", () =>
      readsAfter(async () =>
        bed.redis("ZREM", keyOf(bed, "waiting"), (await membersOf(bed, "waiting")).at(-1) ?? ""),
      ));

    test("when it was read too long ago", () =>
      readsAfter(() => bed.redis("HINCRBY", keyOf(bed, "state"), "read", -3_400_000)));

    test("when a refresh has died, until one has read that was alone", async () => {
      const { worker } = make();
      await worker.refresh();
      await bed.redis("HINCRBY", keyOf(bed, "state"), "began", 1);
      expect(await worker.refresh()).toMatchObject({ readPostgres: true });
      expect(await worker.refresh()).toMatchObject({ readPostgres: true });
      expect(await worker.refresh()).toMatchObject({ readPostgres: false });
    });

    test("when refreshes have overlapped: each may have left what the other did not find", async () => {
      const [first, second] = [make(), make()];
      await first.worker.refresh();
      let overlaps = true;
      bed.faults.postgres = async () => {
        if (!overlaps) return;
        overlaps = false;
        await second.worker.refresh({ readPostgres: true });
      };
      await first.worker.refresh({ readPostgres: true });
      expect(await first.worker.refresh()).toMatchObject({ readPostgres: true });
      expect(await second.worker.refresh()).toMatchObject({ readPostgres: false });
    });

    test("when a row came behind its back, at the time that is set", async () => {
      const { worker, operator } = make();
      await worker.refresh();
      await insert();
      expect(await worker.refresh()).toMatchObject({ readPostgres: false, waiting: 0 });
      await bed.redis("HINCRBY", keyOf(bed, "state"), "read", -3_400_000);
      expect(await worker.refresh()).toMatchObject({ readPostgres: true, waiting: 1 });
      expect(await operator.getNotStartedTasks()).toHaveLength(1);
    });

    test("when others have read it who know other types, or take more or less into the cache", async () => {
      await make().worker.refresh();
      const newer = make({}, [noting().definition, foreignTask({ type: "of others" })]);
      expect(await newer.worker.refresh()).toMatchObject({ readPostgres: true });
      expect(await make({ TASK_CACHE_LIMIT: "500" }).worker.refresh()).toMatchObject({ readPostgres: true });
      expect(await make({ TASK_MAX_UNSEEN_TIME: "7200" }).worker.refresh()).toMatchObject({
        readPostgres: true,
      });
    });

    test("as long as the limit cuts the window within four hours, and no longer", async () => {
      const { worker } = make({ TASK_CACHE_LIMIT: "2" });
      for (const hours of [1, 2, 4.1]) await insert("note", hours * HOUR_MS);
      await worker.refresh();
      expect(await worker.refresh()).toMatchObject({ readPostgres: true, cut: true });
      await bed.sql(`update "baasix_Tasks" set scheduled_time = scheduled_time + interval '30 minutes'`);
      await worker.refresh();
      expect(await worker.refresh()).toMatchObject({ readPostgres: false, cut: true });
    });

    test("while there are more tasks of other programs than the cache takes", async () => {
      const definitions = [noting().definition, foreignTask({ type: "theirs" })];
      const { worker } = make({ TASK_CACHE_LIMIT: "2" }, definitions);
      await insert("theirs");
      await worker.refresh();
      expect(await worker.refresh()).toMatchObject({ readPostgres: false });
      await insert("theirs");
      await insert("theirs");
      expect(await worker.refresh({ readPostgres: true })).toMatchObject({ readPostgres: true });
      expect(await worker.refresh()).toMatchObject({ readPostgres: true });
    });

    test("when the operator says so", async () => {
      const { worker, operator } = make();
      await worker.refresh();
      await insert();
      await operator.forceRefresh();
      expect(await operator.getNotStartedTasks()).toHaveLength(1);
      expect(await worker.refresh({ readPostgres: true })).toMatchObject({ readPostgres: true });
    });

    test("after Redis has failed here, until the cache was rebuilt", async () => {
      let aheadMs = 0;
      const { worker, tasks } = bed.make({
        doorbell: noteRings(),
        definitions: [noting().definition],
        env: { TASK_MAX_UNSEEN_TIME: "3600" },
        clock: { ...systemClock, now: () => Date.now() + aheadMs },
      });
      await worker.refresh();
      const mend = breakRedis(bed);
      await tasks.create([{ type: "note", scheduled_time: inMs(HOUR_MS) }]);
      mend();
      aheadMs = REDIS_PAUSE_MS + 1;
      expect(await worker.refresh()).toMatchObject({ readPostgres: true, waiting: 1 });
      expect(await worker.refresh()).toMatchObject({ readPostgres: false });
    });
  });
});
