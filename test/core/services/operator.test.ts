import { describe, expect, test } from "vitest";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { gated, noting } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
const broken = () => {
  throw new Error("connect ECONNREFUSED");
};

describeOnStacks("the operator", (bed) => {
  const { definition } = noting();
  const make = () => bed.make({ doorbell: noteRings(), definitions: [definition] });

  test("getNotStartedTasks lists what waits and is due within four hours, by due time, with all columns", async () => {
    const { tasks, operator, worker } = make();
    const large = { text: "x".repeat(10_000) };
    await tasks.create([
      { type: "note", scheduled_time: inHours(3) },
      { type: "note", scheduled_time: inHours(5) },
      { type: "note", scheduled_time: inHours(1), task_data: large },
      { type: "note", scheduled_time: inHours(2), task_data: { small: true } },
    ]);
    await worker.refresh();
    bed.counts.reset();
    const found = await operator.getNotStartedTasks();
    expect(found.map(({ id }) => id)).toEqual([3, 4, 1]);
    expect(found[0]?.task_data).toEqual(large);
    expect(found[1]).toEqual(await tasks.get(4));
    // The large one is not in the cache: one query fetched it, and the line above made another.
    expect(bed.counts.postgres).toBe(2);
    expect(await operator.getCacheStats()).toMatchObject({ cachedTasksCount: 3 });
    // Without a cache the list is the same; cut by the limit, it has those that are due first.
    for (const [limit, ids] of [
      ["9", [3, 4, 1]],
      ["2", [3, 4]],
    ] as const) {
      const env = { CACHE_ENABLED: "false", TASK_CACHE_LIMIT: limit };
      const { operator: alone } = bed.make({ doorbell: noteRings(), definitions: [definition], env });
      expect((await alone.getNotStartedTasks()).map(({ id }) => id)).toEqual(ids);
    }
  });

  test("getNotStartedTasks omits a task as soon as it starts", async () => {
    const { starts, definition: waits } = gated();
    const { tasks, operator } = bed.make({ definitions: [waits] });
    await tasks.create([{ type: "gated" }, { type: "gated", scheduled_time: inHours(1) }]);
    await eventually(() => starts.length === 1);
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([2]);
    starts[0]?.finish();
    await eventually(async () => (await tasks.get(1)).task_status === "Completed");
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([2]);
  });

  test.each(["true", "false"])(
    "isTaskRunning is about Tickwork's own, with CACHE_ENABLED=%s",
    async (CACHE_ENABLED) => {
      const { starts, definition: waits } = gated();
      const { tasks, operator } = bed.make({ definitions: [waits], env: { CACHE_ENABLED } });
      await tasks.create([{ type: "gated", scheduled_time: inHours(1) }]);
      await bed.sql(`update "baasix_Tasks" set task_status = 'Running' where id = 1`);
      expect(await operator.isTaskRunning()).toBe(false);
      expect(await operator.getCacheStats()).toMatchObject({ isTaskRunning: false });
      await bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where id = 1`);
      await tasks.create([{ type: "gated" }]);
      await eventually(() => starts.length === 1);
      expect(await operator.isTaskRunning()).toBe(true);
      starts[0]?.finish();
      await eventually(async () => !(await operator.isTaskRunning()));
    },
  );

  test("getCacheStats has the eight fields of Baasix's TasksService, with true values, in every process", async () => {
    const { tasks, operator } = bed.make({
      doorbell: noteRings(),
      definitions: [definition],
      env: { TASK_LIST_REFRESH_INTERVAL: "1800" },
    });
    expect(await operator.getCacheStats()).toEqual({
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
    await operator.forceRefresh();
    await operator.setTaskRunning(true);
    const stats = await operator.getCacheStats();
    expect(stats).toMatchObject({ cachedTasksCount: 1, isTaskRunning: true, initialized: true });
    expect(Math.abs(Date.parse(stats.lastRefreshed ?? "") - before)).toBeLessThan(5_000);
    expect(await make().operator.getCacheStats()).toMatchObject({
      cachedTasksCount: 1,
      isTaskRunning: true,
      initialized: true,
      lastRefreshed: stats.lastRefreshed,
    });
  });

  test("setTaskRunning(true) keeps ticks from starting anything; setTaskRunning(false) rings", async () => {
    const bell = noteRings();
    const { ran, definition: note } = noting();
    const { tasks, operator, worker } = bed.make({
      doorbell: bell,
      definitions: [note],
      env: { TASK_CONCURRENCY: "2" },
    });
    await operator.setTaskRunning(true);
    expect(await operator.isTaskRunning()).toBe(true);
    await tasks.create([{ type: "note" }]);
    expect(await worker.tick()).toMatchObject({ ended: "held", completed: 0 });
    expect(bell.rings.at(-1)?.afterMs).toBeGreaterThan(14 * 60_000);
    await operator.setTaskRunning(false);
    expect(await operator.isTaskRunning()).toBe(false);
    expect(bell.rings.at(-1)).toEqual({ now: {} });
    expect(await worker.tick()).toMatchObject({ completed: 1 });
    expect(ran).toHaveLength(1);
    await expect(operator.setTaskRunning("yes" as never)).rejects.toThrow(
      'isRunning must be true or false, got "yes"',
    );
  });

  test("resetStuck ends running tasks and releases the flag; a worker that is alive changes nothing any more", async () => {
    const { starts, definition: waits } = gated();
    const bell = noteRings();
    const { tasks, operator, worker } = bed.make({ doorbell: bell, definitions: [waits, definition] });
    await tasks.create([{ type: "gated" }, { type: "note" }]);
    const ticking = worker.tick();
    const { context, finish } = await eventually(() => starts[0]);
    expect(await operator.resetStuck()).toMatchObject([
      { id: 1, task_status: "Error", error_data: { message: "Manually reset", code: "reset" } },
    ]);
    expect(await operator.isTaskRunning()).toBe(false);
    expect(bell.rings.at(-1)).toEqual({ now: {} });
    await context.progress(0.5);
    expect(context.signal.aborted).toBe(true);
    finish("too late");
    expect(await ticking).toMatchObject({ lost: 1, completed: 1 });
    expect(await tasks.get(1)).toMatchObject({ task_status: "Error", result_data: null, progress: null });
    expect(await operator.resetStuck()).toEqual([]);
  });

  test("waitForTaskCompletion waits for what is running anywhere, as long as it was told", async () => {
    const { starts, definition: waits } = gated();
    const { tasks } = bed.make({ definitions: [waits] });
    const { operator } = make();
    expect(await operator.waitForTaskCompletion(0)).toBe(true);
    await tasks.create([{ type: "gated" }]);
    await eventually(() => starts.length === 1);
    expect(await operator.waitForTaskCompletion(50)).toBe(false);
    const waiting = operator.waitForTaskCompletion(10_000);
    starts[0]?.finish();
    expect(await waiting).toBe(true);
    await expect(operator.waitForTaskCompletion(-1)).rejects.toThrow(
      "timeoutMs must be milliseconds from 0, got -1",
    );
  });

  test("deleteFinished deletes in batches what finished long enough ago, and keeps one if asked", async () => {
    const { operator } = make();
    const insert = (status: string, count: number) =>
      bed.sql(
        `insert into "baasix_Tasks" (type, task_status) select 'note', '${status}' from generate_series(1, ${count})`,
      );
    await insert("Completed", 1_100);
    await insert("Error", 2);
    await insert("Completed", 1);
    await insert("Not started", 1);
    await bed.sql(`update "baasix_Tasks" set finished_at = now() - interval '3 days' where id <> 1103`);
    expect(await operator.deleteFinished(2, { keepId: 7 })).toBe(1_101);
    const left = await bed.sql<{ id: string }>(`select id from "baasix_Tasks" order by id`);
    expect(left.map(({ id }) => Number(id))).toEqual([7, 1_103, 1_104]);
    expect(await operator.deleteFinished(2)).toBe(1);
  });

  describe("never throws", () => {
    test("with Redis down: the list comes from Postgres, and the stats say what failed", async () => {
      const { tasks, operator } = make();
      await tasks.create([{ type: "note", scheduled_time: inHours(1) }]);
      bed.faults.redis = broken;
      expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
      expect(await operator.isTaskRunning()).toBe(false);
      expect(await operator.getCacheStats()).toMatchObject({
        cachedTasksCount: 0,
        isTaskRunning: false,
        initialized: false,
        error: expect.stringContaining("Redis"),
      });
    });

    test("with Postgres down: everything comes from the cache", async () => {
      const { tasks, operator, worker } = make();
      await tasks.create([{ type: "note", scheduled_time: inHours(1) }]);
      await worker.refresh();
      bed.faults.postgres = broken;
      expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
      expect(await operator.isTaskRunning()).toBe(false);
      expect(await operator.getCacheStats()).toMatchObject({ cachedTasksCount: 1, initialized: true });
    });

    test("with both down: an empty list, and false", async () => {
      const { operator } = make();
      bed.faults.redis = broken;
      bed.faults.postgres = broken;
      expect(await operator.getNotStartedTasks()).toEqual([]);
      expect(await operator.isTaskRunning()).toBe(false);
      expect(await operator.getCacheStats()).toMatchObject({
        initialized: false,
        error: expect.any(String),
      });
    });
  });
});
