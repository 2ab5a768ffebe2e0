import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createApp, openApi, operations } from "#api";
import { silent, type Task } from "#core";
import { definitions } from "#tasks";
import { eventually, type MadeTickwork, openTestBed, type TestBed } from "../support/bed/bed.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { gated, noting } from "../support/bed/tasks.ts";

const KEY = "the-key-of-the-test";
let bed: TestBed;
let tickwork: MadeTickwork;
let app: ReturnType<typeof createApp>;
const { starts, definition: waits } = gated();

beforeAll(async () => {
  bed = await openTestBed("embedded");
});
afterAll(() => bed.close());
afterEach(() => {
  starts.length = 0;
  return bed.clear();
});

const start = () => {
  tickwork = bed.make({ doorbell: noteRings(), definitions: [...definitions, noting().definition, waits] });
  app = createApp({ ...tickwork, config: { apiKey: KEY } });
};

interface Answer<Body> {
  status: number;
  body: Body;
  headers: Headers;
}
async function call<
  Body = { error: { code: string; message: string; issues?: { path: string; message: string }[] } },
>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer<Body>> {
  const sent: Record<string, string> = {
    authorization: `Bearer ${KEY}`,
    "content-type": "application/json",
    ...headers,
  };
  if (!sent.authorization) delete sent.authorization;
  const response = await app.request(path, {
    method,
    headers: sent,
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: (text ? JSON.parse(text) : undefined) as Body,
    headers: response.headers,
  };
}
const post = <Body = Task>(path: string, body?: unknown, headers?: Record<string, string>) =>
  call<Body>("POST", path, body, headers);
const get = <Body>(path: string) => call<Body>("GET", path);

describe("what it is for", () => {
  test("a task is posted, seen, run, and its result read", async () => {
    start();
    const made = await post("/tasks", { type: "note", task_data: { a: 1 } });
    expect([made.status, made.body]).toEqual([
      201,
      expect.objectContaining({ id: 1, task_status: "Not started", task_data: { a: 1 } }),
    ]);
    expect((await get<Task[]>("/tasks/not-started")).body).toEqual([made.body]);
    await tickwork.worker.tick();
    expect((await get<Task>("/tasks/1")).body).toMatchObject({
      task_status: "Completed",
      result_data: { ran: 1 },
    });
  });

  test("an array makes all of them, in order", async () => {
    start();
    const { status, body } = await post<Task[]>("/tasks", [
      { type: "note", task_data: 1 },
      { type: "note", task_data: 2 },
    ]);
    expect([status, body.map(({ task_data }) => task_data)]).toEqual([201, [1, 2]]);
  });

  test("pages go through all tasks once, newest first, by status and type", async () => {
    start();
    await post(
      "/tasks",
      Array.from({ length: 7 }, (_, n) => ({
        type: n % 2 ? "note" : "gated",
        scheduled_time: "2999-01-01T00:00:00Z",
      })),
    );
    const seen: number[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: Answer<{ tasks: Task[]; next_cursor: string | null }> = await get(
        `/tasks?limit=3${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...page.body.tasks.map(({ id }) => id));
      cursor = page.body.next_cursor;
    }
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(
      (await get<{ tasks: Task[] }>("/tasks?type=note&status=Not%20started")).body.tasks.map(({ id }) => id),
    ).toEqual([6, 4, 2]);
    expect((await get<{ tasks: Task[] }>("/tasks?status=Error")).body).toEqual({
      tasks: [],
      next_cursor: null,
    });
  });

  test("the mission's methods have their routes", async () => {
    start();
    await post("/tasks", { type: "note", scheduled_time: new Date(Date.now() + 60_000).toISOString() });
    expect((await get("/tasks/running")).body).toEqual({ isRunning: false });
    expect(await call("PUT", "/tasks/running", { isRunning: true })).toMatchObject({
      status: 200,
      body: { isRunning: true },
    });
    expect(await call("PUT", "/tasks/running", { isRunning: false })).toMatchObject({
      status: 200,
      body: { isRunning: false },
    });
    expect(await post("/tasks/refresh")).toMatchObject({
      status: 200,
      body: { initialized: true, cachedTasksCount: 1 },
    });
    expect((await get("/tasks/stats")).body).toMatchObject({
      taskTimeWindow: "4 hours",
      refreshInterval: 600_000,
    });
  });

  test("health needs no key, and says 500 before a refresh has succeeded and when something failed", async () => {
    start();
    const health = async () => {
      const response = await app.request("/health/tasks");
      return [response.status, await response.json()];
    };
    expect(await health()).toEqual([
      500,
      { healthy: false, stats: expect.objectContaining({ initialized: false }) },
    ]);
    await tickwork.worker.refresh();
    expect(await health()).toEqual([
      200,
      { healthy: true, stats: expect.objectContaining({ initialized: true }) },
    ]);
    bed.faults.redis = () => {
      throw new Error("down");
    };
    expect(await health()).toEqual([
      500,
      { healthy: false, stats: expect.objectContaining({ error: expect.stringContaining("down") }) },
    ]);
  });

  test("changing, deleting, retrying and cancelling", async () => {
    start();
    await post("/tasks", [
      { type: "note", scheduled_time: "2999-01-01T00:00:00Z" },
      { type: "note", scheduled_time: "2999-01-01T00:00:00Z" },
    ]);
    expect(
      await call("PATCH", "/tasks/1", { scheduled_time: "2998-01-01T01:00:00+01:00", task_data: [1] }),
    ).toMatchObject({
      status: 200,
      body: { scheduled_time: "2998-01-01T00:00:00.000Z", task_data: [1] },
    });
    expect(await post("/tasks/1/cancel")).toMatchObject({
      status: 200,
      body: { task_status: "Error", error_data: { code: "cancelled" } },
    });
    expect(await post("/tasks/1/retry")).toMatchObject({
      status: 200,
      body: { task_status: "Not started", attempts: 0, error_data: null },
    });
    expect(await call("DELETE", "/tasks/2")).toMatchObject({ status: 204, body: undefined });
    expect(await get("/tasks/2")).toMatchObject({ status: 404 });
  });

  test("a hook tells the cache of a task that somebody else wrote, and the extensions of their collections", async () => {
    start();
    await tickwork.worker.refresh();
    const told: unknown[] = [];
    tickwork.hooks.registerHook("data_imports", "items.create.after", ({ data, collection, source }) => {
      told.push([data, collection, source]);
    });
    tickwork.hooks.registerHook("data_imports", "items.create.after", () => {
      throw new Error("bad");
    });
    await bed.sql(
      `insert into "baasix_Tasks" (type, scheduled_time) values ('note', now() + interval '1 minute')`,
    );
    expect(await post("/hooks/baasix_Tasks/items.create.after", { data: { id: 1 } })).toMatchObject({
      status: 200,
      body: { ran: 0, failed: 0 },
    });
    expect((await get<Task[]>("/tasks/not-started")).body.map(({ id }) => id)).toEqual([1]);
    expect(
      await post("/hooks/data_imports/items.create.after", { data: { status: "completed" }, source: "test" }),
    ).toMatchObject({ body: { ran: 2, failed: 1 } });
    expect(told).toEqual([[{ status: "completed" }, "data_imports", "test"]]);
  });

  test("the same Idempotency-Key answers with the same tasks and makes none", async () => {
    start();
    const first = await post("/tasks", { type: "note" }, { "idempotency-key": "abc" });
    const again = await post("/tasks", { type: "note" }, { "idempotency-key": "abc" });
    expect([first.status, again.status, again.body.id]).toEqual([201, 201, first.body.id]);
    expect(await bed.sql(`select from "baasix_Tasks"`)).toHaveLength(1);
  });
});

describe("bad input has its status, its code and a message that says what would be right, and changes nothing", () => {
  const cases: [string, () => Promise<Answer<unknown>>, number, string, RegExp][] = [
    [
      "an unknown type",
      () => post("/tasks", { type: "nothing" }),
      422,
      "unknown_type",
      /"nothing" has no handler; these have one: "http_request", "cleanup"/,
    ],
    ["malformed JSON", () => post("/tasks", '{"type": '), 400, "malformed_json", /The body is not JSON/],
    ["an empty body", () => post("/tasks", ""), 400, "malformed_json", /The body is empty; JSON is expected/],
    [
      "a wrong field",
      () => post("/tasks", { type: "note", when: 1 }),
      422,
      "invalid_request",
      /when: is not a field that can be set; these can: type, scheduled_time/,
    ],
    [
      "no object",
      () => post("/tasks", "7"),
      422,
      "invalid_request",
      /7 is not accepted; an object with a type is/,
    ],
    ["null", () => post("/tasks", "null"), 422, "invalid_request", /null is not accepted/],
    ["no type", () => post("/tasks", {}), 422, "invalid_request", /type: is missing/],
    [
      "a type that is no string",
      () => post("/tasks", { type: 5 }),
      422,
      "invalid_request",
      /type: 5 is not accepted; a string of 1 to 255 characters is/,
    ],
    [
      "a date that is none",
      () => post("/tasks", { type: "note", scheduled_time: "tomorrow" }),
      422,
      "invalid_request",
      /scheduled_time: "tomorrow" is not accepted; an ISO 8601 time with its zone/,
    ],
    [
      "a day that is not in the calendar",
      () => post("/tasks", { type: "note", scheduled_time: "2026-02-30T00:00:00Z" }),
      422,
      "invalid_request",
      /2026-02-30/,
    ],
    [
      "a time without a zone",
      () => post("/tasks", { type: "note", scheduled_time: "2026-02-20T00:00:00" }),
      422,
      "invalid_request",
      /with its zone/,
    ],
    [
      "bad data for its type",
      () => post("/tasks", { type: "http_request", task_data: { url: "ftp://x" } }),
      422,
      "invalid_request",
      /task_data\.url/,
    ],
    [
      "a bad one among good ones",
      () => post("/tasks", [{ type: "note" }, { type: "note", max_attempts: 0 }]),
      422,
      "invalid_request",
      /\[1\]\.max_attempts: 0 is not accepted/,
    ],
    ["an empty array", () => post("/tasks", []), 422, "invalid_request", /the array is empty/],
    [
      "an array of 1,001",
      () =>
        post(
          "/tasks",
          Array.from({ length: 1_001 }, () => ({ type: "note" })),
        ),
      413,
      "too_many_tasks",
      /There are 1001 tasks in the array; at most 1000/,
    ],
    [
      "task_data over 256 KB",
      () => post("/tasks", { type: "note", task_data: "x".repeat(262_143) }),
      413,
      "task_data_too_large",
      /task_data has 262145 bytes as JSON; at most 262144/,
    ],
    [
      "a body over 5 MB",
      () => post("/tasks", { type: "note", task_data: "x".repeat(5_300_000) }),
      413,
      "body_too_large",
      /more than 5242880 bytes/,
    ],
    [
      "an idempotency key that is too long",
      () => post("/tasks", { type: "note" }, { "idempotency-key": "k".repeat(256) }),
      422,
      "invalid_request",
      /Idempotency-Key: has 256 characters/,
    ],
    [
      "a missing key",
      () => call("GET", "/tasks", undefined, { authorization: "" }),
      401,
      "key_missing",
      /Authorization: Bearer/,
    ],
    [
      "a wrong key",
      () => call("GET", "/tasks", undefined, { authorization: "Bearer nope" }),
      401,
      "key_wrong",
      /The key is wrong/,
    ],
    [
      "another scheme",
      () => call("GET", "/tasks", undefined, { authorization: `Basic ${KEY}` }),
      401,
      "key_wrong",
      /Bearer/,
    ],
    ["an id that is not there", () => get("/tasks/99"), 404, "task_not_found", /There is no task 99/],
    ["an id that is none", () => get("/tasks/first"), 404, "task_not_found", /There is no task "first"/],
    ["an id with SQL in it", () => get("/tasks/1%20or%201=1"), 404, "task_not_found", /There is no task/],
    ["a route that is not there", () => get("/nowhere"), 404, "route_not_found", /There is no GET \/nowhere/],
    ["a method that is not there", () => call("DELETE", "/tasks"), 404, "route_not_found", /DELETE \/tasks/],
    [
      "a status that is none",
      () => get("/tasks?status=done"),
      422,
      "invalid_request",
      /status: "done" is not accepted; one of "Not started", "Running", "Completed", "Error" is/,
    ],
    [
      "a limit that is too large",
      () => get("/tasks?limit=1000"),
      422,
      "invalid_request",
      /limit: "?1000"? is not accepted; a whole number from 1 to 200/,
    ],
    [
      "a cursor of somebody else",
      () => get("/tasks?cursor=abc"),
      422,
      "invalid_request",
      /cursor: "abc" is not accepted/,
    ],
    [
      "an unknown filter",
      () => get("/tasks?state=x"),
      422,
      "invalid_request",
      /state: is not known here; status, type, limit and cursor/,
    ],
    [
      "retrying a running task",
      () => post("/tasks/1/retry"),
      409,
      "task_running",
      /Task 1 is "Running" and cannot be retried; only "Error" or "Completed" can/,
    ],
    [
      "deleting a running task",
      () => call("DELETE", "/tasks/1"),
      409,
      "task_running",
      /Task 1 is "Running" and cannot be deleted/,
    ],
    [
      "changing a running task",
      () => call("PATCH", "/tasks/1", { task_data: 1 }),
      409,
      "task_running",
      /cannot be changed; only "Not started" can/,
    ],
    [
      "changing a finished task",
      () => call("PATCH", "/tasks/2", { task_data: 1 }),
      409,
      "task_finished",
      /Task 2 is "Completed"/,
    ],
    [
      "cancelling a finished task",
      () => post("/tasks/2/cancel"),
      409,
      "task_finished",
      /cannot be cancelled/,
    ],
    ["retrying a waiting task", () => post("/tasks/3/retry"), 409, "task_waiting", /Task 3 is "Not started"/],
    [
      "changing nothing",
      () => call("PATCH", "/tasks/3", {}),
      422,
      "invalid_request",
      /there is nothing to change/,
    ],
    [
      "changing a status",
      () => call("PATCH", "/tasks/3", { task_status: "Completed" }),
      422,
      "invalid_request",
      /task_status: is not a field that can be set/,
    ],
    [
      "changing data to what its type refuses",
      () => call("PATCH", "/tasks/3", { type: "http_request" }),
      422,
      "invalid_request",
      /task_data/,
    ],
    [
      "a running flag that is none",
      () => call("PUT", "/tasks/running", { isRunning: "yes" }),
      422,
      "invalid_request",
      /isRunning: "yes" is not accepted; true or false is/,
    ],
    [
      "an event that is none",
      () => post("/hooks/baasix_Tasks/items.eaten.after", { data: { id: 1 } }),
      404,
      "unknown_event",
      /items.create.after, items.update.after, items.delete.after/,
    ],
    [
      "a hook without data",
      () => post("/hooks/baasix_Tasks/items.create.after", {}),
      422,
      "invalid_request",
      /data/,
    ],
    [
      "a hook whose id is none",
      () => post("/hooks/baasix_Tasks/items.create.after", { data: { id: "x" } }),
      422,
      "invalid_request",
      /data.id: "x" is not accepted/,
    ],
  ];

  test.each(cases)("%s", async (_, request, status, code, message) => {
    start();
    await tickwork.tasks.create([
      { type: "gated" },
      { type: "note" },
      { type: "note", scheduled_time: "2999-01-01T00:00:00Z" },
    ]);
    await bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where id = 2`);
    const ticking = tickwork.worker.tick();
    await eventually(() => starts[0]);
    const before = await bed.sql(`select * from "baasix_Tasks" order by id`);
    const answer = (await request()) as Answer<{ error: { code: string; message: string } }>;
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
    expect(answer.body.error.message).toMatch(message);
    if (status === 401) expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(await bed.sql(`select * from "baasix_Tasks" order by id`)).toEqual(before);
    starts[0]?.finish();
    await ticking;
  });

  test("what nobody expected says nothing to the world", async () => {
    start();
    bed.faults.postgres = () => {
      throw new Error("password authentication failed for user secret");
    };
    const { status, body, headers } = await get<{ error: { code: string; message: string } }>("/tasks");
    expect([status, body.error.code, headers.get("retry-after")]).toEqual([503, "postgres_unavailable", "5"]);
    expect(body.error.message).not.toContain("secret");
  });
});

describe("/openapi.json", () => {
  test("describes every route, and no other", async () => {
    start();
    const described = Object.values(operations).map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    const routes = app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path}`);
    expect([...new Set(routes)].sort()).toEqual([...new Set(described)].sort());
  });

  test("is a description that says what can be sent and what comes back", async () => {
    start();
    const { status, body } = await get<Awaited<ReturnType<typeof openApi>>>("/openapi.json");
    expect(status).toBe(200);
    expect(body).toEqual(await openApi());
    expect(body.openapi).toBe("3.1.0");
    const paths = body.paths as Record<
      string,
      Record<string, { parameters?: { name: string }[]; responses: object; requestBody?: unknown }>
    >;
    expect(Object.keys(paths["/tasks"]?.post?.responses ?? {})).toEqual([
      "201",
      "400",
      "401",
      "413",
      "422",
      "503",
    ]);
    expect(paths["/tasks"]?.get?.parameters?.map(({ name }) => name)).toEqual([
      "status",
      "type",
      "limit",
      "cursor",
    ]);
    expect(JSON.stringify(paths["/tasks"]?.post?.requestBody)).toContain("scheduled_time");
    expect(JSON.stringify(body)).not.toContain("$defs");
    for (const [, reference] of JSON.stringify(body).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g))
      expect(Object.keys((body.components as { schemas: object }).schemas)).toContain(reference);
  });
});

test("without a key there is no API", () => {
  start();
  expect(() => createApp({ ...tickwork, log: silent, config: { apiKey: undefined } })).toThrow(
    "API_KEY is not set",
  );
});
