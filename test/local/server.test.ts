/** The one-command server, in processes of its own, as a user meets it. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Task } from "#core";
import { createDatabase, redisServerUrl, serversAnswer } from "../../scripts/local-servers.ts";
import {
  FROM_SOURCES,
  killAll,
  preparedFolder,
  spawnServer,
  startServerProcess,
} from "../support/bed/process.ts";
import { temporaryFolder } from "../support/bed/template.ts";
import { eventually } from "../support/eventually.ts";

/** A server whose answers the test holds back. */
let slow: { url: string; requests: (() => void)[]; close(): void };
beforeAll(async () => {
  const requests: (() => void)[] = [];
  const server: Server = createServer((_, response) => void requests.push(() => response.end("finally")));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  slow = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    close: () => server.close(),
  };
});
afterEach(async () => {
  await killAll();
  slow.requests.length = 0;
});
afterAll(() => slow.close());

const shell = (command: string) => promisify(execFile)("sh", ["-c", command]);
const slowTask = () => ({ type: "http_request", task_data: { url: slow.url } });

test("the first start of an empty folder prints curl lines that work when they are pasted", async () => {
  const folder = temporaryFolder();
  const server = await startServerProcess({ DATA_DIR: folder }, FROM_SOURCES);
  const [post = "", list = ""] = server.output().match(/curl -s .*/g) ?? [];
  const made = JSON.parse((await shell(post)).stdout) as Task;
  expect(made).toMatchObject({ type: "http_request", task_status: "Not started" });
  const done = await eventually(async () => {
    const { tasks } = JSON.parse((await shell(list)).stdout) as { tasks: Task[] };
    return tasks[0]?.task_status === "Completed" && tasks[0];
  });
  expect(done.result_data).toMatchObject({ status: 200, body: { healthy: true } });
  expect(statSync(join(folder, "api-key")).mode & 0o777).toBe(0o600);
  expect(server.output()).toContain(
    "http_request may reach public addresses and localhost, 127.0.0.0/8, ::1 (",
  );
});

test("killed while a task runs and started again, it runs the task again at once, and keeps its key", async () => {
  const folder = preparedFolder();
  const first = await startServerProcess({ DATA_DIR: folder });
  await first.call("POST", "/tasks", slowTask());
  await eventually(() => slow.requests.length === 1);
  first.kill("SIGKILL");
  await first.ended;

  const second = await startServerProcess({ DATA_DIR: folder });
  expect(second.apiKey).toBe(first.apiKey);
  (await eventually(() => slow.requests[1]))();
  const task = await eventually(async () => {
    const { body } = await second.call<Task>("GET", "/tasks/1");
    return body.task_status === "Completed" && body;
  });
  expect(task).toMatchObject({
    attempts: 2,
    crashes: 1,
    history: [{ attempt: 1, outcome: "crashed" }],
    result_data: { body: "finally" },
  });
});

test("a second process on the same folder is refused with one line; a lock that a dead one left is not in the way", async () => {
  const folder = preparedFolder();
  const first = await startServerProcess({ DATA_DIR: folder });
  const second = spawnServer({ DATA_DIR: folder });
  expect(await second.ended).toBe(1);
  expect(second.output().trim()).toBe(
    `${folder} is in use by another process; stop it, or set DATA_DIR to another folder.`,
  );
  expect((await first.call("GET", "/tasks")).status).toBe(200);
  first.kill("SIGKILL");
  await first.ended;
  expect(existsSync(join(folder, "tickwork.lock"))).toBe(true);
  const third = await startServerProcess({ DATA_DIR: folder });
  third.kill("SIGTERM");
  expect(await third.ended).toBe(0);
  expect(existsSync(join(folder, "tickwork.lock"))).toBe(false);
});

test("a lock file that nobody can read is not in the way either", async () => {
  const folder = preparedFolder();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "tickwork.lock"), "not json");
  const server = await startServerProcess({ DATA_DIR: folder });
  expect(JSON.parse(readFileSync(join(folder, "tickwork.lock"), "utf8"))).toMatchObject({ pid: server.pid });
});

