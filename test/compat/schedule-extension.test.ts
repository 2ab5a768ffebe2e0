import { afterEach, beforeEach, expect, type Mock, test, vi } from "vitest";
import { TasksModel } from "#compat";
import { foreignTask } from "#core";
import { compatBed } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";
import { noting } from "../support/bed/tasks.ts";
import { eventually } from "../support/eventually.ts";
import job from "./baasix/schedule-extension.js";

type Process = (task: { id: number }) => Promise<void>;

eachStack("the schedule extension of Baasix's documentation", (kind) => {
  const compat = compatBed(kind);
  let processBatchEmails: Mock<Process>;
  let log: Mock<typeof console.log>;
  let complaints: Mock<typeof console.error>;

  beforeEach(() => {
    processBatchEmails = vi.fn<Process>(async () => {});
    // The documentation's code calls these but does not define them.
    vi.stubGlobal("processBatchEmails", processBatchEmails);
    vi.stubGlobal("processDataExport", async () => {
      throw new Error("the disk is full");
    });
    vi.stubGlobal("processCleanup", async () => {});
    log = vi.spyOn(console, "log").mockReturnValue();
    complaints = vi.spyOn(console, "error").mockReturnValue();
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
  const lines = () => log.mock.calls.map(([line]) => line as string);

  test("is scheduled every five minutes", () => {
    expect(job.rule).toBe("*/5 * * * *");
  });

  test("has nothing to do without tasks", async () => {
    const { operator } = compat.use();
    await job.run();
    expect(lines()).toEqual(["Task processor started", "No tasks to process"]);
    expect(await operator.isTaskRunning()).toBe(false);
  });

  test("does nothing while a task is running", async () => {
    const { operator } = compat.use();
    await TasksModel.create({ type: "email_batch" });
    await operator.setTaskRunning(true);
    await job.run();
    expect(lines()).toEqual(["Task processor started", "Task already running, skipping..."]);
    expect(processBatchEmails).not.toHaveBeenCalled();
    expect(await operator.isTaskRunning()).toBe(true);
    expect(await compat.row(1)).toMatchObject({ task_status: "Not started", rev: "1" });
  });

  test("runs beside Tickwork's ticks, which leave its types to it and run their own", async () => {
    const { ran, definition } = noting();
    const { operator } = await compat.useWarm({
      ticking: true,
      definitions: [definition, foreignTask({ type: "email_batch" })],
    });
    await TasksModel.create({ type: "email_batch" });
    await TasksModel.create({ type: "note" });
    await eventually(async () => ran.length === 1 && !(await operator.isTaskRunning()));
    await job.run();
    expect(processBatchEmails).toHaveBeenCalledTimes(1);
    expect(await compat.row(1)).toMatchObject({ task_status: "Completed" });
    expect(await compat.row(2)).toMatchObject({ task_status: "Completed" });
    await job.run();
    expect(lines().at(-1)).toBe("No tasks to process");
  });

  test("processes the first task, which holds a lease meanwhile, so a tick starts nothing", async () => {
    const { ran, definition } = noting("email_batch");
    const { operator, worker } = await compat.useWarm({ definitions: [definition] });
    await TasksModel.bulkCreate([
      { type: "email_batch" },
      { type: "email_batch", scheduled_time: "2020-01-01T00:00:00Z" },
    ]);
    processBatchEmails.mockImplementation(async ({ id }) => {
      expect(await operator.isTaskRunning()).toBe(true);
      const running = await compat.row(id);
      expect(running).toMatchObject({ task_status: "Running", slot: "0", lease_token: null });
      expect(Date.parse(running?.lease_expires_at ?? "")).toBeGreaterThan(Date.now() + 14 * 60_000);
      expect(await worker.tick()).toMatchObject({ completed: 0, ended: "held" });
      // Even with the flag lost, the lease holds.
      await operator.setTaskRunning(false);
      expect(await worker.tick()).toMatchObject({ completed: 0, ended: "conflict" });
      expect((await operator.getNotStartedTasks()).map((task) => task.id)).toEqual([1]);
    });
    await job.run();
    expect(processBatchEmails).toHaveBeenCalledTimes(1);
    expect(processBatchEmails.mock.calls[0]?.[0]).toMatchObject({ id: 2, type: "email_batch" });
    expect(complaints).not.toHaveBeenCalled();
    expect(lines()).toEqual([
      "Task processor started",
      "Processing 2 tasks",
      "Task 2 completed successfully",
    ]);
    expect(await compat.row(2)).toMatchObject({
      task_status: "Completed",
      attempts: "1",
      slot: null,
      lease_expires_at: null,
      error_data: null,
    });
    expect(await compat.row(1)).toMatchObject({ task_status: "Not started" });
    // The flag is free again, and the waiting task can run.
    expect(await operator.isTaskRunning()).toBe(false);
    expect(await worker.tick()).toMatchObject({ completed: 1 });
    expect(ran.map(({ id }) => id)).toEqual([1]);
  });

  test.each([
    ["data_export", "the disk is full"],
    ["unheard_of", "Unknown task type: unheard_of"],
  ])("a %s that fails ends in Error, with the message", async (type, message) => {
    const { tasks, operator } = await compat.useWarm();
    await TasksModel.create({ type });
    await job.run();
    expect(complaints.mock.calls.map(([line]) => line as string)).toEqual([
      "Task 1 failed:",
      "Task processing error:",
    ]);
    expect(await tasks.get(1)).toMatchObject({
      task_status: "Error",
      error_data: { message, name: "Error" },
      finished_at: expect.any(String),
      lease_expires_at: null,
    });
    expect(await operator.isTaskRunning()).toBe(false);
    expect(await operator.getNotStartedTasks()).toEqual([]);
  });
});
