import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { foreignTask } from "#core";
import { eventually, openTestBed, stacks, type TestBed } from "../../support/bed/bed.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { gated, noting, obedient } from "../../support/bed/tasks.ts";

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
const broken = () => {
  throw new Error("connect ECONNREFUSED");
};

describe.each(stacks)("on %s", (kind) => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await openTestBed(kind);
  });
  afterEach(() => bed.clear());
  afterAll(() => bed.close());

  const { definition } = noting();
  const make = () => bed.make({ doorbell: noteRings(), definitions: [definition] });

  test("getNotStartedTasks gives the waiting tasks of the next four hours, by due time, with all their columns", async () => {
    const { tasks } = make();
    const large = { text: "x".repeat(10_000) };
    await tasks.create([
      { type: "note", scheduled_time: inHours(3) },
      { type: "note", scheduled_time: inHours(5) },
      { type: "note", scheduled_time: inHours(1), task_data: large },
      { type: "note", scheduled_time: inHours(2), task_data: { small: true } },
    ]);
    await tasks.refresh();
    bed.counts.reset();
    const found = await tasks.getNotStartedTasks();
    expect(found.map(({ id }) => id)).toEqual([3, 4, 1]);
    expect(found[0]?.task_data).toEqual(large);
    expect(found[1]).toEqual(await tasks.get(4));
    // The large one is not in the cache: one query fetched it (and one was ours, just now).
    expect(bed.counts.postgres).toBe(2);
    expect(await tasks.getCacheStats()).toMatchObject({ cachedTasksCount: 3 });
  });

  test("getNotStartedTasks leaves out what has started, at once", async () => {
    const { starts, definition: waits } = gated();
    const { tasks } = bed.make({ definitions: [waits] });
    await tasks.create([{ type: "gated" }, { type: "gated", scheduled_time: inHours(1) }]);
    await eventually(() => starts.length === 1);
    expect((await tasks.getNotStartedTasks()).map(({ id }) => id)).toEqual([2]);
    starts[0]?.finish();
    await eventually(async () => (await tasks.get(1)).task_status === "Completed");
    expect((await tasks.getNotStartedTasks()).map(({ id }) => id)).toEqual([2]);
  });

  test("getCacheStats has the mission's eight fields, and they are true", async () => {
    const { tasks } = bed.make({
      doorbell: noteRings(),
      definitions: [definition],
      env: { TASK_LIST_REFRESH_INTERVAL: "1800" },
    });
    expect(await tasks.getCacheStats()).toEqual({
      cachedTasksCount: 0,
      isTaskRunning: false,
      refreshInterval: 1_800_000,
      refreshIntervalSeconds: 1800,
      maxRefreshIntervalSeconds: 10_800,
      taskTimeWindow: "4 hours",
      initialized: false,
      lastRefreshed: null,
    });
    await tasks.create([{ type: "note", scheduled_time: inHours(1) }]);
    const before = Date.now();
    await tasks.forceRefresh();
    await tasks.setTaskRunning(true);
    const stats = await tasks.getCacheStats();
    expect(stats).toMatchObject({ cachedTasksCount: 1, isTaskRunning: true, initialized: true });
    expect(Math.abs(Date.parse(stats.lastRefreshed ?? "") - before)).toBeLessThan(5_000);
    // Another process sees the same.
    expect(await make().tasks.getCacheStats()).toMatchObject({
      cachedTasksCount: 1,
      isTaskRunning: true,
      initialized: true,
      lastRefreshed: stats.lastRefreshed,
    });
  });

  test("setTaskRunning(true) keeps ticks from starting anything, setTaskRunning(false) has somebody look", async () => {
    const bell = noteRings();
    const { ran, definition: note } = noting();
    const { tasks } = bed.make({ doorbell: bell, definitions: [note], env: { TASK_CONCURRENCY: "2" } });
    await tasks.setTaskRunning(true);
    expect(await tasks.isTaskRunning()).toBe(true);
    await tasks.create([{ type: "note" }]);
    expect(await tasks.tick()).toMatchObject({ ended: "held", completed: 0 });
    expect(bell.rings.at(-1)?.afterMs).toBeGreaterThan(14 * 60_000);
    await tasks.setTaskRunning(false);
    expect(await tasks.isTaskRunning()).toBe(false);
    expect(bell.rings.at(-1)).toEqual({ now: {} });
    expect(await tasks.tick()).toMatchObject({ completed: 1 });
    expect(ran).toHaveLength(1);
    await expect(tasks.setTaskRunning("yes" as never)).rejects.toThrow(
      '"yes" is not accepted; true or false is',
    );
  });

  test("resetStuck ends what runs, frees the flag and says what it did; a worker that lives changes nothing any more", async () => {
    const { starts, definition: waits } = gated();
    const bell = noteRings();
    const { tasks } = bed.make({ doorbell: bell, definitions: [waits, definition] });
    await tasks.create([{ type: "gated" }, { type: "note" }]);
    const ticking = tasks.tick();
    const { context, finish } = await eventually(() => starts[0]);
    expect(await tasks.resetStuck()).toMatchObject([
      { id: 1, task_status: "Error", error_data: { message: "Manually reset", code: "reset" } },
    ]);
    expect(await tasks.isTaskRunning()).toBe(false);
    expect(bell.rings.at(-1)).toEqual({ now: {} });
    await context.progress(0.5);
    expect(context.signal.aborted).toBe(true);
    finish("too late");
    expect(await ticking).toMatchObject({ lost: 1, completed: 1 });
    expect(await tasks.get(1)).toMatchObject({ task_status: "Error", result_data: null, progress: null });
    expect(await tasks.resetStuck()).toEqual([]);
  });

  test("waitForTaskCompletion waits for what runs anywhere, as long as it was told", async () => {
    const { starts, definition: waits } = gated();
    const { tasks } = bed.make({ definitions: [waits] });
    const other = make().tasks;
    expect(await other.waitForTaskCompletion(0)).toBe(true);
    await tasks.create([{ type: "gated" }]);
    await eventually(() => starts.length === 1);
    expect(await other.waitForTaskCompletion(50)).toBe(false);
    const waiting = other.waitForTaskCompletion(10_000);
    starts[0]?.finish();
    expect(await waiting).toBe(true);
    await expect(other.waitForTaskCompletion(-1)).rejects.toThrow("-1 is not accepted; milliseconds are");
  });

  test("a change is in the cache at once: made, moved into the window and out of it, deleted, retried", async () => {
    const { tasks } = make();
    await tasks.refresh();
    const listed = async () => (await tasks.getNotStartedTasks()).map(({ id, task_data }) => [id, task_data]);
    await tasks.create([
      { type: "note", scheduled_time: inHours(1), task_data: 1 },
      { type: "note", scheduled_time: inHours(9), task_data: 2 },
    ]);
    expect(await listed()).toEqual([[1, 1]]);
    await tasks.update(2, { scheduled_time: inHours(2) });
    await tasks.update(1, { task_data: { changed: true } });
    expect(await listed()).toEqual([
      [1, { changed: true }],
      [2, 2],
    ]);
    await tasks.update(1, { scheduled_time: inHours(7) });
    await tasks.remove(2);
    expect(await listed()).toEqual([]);
    await tasks.cancel(1);
    await tasks.retry(1);
    expect((await listed())[0]?.[0]).toBe(1);
  });

  test("rows that others write are picked up by the next refresh, or at once when they say so", async () => {
    const bell = noteRings();
    const { tasks } = bed.make({ doorbell: bell, definitions: [definition] });
    await tasks.refresh();
    await bed.sql(
      `insert into "baasix_Tasks" (type, scheduled_time) values ('note', now() + interval '1 minute'), ('note', now() + interval '1 minute')`,
    );
    expect(await tasks.getNotStartedTasks()).toEqual([]);
    await tasks.changed([1]);
    expect((await tasks.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
    expect(bell.rings.at(-1)?.inMs).toBeGreaterThan(50_000);
    await tasks.refresh();
    expect((await tasks.getNotStartedTasks()).map(({ id }) => id)).toEqual([1, 2]);
    await bed.sql(`delete from "baasix_Tasks" where id = 1`);
    await tasks.changed([1]);
    expect((await tasks.getNotStartedTasks()).map(({ id }) => id)).toEqual([2]);
  });

  test("hooks are told of the API's own changes, in order, and one that throws breaks nothing", async () => {
    const { tasks, hooks } = make();
    const told: unknown[] = [];
    hooks.registerHook("baasix_Tasks", "items.create.after", () => {
      throw new Error("a bad hook");
    });
    hooks.registerHook("baasix_Tasks", "items.create.after", ({ data }) => ({ ...data, seen: 1 }));
    for (const event of ["items.create.after", "items.update.after", "items.delete.after"] as const)
      hooks.registerHook(
        "baasix_Tasks",
        event,
        ({ data, collection }) => void told.push([event, collection, data.id, data.seen]),
      );
    await tasks.create([{ type: "note", scheduled_time: inHours(1) }]);
    await tasks.update(1, { task_data: 1 });
    await tasks.remove(1);
    expect(told).toEqual([
      ["items.create.after", "baasix_Tasks", 1, 1],
      ["items.update.after", "baasix_Tasks", 1, undefined],
      ["items.delete.after", "baasix_Tasks", 1, undefined],
    ]);
  });

  describe("never throws", () => {
    test("with Redis down: the list comes from Postgres, and the stats say what failed", async () => {
      const { tasks } = make();
      await tasks.create([{ type: "note", scheduled_time: inHours(1) }]);
      bed.faults.redis = broken;
      expect((await tasks.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
      expect(await tasks.isTaskRunning()).toBe(false);
      expect(await tasks.getCacheStats()).toMatchObject({
        cachedTasksCount: 0,
        isTaskRunning: false,
        initialized: false,
        error: expect.stringContaining("Redis"),
      });
    });

    test("with Postgres down: the cache answers", async () => {
      const { tasks } = make();
      await tasks.create([{ type: "note", scheduled_time: inHours(1) }]);
      await tasks.refresh();
      bed.faults.postgres = broken;
      expect((await tasks.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
      expect(await tasks.isTaskRunning()).toBe(false);
      expect(await tasks.getCacheStats()).toMatchObject({ cachedTasksCount: 1, initialized: true });
    });

    test("with both down: an empty list, and no", async () => {
      const { tasks } = make();
      bed.faults.redis = broken;
      bed.faults.postgres = broken;
      expect(await tasks.getNotStartedTasks()).toEqual([]);
      expect(await tasks.isTaskRunning()).toBe(false);
      expect(await tasks.getCacheStats()).toMatchObject({ initialized: false, error: expect.any(String) });
    });
  });

  test("with Redis down, tasks are made and run all the same; when it is back, it is right again", async () => {
    const { ran, definition: note } = noting();
    const { tasks } = bed.make({ definitions: [note] });
    await tasks.refresh();
    bed.faults.redis = broken;
    await tasks.create([{ type: "note" }, { type: "note" }, { type: "note", scheduled_time: inHours(1) }]);
    await eventually(async () => ran.length === 2 && !(await tasks.isTaskRunning()));
    delete bed.faults.redis;
    await tasks.refresh().catch(() => {});
    await eventually(async () => {
      await tasks.refresh();
      return (await tasks.getCacheStats()).cachedTasksCount === 1;
    });
  });

  test("CACHE_ENABLED=false works on Postgres alone, and an idle tick is one query", async () => {
    const { ran, definition: note } = noting();
    const { definition: obeys, started } = obedient();
    const { tasks } = bed.make({ definitions: [note, obeys], env: { CACHE_ENABLED: "false" } });
    bed.counts.reset();
    expect(await tasks.tick()).toMatchObject({ ended: "idle" });
    expect(bed.counts).toMatchObject({ postgres: 1, redis: 0 });
    await tasks.create([{ type: "note" }, { type: "note" }]);
    await eventually(() => ran.length === 2);
    await tasks.refresh();
    expect(await tasks.getCacheStats()).toMatchObject({
      initialized: true,
      isTaskRunning: false,
      lastRefreshed: expect.stringMatching(/^20/),
    });
    await tasks.create([{ type: "obedient" }, { type: "note", scheduled_time: inHours(1) }]);
    await eventually(() => started.length === 1);
    expect(await tasks.isTaskRunning()).toBe(true);
    expect((await tasks.getNotStartedTasks()).map(({ id }) => id)).toEqual([4]);
    await tasks.setTaskRunning(false);
    expect(await tasks.isTaskRunning()).toBe(true);
    expect(bed.counts.redis).toBe(0);
  });

  test("a type that another program runs is listed, and no tick minds it; what that program leaves goes back", async () => {
    const bell = noteRings();
    const { ran, definition: note } = noting();
    const { tasks } = bed.make({ doorbell: bell, definitions: [note, foreignTask({ type: "email_batch" })] });
    await tasks.refresh();
    await tasks.create([{ type: "email_batch", scheduled_time: inHours(-1) }, { type: "note" }]);
    expect(await tasks.tick()).toMatchObject({ completed: 1, failed: 0, ended: "idle" });
    expect(ran).toEqual([{ id: 2, attempt: 1, data: null }]);
    for (const refreshed of [false, true]) {
      if (refreshed) await tasks.refresh();
      expect((await tasks.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
      expect(await tasks.getCacheStats()).toMatchObject({ cachedTasksCount: 1 });
      bed.counts.reset();
      expect(await tasks.tick()).toMatchObject({ ended: "idle" });
      expect(bed.counts).toMatchObject({ postgres: 0, redis: 1 });
    }
    // The other program takes it and dies; its lease of 15 minutes ends.
    await bed.sql(`update "baasix_Tasks" set task_status = 'Running' where id = 1`);
    await bed.sql(`update "baasix_Tasks" set lease_expires_at = now() - interval '1 second' where id = 1`);
    await tasks.create([{ type: "note" }]);
    await tasks.tick();
    await tasks.tick();
    expect(await tasks.get(1)).toMatchObject({
      task_status: "Not started",
      crashes: 1,
      history: [{ outcome: "crashed" }],
    });
    await tasks.refresh();
    expect((await tasks.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
    expect(await tasks.get(3)).toMatchObject({ task_status: "Completed" });
    // The same on Postgres alone.
    const { tasks: alone } = bed.make({
      doorbell: bell,
      definitions: [note, foreignTask({ type: "email_batch" })],
      env: { CACHE_ENABLED: "false" },
    });
    expect(await alone.tick()).toMatchObject({ ended: "idle", failed: 0 });
    expect((await alone.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
  });

  test("the same idempotency key makes the tasks once, whoever uses it at the same time", async () => {
    const { tasks } = make();
    const given = [{ type: "note", task_data: { n: 1 } }, { type: "note" }];
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => tasks.create(given, { idempotencyKey: "order-7" })),
    );
    expect(new Set(answers.map((made) => JSON.stringify(made.map(({ id }) => id)))).size).toBe(1);
    expect(await bed.sql(`select from "baasix_Tasks"`)).toHaveLength(2);
    await expect(tasks.create([{ type: "note" }], { idempotencyKey: "order-7" })).rejects.toMatchObject({
      code: "idempotency_key_reused",
    });
    await bed.sql(`update tickwork_requests set created_at = now() - interval '25 hours'`);
    const again = await tasks.create(given, { idempotencyKey: "order-7" });
    expect(again[0]?.id).not.toBe(answers[0]?.[0]?.id);
    await bed.sql(`update tickwork_requests set created_at = now() - interval '25 hours'`);
    await tasks.refresh();
    expect(await bed.sql(`select from tickwork_requests`)).toEqual([]);
  });
});
