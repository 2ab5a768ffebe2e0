/** A deployment replaces the version before by this one: for a while both run on one database. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Task } from "#core";
import { createDatabase, redisServerUrl, serversAnswer } from "../../scripts/local-servers.ts";
import { inMs } from "../support/bed/look.ts";
import { killAll, type ServerProcess, startServerProcess } from "../support/bed/process.ts";
import { temporaryFolder } from "../support/bed/template.ts";
import { eventually } from "../support/eventually.ts";
import { checkOut, findPreviousVersion } from "../support/release/previous-version.ts";

const previous = findPreviousVersion();
if (!previous) console.warn("SKIPPED beside the version before: its history is not here.");

describe.skipIf(!serversAnswer || !previous)("beside the version before, on real servers", () => {
  /** Asked by tasks: it answers when the test lets it. */
  const asked = new Map<string, { times: number; answer(): void }>();
  const target = createServer((request, response) => {
    const path = request.url ?? "";
    const held = path.startsWith("/held");
    asked.set(path, { times: (asked.get(path)?.times ?? 0) + 1, answer: () => void response.end() });
    if (!held) response.end();
  });
  let database: Awaited<ReturnType<typeof createDatabase>>;
  beforeAll(async () => {
    database = await createDatabase();
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  });
  afterEach(killAll);
  afterAll(async () => {
    target.close();
    await database.drop();
  });

  const start = (program?: readonly string[]) =>
    startServerProcess(
      {
        DATABASE_URL: database.url,
        CACHE_REDIS_URL: redisServerUrl,
        DATA_DIR: temporaryFolder(),
        API_KEY: "shared",
        TASK_CONCURRENCY: "2",
      },
      program,
    );
  const asks = (path: string) => ({
    type: "http_request",
    task_data: { url: `http://127.0.0.1:${(target.address() as AddressInfo).port}${path}` },
  });
  const create = async (server: ServerProcess, given: object) => {
    const { status, body } = await server.call<Task>("POST", "/tasks", given);
    expect([200, 201], JSON.stringify(body)).toContain(status);
    return body.id;
  };
  const ended = (server: ServerProcess, id: number) =>
    eventually(async () => {
      const { body } = await server.call<Task>("GET", `/tasks/${id}`);
      return body.task_status === "Completed" && body;
    });

  test("the schema is migrated while the version before works, and each task runs once, whoever made it", {
    timeout: 90_000,
  }, async () => {
    const older = await start(checkOut(previous ?? ""));
    const running = await create(older, asks("/held"));
    await eventually(() => asked.has("/held"));
    const later = await create(older, { ...asks("/later"), scheduled_time: inMs(3_600_000) });

    const newer = await start();
    asked.get("/held")?.answer();
    expect(await ended(newer, running)).toMatchObject({ attempts: 1, crashes: 0 });

    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, n) => create(n % 2 ? older : newer, asks(`/${n}`))),
    );
    const unique = { ...asks("/unique"), unique_key: "one", scheduled_time: inMs(500) };
    expect(await create(newer, unique)).toBe(await create(newer, unique));
    expect(
      (await newer.call("PUT", "/schedules/both", { every_seconds: 1, ...asks("/recurs") })).status,
    ).toBe(200);
    for (const id of ids) expect(await ended(older, id)).toMatchObject({ attempts: 1, crashes: 0 });
    await eventually(() => (asked.get("/recurs")?.times ?? 0) >= 2);
    expect((await newer.call("DELETE", "/schedules/both")).status).toBe(204);

    // The older one lists, refreshes and changes what the newer one knows more of.
    expect((await older.call<{ tasks: Task[] }>("GET", "/tasks")).body.tasks.length).toBeGreaterThan(20);
    expect((await older.call("POST", "/tasks/refresh")).status).toBe(200);
    expect((await older.call("PATCH", `/tasks/${later}`, { scheduled_time: inMs(0) })).status).toBe(200);
    expect(await ended(newer, later)).toMatchObject({ attempts: 1 });

    // And is gone; what it had not begun goes on.
    const last = await create(older, { ...asks("/last"), scheduled_time: inMs(1_000) });
    older.kill("SIGTERM");
    expect(await older.ended).toBe(0);
    expect(await ended(newer, last)).toMatchObject({ attempts: 1, crashes: 0 });
    for (const [path, { times }] of asked)
      if (path !== "/recurs") expect({ path, times }).toEqual({ path, times: 1 });
  });
});
