import { afterEach, describe, expect, test, vi } from "vitest";
import { runtime } from "#aws";
import { getCache, hooksService, TasksModel, tasksService, useTickwork } from "#compat";
import { ConfigError, hooks } from "#core";
import * as locks from "../../packages/compat/locks.ts";
import { install } from "../../packages/core/current.ts";
import { openTestBed } from "../support/bed/bed.ts";
import { compatBed } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { noting } from "../support/bed/tasks.ts";

describe("before anything runs", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test("what never throws does not throw, but complains", async () => {
    const complaints = vi.spyOn(console, "error").mockReturnValue();
    const { getNotStartedTasks, isTaskRunning, getCacheStats } = tasksService;
    expect(await getNotStartedTasks()).toEqual([]);
    expect(await isTaskRunning()).toBe(false);
    expect(await getCacheStats()).toEqual({
      cachedTasksCount: 0,
      isTaskRunning: false,
      refreshInterval: 600_000,
      refreshIntervalSeconds: 600,
      maxRefreshIntervalSeconds: 10_800,
      taskTimeWindow: "4 hours",
      initialized: false,
      lastRefreshed: null,
      error: expect.stringContaining("Tickwork does not run in this process yet"),
    });
    expect(complaints).toHaveBeenCalledTimes(3);
  });

  test("everything else rejects", async () => {
    for (const work of [
      () => tasksService.setTaskRunning(true),
      () => tasksService.forceRefresh(),
      () => tasksService.waitForTaskCompletion(),
      () => tasksService.shutdown(),
      () => tasksService.tryAcquireLock(),
      () => tasksService.acquireJobLock("a"),
      () => tasksService.claimTask(1),
      () => TasksModel.findAll(),
      () => TasksModel.create({ type: "a" }),
      () => getCache().get("a"),
    ])
      await expect(work()).rejects.toBeInstanceOf(ConfigError);
  });

  test("hooks can be registered, and are those of the process", async () => {
    const hook = vi.fn();
    const takeBack = hooksService.registerHook("things", "items.delete.after", hook);
    expect(await hooks.fire("items.delete.after", { collection: "things", data: { id: 1 } })).toEqual({
      ran: 1,
      failed: 0,
    });
    takeBack();
    expect(hook).toHaveBeenCalledExactlyOnceWith({ collection: "things", data: { id: 1 } });
    expect(() => hooksService.registerHook("things", "items.read" as "items.delete.after", hook)).toThrow(
      "items.create.after, items.update.after, items.delete.after",
    );
  });
});

eachStack("tasksService", (kind) => {
  const compat = compatBed(kind);

  test("belongs to whatever Tickwork runs when it is called", async () => {
    const { ran, definition } = noting("a");
    compat.use({ definitions: [definition], env: { TASK_LIST_REFRESH_INTERVAL: "60" } });
    expect(await tasksService.getCacheStats()).toMatchObject({ refreshIntervalSeconds: 60 });
    await tasksService.forceRefresh();
    const [first] = await tasksService.create([
      { type: "a" },
      { type: "a", scheduled_time: "2099-01-01T00:00:00Z" },
    ]);
    expect(await tasksService.get(1)).toEqual(first);
    expect(await tasksService.list({ limit: 9 })).toHaveLength(2);
    expect(await tasksService.getNotStartedTasks()).toHaveLength(1);
    expect(await tasksService.update(2, { task_data: { n: 1 } })).toMatchObject({ task_data: { n: 1 } });
    expect(await tasksService.tick()).toMatchObject({ completed: 1 });
    expect(await tasksService.retry(1)).toMatchObject({ task_status: "Not started" });
    expect(await tasksService.cancel(1)).toMatchObject({ task_status: "Error" });
    await tasksService.remove(1);
    expect(await tasksService.resetStuck()).toEqual([]);
    await compat.bed.sql(`delete from "baasix_Tasks"`);
    await tasksService.notifyChanged([2]);
    expect(await tasksService.refresh()).toMatchObject({ waiting: 0 });
    expect(await tasksService.deleteFinished(0)).toBe(0);
    expect(await tasksService.waitForTaskCompletion(0)).toBe(true);
    await tasksService.setTaskRunning(true);
    expect(await tasksService.waitForTaskCompletion(0)).toBe(false);
    await tasksService.shutdown();
    expect(ran).toHaveLength(1);
    compat.use();
    expect(await tasksService.getCacheStats()).toMatchObject({ refreshIntervalSeconds: 600 });
  });

  test("has every method of the three services, and the locks", () => {
    const { tasks, operator, worker } = compat.use();
    expect(new Set(Object.keys(tasksService))).toEqual(
      new Set(Object.keys({ ...tasks, ...operator, ...worker, ...locks })),
    );
  });
});

test("without useTickwork, it belongs to the process's own Tickwork", async () => {
  const bed = await openTestBed("embedded");
  try {
    useTickwork(undefined);
    const tickwork = bed.make({ withoutRedis: true, doorbell: noteRings() });
    install(tickwork);
    const { tasks } = await runtime([]);
    await TasksModel.create({ type: "a" });
    expect(await tasks.get(1)).toMatchObject({ type: "a" });
    expect((await tasksService.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
  } finally {
    install(undefined);
    await bed.close();
  }
});