describe("SIGTERM", () => {
  test("lets the running task finish, claims no other, and exits with 0", async () => {
    const server = await startServerProcess({ DATA_DIR: preparedFolder() });
    await server.call("POST", "/tasks", [slowTask(), slowTask()]);
    const finish = await eventually(() => slow.requests[0]);
    server.kill("SIGTERM");
    await eventually(() => /Shutting down/.test(server.output()));
    finish();
    expect(await server.ended).toBe(0);
    expect(server.output()).toMatch(/task completed task=1/);
    expect(slow.requests).toHaveLength(1);
  });

  test("after the wait time the task's signal is aborted and it goes back", async () => {
    const folder = preparedFolder();
    const server = await startServerProcess({ DATA_DIR: folder, TASK_SHUTDOWN_WAIT_TIME: "0" });
    await server.call("POST", "/tasks", slowTask());
    await eventually(() => slow.requests.length === 1);
    server.kill("SIGINT");
    expect(await server.ended).toBe(0);
    expect(server.output()).toMatch(/task given back task=1/);
    const again = await startServerProcess({ DATA_DIR: folder });
    (await eventually(() => slow.requests[1]))();
    await eventually(
      async () => (await again.call<Task>("GET", "/tasks/1")).body.task_status === "Completed",
    );
    expect((await again.call<Task>("GET", "/tasks/1")).body).toMatchObject({
      attempts: 2,
      crashes: 0,
      excused: 1,
    });
  });

  test("a second signal ends at once", async () => {
    const server = await startServerProcess({ DATA_DIR: preparedFolder() });
    await server.call("POST", "/tasks", slowTask());
    await eventually(() => slow.requests.length === 1);
    server.kill("SIGTERM");
    await eventually(() => /Shutting down/.test(server.output()));
    server.kill("SIGTERM");
    expect(await server.ended).toBe(128 + 15);
  });
});

test("HTTP_REQUEST_ALLOW='' allows nothing private, which the start says; the task that it shows runs", async () => {
  const server = await startServerProcess({ DATA_DIR: preparedFolder(), HTTP_REQUEST_ALLOW: "" });
  expect(server.output()).toContain("http_request may reach public addresses only (");
  await shell(/curl -s .*/.exec(server.output())?.[0] ?? "");
  await eventually(async () => (await server.call<Task>("GET", "/tasks/1")).body.task_status === "Completed");
});

test("HOST is where the server listens", async () => {
  const server = await startServerProcess({ DATA_DIR: preparedFolder(), HOST: "0.0.0.0", API_KEY: "own" });
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:/);
  const elsewhere = server.url.replace("127.0.0.1", "127.0.0.2");
  expect((await fetch(`${elsewhere}/health/tasks`)).status).toBe(200);
});

test.each([
  [{ TASK_CONCURRENCY: "many" }, /^TASK_CONCURRENCY must be a whole number from 1 to 1000, got "many"\.$/],
  [{ HTTP_REQUEST_ALLOW: "10.0.0.0/99" }, /^HTTP_REQUEST_ALLOW/],
  [
    { DATABASE_URL: "mysql://x" },
    /^DATABASE_URL must be an address that begins with postgres:\/\/ .*, got mysql:/,
  ],
])("%o stops the start with one line", async (env, message) => {
  const server = spawnServer({ DATA_DIR: preparedFolder(), ...env } as Record<string, string>);
  expect(await server.ended).toBe(1);
  expect(server.output().trim()).toMatch(message);
  expect(server.output().trim().split("\n")).toHaveLength(1);
});

test("a port that is taken stops the start with one line", async () => {
  const { port } = new URL(slow.url);
  const server = spawnServer({ DATA_DIR: preparedFolder(), PORT: port });
  expect(await server.ended).toBe(1);
  expect(server.output()).toContain(`PORT is ${port} and something else listens there`);
});

test("TASK_LIST_REFRESH_INTERVAL=14400 becomes 10800 with a warning", async () => {
  const server = await startServerProcess({
    DATA_DIR: preparedFolder(),
    TASK_LIST_REFRESH_INTERVAL: "14400",
  });
  expect(server.output().match(/warn +TASK_LIST_REFRESH_INTERVAL is 14400 and becomes 10800/g)).toHaveLength(
    1,
  );
  expect((await server.call("GET", "/tasks/stats")).body).toMatchObject({ refreshIntervalSeconds: 10_800 });
});

describe.skipIf(!serversAnswer)("the server on real servers", () => {
  test("the same command runs on PostgreSQL and Redis, and a crash is recovered when the lease ends", async () => {
    const database = await createDatabase();
    try {
      const env = {
        DATABASE_URL: database.url,
        CACHE_REDIS_URL: redisServerUrl,
        DATA_DIR: temporaryFolder(),
        TASK_RUNNING_TTL: "2",
      };
      const first = await startServerProcess(env);
      await first.call("POST", "/tasks", slowTask());
      await eventually(() => slow.requests.length === 1);
      first.kill("SIGKILL");
      await first.ended;
      const second = await startServerProcess(env);
      (await eventually(() => slow.requests[1]))();
      await eventually(
        async () => (await second.call<Task>("GET", "/tasks/1")).body.task_status === "Completed",
      );
      second.kill("SIGTERM");
      expect(await second.ended).toBe(0);
    } finally {
      await killAll();
      await database.drop();
    }
  });
});
