import { afterEach, beforeEach, describe, expect, type Mock, test, vi } from "vitest";
import { getCache, getSequelize, hooksService, Op, TasksModel, tasksService } from "#compat";
import { RedisError } from "#core";
import { compatBed, runSnippet } from "../support/bed/compat.ts";
import { eachStack } from "../support/bed/describe-on-stacks.ts";
import { keyOf } from "../support/bed/look.ts";
import { eventually } from "../support/eventually.ts";

/** As much of Express as the documentation's health endpoint uses. */
function fakeExpress() {
  const routes = new Map<string, (request: unknown, response: unknown) => Promise<void>>();
  return {
    get: (path: string, handle: (request: unknown, response: unknown) => Promise<void>) =>
      void routes.set(path, handle),
    async request(path: string) {
      const answer = { status: 200, body: undefined as unknown };
      const response = {
        status(status: number) {
          answer.status = status;
          return response;
        },
        json(body: unknown) {
          answer.body = body;
        },
      };
      await routes.get(path)?.({}, response);
      return answer;
    },
  };
}

eachStack("the snippets of Baasix's documentation", (kind) => {
  const compat = compatBed(kind);
  const sequelize = getSequelize();
  let log: Mock<typeof console.log>;
  let complaints: Mock<typeof console.error>;
  beforeEach(() => {
    log = vi.spyOn(console, "log").mockReturnValue();
    complaints = vi.spyOn(console, "error").mockReturnValue();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
  const status = async (id: number) => (await compat.row(id))?.task_status;

  describe("of the API reference", () => {
    test("getNotStartedTasks", async () => {
      compat.use();
      await TasksModel.create({ type: "a" });
      await runSnippet("api-get-not-started-tasks", { tasksService });
      expect(await tasksService.getNotStartedTasks()).toMatchObject([{ id: 1, task_status: "Not started" }]);
    });

    test("setTaskRunning", async () => {
      const { operator } = compat.use();
      const setTaskRunning = vi.spyOn(operator, "setTaskRunning");
      await runSnippet("api-set-task-running", { tasksService });
      expect(setTaskRunning.mock.calls).toEqual([[true], [false]]);
      expect(await operator.isTaskRunning()).toBe(false);
    });

    test("isTaskRunning", async () => {
      compat.use();
      await runSnippet("api-is-task-running", { tasksService });
      expect(log).not.toHaveBeenCalled();
      await tasksService.setTaskRunning(true);
      await runSnippet("api-is-task-running", { tasksService });
      expect(log).toHaveBeenCalledExactlyOnceWith("A task is already running");
    });

    test("forceRefresh", async () => {
      compat.use();
      await runSnippet("api-force-refresh", { tasksService });
      expect(log).toHaveBeenCalledExactlyOnceWith("Cache refreshed manually");
      expect(await tasksService.getCacheStats()).toMatchObject({ initialized: true });
    });

    test("getCacheStats: the fields of the documentation and no others", async () => {
      await compat.useWarm();
      await TasksModel.bulkCreate([{ type: "a" }, { type: "b" }]);
      await runSnippet("api-get-cache-stats", { tasksService });
      expect(log).toHaveBeenCalledExactlyOnceWith({
        cachedTasksCount: 2,
        isTaskRunning: false,
        refreshInterval: 600_000,
        refreshIntervalSeconds: 600,
        maxRefreshIntervalSeconds: 10_800,
        taskTimeWindow: "4 hours",
        initialized: true,
        lastRefreshed: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      });
    });
  });

  describe("of the best practices", () => {
    test("1: the running state is reset", async () => {
      compat.use();
      await runSnippet("practice-1-try-finally", { tasksService });
      expect(await tasksService.isTaskRunning()).toBe(false);
    });

    test("2: the running state can be checked", async () => {
      compat.use();
      await tasksService.setTaskRunning(true);
      await runSnippet("practice-2-check-first", { tasksService });
      await tasksService.setTaskRunning(false);
      await runSnippet("practice-2-check-first", { tasksService });
    });

    test("3: a task becomes Running and then Completed", async () => {
      const { operator } = await compat.useWarm();
      const seen: unknown[] = [];
      const takeBack = onUpdate((task) => seen.push(task.task_status));
      const task = await TasksModel.create({ type: "a" });
      await runSnippet("practice-3-status", { TasksModel, task });
      takeBack();
      expect(seen).toEqual(["Running", "Completed"]);
      expect(await compat.row(1)).toMatchObject({ task_status: "Completed", attempts: "1", slot: null });
      expect(await operator.getNotStartedTasks()).toEqual([]);
    });

    test("5: errors are stored and rethrown", async () => {
      await compat.useWarm();
      const [good, bad] = await TasksModel.bulkCreate([{ type: "a" }, { type: "b" }]);
      const processTask = async (task: { type: string }) => {
        if (task.type === "b") throw new TypeError("it broke");
      };
      await runSnippet("practice-5-errors", { TasksModel, task: good, processTask });
      expect(await status(1)).toBe("Completed");
      await expect(runSnippet("practice-5-errors", { TasksModel, task: bad, processTask })).rejects.toThrow(
        "it broke",
      );
      expect(await TasksModel.findByPk(2)).toMatchObject({
        task_status: "Error",
        error_data: { message: "it broke", name: "Error" },
      });
    });
  });

  describe("of the troubleshooting", () => {
    test("1: tasks that do not appear in the cache", async () => {
      compat.use();
      // Written without Tickwork, so that only a refresh finds them; the last one is beyond the window.
      await compat.bed.sql(`insert into "baasix_Tasks" (type, scheduled_time, task_status) values
        ('a', now(), 'Not started'), ('b', now() + interval '3 hours', 'Not started'),
        ('c', now(), 'Completed'), ('d', now() + interval '5 hours', 'Not started')`);
      await runSnippet("trouble-1-not-in-cache", { tasksService, sequelize });
      expect(log.mock.calls).toEqual([
        ["Service initialized:", false],
        ["Task time window:", "4 hours"],
        ["Tasks in DB (within 4 hours):", 2],
      ]);
      compat.bed.counts.reset();
      expect((await tasksService.getNotStartedTasks()).map(({ id }) => id)).toEqual([1, 2]);
      expect(compat.bed.counts.postgres).toBe(0);
    });

    test("2: tasks stuck in Running", async () => {
      const { tasks, operator } = await compat.useWarm();
      await TasksModel.bulkCreate([{ type: "stuck", task_status: "Running" }, { type: "waits" }]);
      await operator.setTaskRunning(true);
      await runSnippet("trouble-2-stuck", { tasksService, sequelize });
      expect(await operator.isTaskRunning()).toBe(false);
      expect(await tasks.get(1)).toMatchObject({
        task_status: "Error",
        error_data: { message: "Manually reset", name: "Error" },
      });
      expect(await status(2)).toBe("Not started");
      expect(await compat.bed.redis("ZCARD", keyOf(compat.bed, "running"))).toBe(0);
    });

    test("3: the connection of the cache", async () => {
      compat.use();
      await runSnippet("trouble-3-not-refreshing", { getCache });
      expect(log.mock.calls).toEqual([["TasksService hooks registered"], ["Cache connection working"]]);
      expect(await getCache().get("test")).toBe("value");
      compat.bed.faults.redis = () => {
        throw new Error("no route to host");
      };
      await runSnippet("trouble-3-not-refreshing", { getCache });
      expect(complaints).toHaveBeenCalledExactlyOnceWith("Cache connection failed:", expect.any(RedisError));
    });
  });

  describe("of the debugging tips", () => {
    test("statistics every 30 seconds", async () => {
      await compat.useWarm();
      vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
      await runSnippet("debug-monitor", { tasksService });
      vi.advanceTimersByTime(29_999);
      expect(log).not.toHaveBeenCalled();
      vi.advanceTimersByTime(30_001);
      await eventually(() => log.mock.calls.length === 2);
      expect(log).toHaveBeenLastCalledWith(
        "TasksService Stats:",
        expect.objectContaining({ initialized: true, cachedTasksCount: 0 }),
      );
    });

    test("the health endpoint", async () => {
      compat.use();
      const app = fakeExpress();
      await runSnippet("debug-health", { app, tasksService });
      expect(await app.request("/health/tasks")).toMatchObject({
        status: 500,
        body: { healthy: false, stats: { initialized: false } },
      });
      await tasksService.forceRefresh();
      expect(await app.request("/health/tasks")).toMatchObject({
        status: 200,
        body: { healthy: true, stats: { initialized: true } },
      });
      compat.bed.faults.redis = () => {
        throw new Error("no route to host");
      };
      expect(await app.request("/health/tasks")).toMatchObject({
        status: 500,
        body: { healthy: false, stats: { error: "Redis does not answer" } },
      });
    });
  });

  test("Op is where Sequelize has it", () => {
    expect(sequelize.Sequelize.Op).toBe(Op);
    expect(sequelize.models.baasix_Tasks).toBe(TasksModel);
  });
});

function onUpdate(hook: (task: { task_status: string }) => void) {
  return hooksService.registerHook("baasix_Tasks", "items.update.after", ({ data }) => hook(data));
}
