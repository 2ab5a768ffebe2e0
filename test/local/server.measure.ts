/** What the server of one machine needs, and how punctual it is. */
import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import type { Task } from "#core";
import { killAll, preparedFolder, startServerProcess } from "../support/bed/process.ts";
import { temporaryFolder } from "../support/bed/template.ts";
import { eventually } from "../support/eventually.ts";

afterEach(killAll);

test("a task that is due in five seconds starts within 50 ms of its time, 20 times of 20; a thousand more are in the window", async () => {
  const server = await startServerProcess({ DATA_DIR: preparedFolder() });
  const health = { type: "http_request", task_data: { url: `${server.url}/health/tasks` } };
  await server.call(
    "POST",
    "/tasks",
    Array.from({ length: 1_000 }, (_, n) => ({
      ...health,
      scheduled_time: new Date(Date.now() + 3_600_000 + n).toISOString(),
    })),
  );
  const due = Array.from({ length: 20 }, (_, n) => new Date(Date.now() + 5_000 + n * 250).toISOString());
  await server.call(
    "POST",
    "/tasks",
    due.map((scheduled_time) => ({ ...health, scheduled_time })),
  );
  const tasks = await eventually(
    async () => {
      const { body } = await server.call<{ tasks: Task[] }>("GET", "/tasks?limit=20");
      return body.tasks.every(({ task_status }) => task_status === "Completed") && body.tasks;
    },
    { limitMs: 25_000 },
  );
  const lateMs = tasks.map(
    ({ started_at, scheduled_time }) => Date.parse(started_at ?? "") - Date.parse(scheduled_time),
  );
  expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...lateMs)).toBeLessThanOrEqual(50);
});

test.skipIf(process.platform !== "linux")(
  "it idles under 500 MB, also after the first start of an empty folder",
  async () => {
    const server = await startServerProcess({ DATA_DIR: temporaryFolder() });
    await server.call("GET", "/tasks");
    const rssKb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))?.[1]);
    expect(rssKb / 1024).toBeLessThan(500);
  },
);

test("a thousand tasks posted at once are all run, while anybody may look", async () => {
  const server = await startServerProcess({ DATA_DIR: preparedFolder() });
  await server.call(
    "POST",
    "/tasks",
    Array.from({ length: 1_000 }, () => ({ type: "cleanup", task_data: { older_than_days: 1000 } })),
  );
  const seen: number[] = [];
  await eventually(
    async () => {
      const { status, body } = await server.call<{ cachedTasksCount: number; isTaskRunning: boolean }>(
        "GET",
        "/tasks/stats",
      );
      expect(status).toBe(200);
      seen.push(body.cachedTasksCount);
      return body.cachedTasksCount === 0 && !body.isTaskRunning;
    },
    { limitMs: 30_000 },
  );
  expect(Math.max(...seen)).toBeGreaterThan(100);
  const { body } = await server.call<{ tasks: Task[] }>("GET", "/tasks?status=Not%20started");
  expect(body.tasks).toEqual([]);
});
