/** The locks of newer versions of Baasix, between processes and beside ticks. */
import { expect, test, vi } from "vitest";
import { TasksModel, tasksService } from "#compat";
import { compatBed } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { noting } from "../support/bed/tasks.ts";

eachStack("tasksService locks", (kind) => {
  const compat = compatBed(kind);

  test("tryAcquireLock keeps ticks and other processes from starting anything, until releaseLock", async () => {
    const { ran, definition } = noting();
    const bell = noteRings();
    const { worker, operator, tasks } = await compat.useWarm({ definitions: [definition], doorbell: bell });
    expect(await tasksService.tryAcquireLock()).toBe(true);
    // Two jobs of one process do not both have it.
    expect(await tasksService.tryAcquireLock()).toBe(false);
    expect(await tasksService.isTaskRunning()).toBe(true);
    expect(await operator.tryLock("another process", 60_000)).toBe(false);
    await tasks.create([{ type: "note" }]);
    expect(await worker.tick()).toMatchObject({ completed: 0, ended: "held" });
    bell.rings.length = 0;
    expect(await tasksService.releaseLock()).toBe(true);
    expect(bell.rings).toEqual([{ now: {} }]);
    expect(await tasksService.releaseLock()).toBe(false);
    expect(await worker.tick()).toMatchObject({ completed: 1 });
    expect(ran).toHaveLength(1);
  });

  test("tryAcquireLock fails while another holds it, and gets it when that one is gone", async () => {
    const { operator } = await compat.useWarm();
    expect(await operator.tryLock("another process", 60_000)).toBe(true);
    expect(await tasksService.tryAcquireLock()).toBe(false);
    expect(await operator.unlock("a third process")).toBe(false);
    expect(await operator.unlock("another process")).toBe(true);
    expect(await tasksService.tryAcquireLock(30)).toBe(true);
    await tasksService.releaseLock();
  });

  test("a lock is prolonged while its process lives", async () => {
    const { operator } = await compat.useWarm();
    expect(await tasksService.tryAcquireLock(0.3)).toBe(true);
    const began = Date.now();
    while (Date.now() - began < 700) {
      expect(await operator.tryLock("another process", 100)).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await tasksService.releaseLock();
    await vi.waitFor(async () => expect(await operator.tryLock("another process", 100)).toBe(true));
  });

  test("claimTask gives a task to one caller, one at a time", async () => {
    await compat.useWarm();
    await TasksModel.bulkCreate([{ type: "a" }, { type: "b" }]);
    const claims = await Promise.all([1, 1, 1].map((id) => tasksService.claimTask(id)));
    expect(claims.filter(Boolean)).toMatchObject([{ id: 1, task_status: "Running", attempts: 1 }]);
    expect(await tasksService.claimTask("2")).toBeNull();
    await TasksModel.update({ task_status: "Completed" }, { where: { id: 1 } });
    expect(await tasksService.claimTask(1)).toBeNull();
    expect(await tasksService.claimTask(404)).toBeNull();
    expect(await tasksService.claimTask("2")).toMatchObject({ id: 2, task_status: "Running" });
  });

  test("acquireJobLock has one holder for each name, for a time", async () => {
    await compat.useWarm();
    const wins = await Promise.all([1, 2, 3].map(() => tasksService.acquireJobLock("nightly", 60)));
    expect(wins.filter(Boolean)).toHaveLength(1);
    expect(await tasksService.acquireJobLock("hourly", 0.05)).toBe(true);
    await vi.waitFor(async () => expect(await tasksService.acquireJobLock("hourly")).toBe(true));
    expect(await tasksService.releaseJobLock("nightly")).toBe(true);
    expect(await tasksService.releaseJobLock("nightly")).toBe(false);
    expect(await tasksService.acquireJobLock("nightly")).toBe(true);
  });

  test.each([
    [() => tasksService.tryAcquireLock(0), "lockTimeout must be seconds above 0, up to 86400, got 0"],
    [() => tasksService.acquireJobLock("a", Number.NaN), "ttlSeconds must be seconds above 0"],
    [() => tasksService.acquireJobLock(""), "name must be a text of 1 to 255 characters"],
    [() => tasksService.releaseJobLock(7 as never), "name must be a text of 1 to 255 characters"],
  ])("what makes no sense is refused %#", async (call, message) => {
    await compat.useWarm();
    await expect(call()).rejects.toThrow(message);
  });
});
