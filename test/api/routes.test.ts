import { describe, expect, test } from "vitest";
import type { Task } from "#core";
import { type Answer, apiBed, type ErrorBody } from "../support/bed/api.ts";

const api = apiBed();

describe("/tasks", () => {
  test("a task is posted, listed, run, and its result read", async () => {
    const created = await api.post("/tasks", { type: "note", task_data: { a: 1 } });
    expect([created.status, created.body]).toEqual([
      201,
      expect.objectContaining({ id: 1, task_status: "Not started", task_data: { a: 1 } }),
    ]);
    expect((await api.get<Task[]>("/tasks/not-started")).body).toEqual([created.body]);
    await api.tickwork.worker.tick();
    expect((await api.get<Task>("/tasks/1")).body).toMatchObject({
      task_status: "Completed",
      result_data: { ran: 1 },
    });
  });

  test("an array creates all of its tasks, in order", async () => {
    const { status, body } = await api.post<Task[]>("/tasks", [
      { type: "note", task_data: 1 },
      { type: "note", task_data: 2 },
    ]);
    expect([status, body.map(({ task_data }) => task_data)]).toEqual([201, [1, 2]]);
  });

  test("the pages list every task once, newest first, by status and type", async () => {
    await api.post(
      "/tasks",
      Array.from({ length: 7 }, (_, n) => ({
        type: n % 2 ? "note" : "gated",
        scheduled_time: "2999-01-01T00:00:00Z",
      })),
    );
    const seen: number[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: Answer<{ tasks: Task[]; next_cursor: string | null }> = await api.get(
        `/tasks?limit=3${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...page.body.tasks.map(({ id }) => id));
      cursor = page.body.next_cursor;
    }
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1]);
    const { body } = await api.get<{ tasks: Task[] }>("/tasks?type=note&status=Not%20started");
    expect(body.tasks.map(({ id }) => id)).toEqual([6, 4, 2]);
    expect((await api.get("/tasks?status=Error")).body).toEqual({ tasks: [], next_cursor: null });
  });

  test("a task is changed, cancelled, retried and deleted", async () => {
    await api.post("/tasks", [
      { type: "note", scheduled_time: "2999-01-01T00:00:00Z" },
      { type: "note", scheduled_time: "2999-01-01T00:00:00Z" },
    ]);
    expect(
      await api.patch("/tasks/1", { scheduled_time: "2998-01-01T01:00:00+01:00", task_data: [1] }),
    ).toMatchObject({
      status: 200,
      body: { scheduled_time: "2998-01-01T00:00:00.000Z", task_data: [1] },
    });
    expect(await api.post("/tasks/1/cancel")).toMatchObject({
      status: 200,
      body: { task_status: "Error", error_data: { code: "cancelled" } },
    });
    expect(await api.post("/tasks/1/retry")).toMatchObject({
      status: 200,
      body: { task_status: "Not started", attempts: 0, error_data: null },
    });
    expect(await api.delete("/tasks/2")).toMatchObject({ status: 204, body: undefined });
    expect(await api.get("/tasks/2")).toMatchObject({ status: 404 });
  });

  test("the same Idempotency-Key answers with the same tasks and creates none", async () => {
    const first = await api.post("/tasks", { type: "note" }, { "idempotency-key": "abc" });
    const second = await api.post("/tasks", { type: "note" }, { "idempotency-key": "abc" });
    expect([first.status, second.status, second.body.id]).toEqual([201, 201, first.body.id]);
    expect(await api.bed.sql(`select from "baasix_Tasks"`)).toHaveLength(1);
  });

  test("the same Idempotency-Key after one of its tasks was deleted says so, and creates none", async () => {
    const request = () =>
      api.post<ErrorBody>("/tasks", Array(3).fill({ type: "note" }), { "idempotency-key": "abc" });
    await request();
    await api.delete("/tasks/2");
    expect(await request()).toMatchObject({ status: 409, body: { error: { code: "tasks_deleted" } } });
    expect((await request()).body.error.message).toBe(
      'The request with the Idempotency-Key "abc" was carried out before and created tasks 1, 2, 3; deleted since: task 2.',
    );
    expect(await api.bed.sql(`select from "baasix_Tasks"`)).toHaveLength(2);
  });

  test("Tickwork-User is kept as who created a task, and as who changed it last", async () => {
    const as = (user?: string) => (user ? { "tickwork-user": user } : {});
    const who = async () => {
      const { body } = await api.get<Task>("/tasks/1");
      return [body.userCreated_Id, body.userUpdated_Id];
    };
    await api.post("/tasks", { type: "note", scheduled_time: "2999-01-01T00:00:00Z" }, as("ada"));
    expect(await who()).toEqual(["ada", null]);
    await api.call("PATCH", "/tasks/1", { task_data: 1 }, as("grace"));
    expect(await who()).toEqual(["ada", "grace"]);
    // Nobody says who this was.
    await api.call("PATCH", "/tasks/1", { task_data: 2 }, as());
    expect(await who()).toEqual(["ada", "grace"]);
    // A header is bytes, here of UTF-8.
    await api.call("POST", "/tasks/1/cancel", undefined, as(Buffer.from("Jürgen 🦊").toString("latin1")));
    expect(await who()).toEqual(["ada", "Jürgen 🦊"]);
    await api.call("POST", "/tasks/1/retry", undefined, as("barbara"));
    expect(await who()).toEqual(["ada", "barbara"]);
  });
});

test("the methods of Baasix's TasksService have their routes", async () => {
  await api.post("/tasks", { type: "note", scheduled_time: new Date(Date.now() + 60_000).toISOString() });
  expect((await api.get("/tasks/running")).body).toEqual({ isRunning: false });
  for (const isRunning of [true, false])
    expect(await api.put("/tasks/running", { isRunning })).toMatchObject({
      status: 200,
      body: { isRunning },
    });
  expect(await api.post("/tasks/refresh")).toMatchObject({
    status: 200,
    body: { initialized: true, cachedTasksCount: 1 },
  });
  expect((await api.get("/tasks/stats")).body).toMatchObject({
    taskTimeWindow: "4 hours",
    refreshInterval: 600_000,
  });
});

test("health needs no key, and says what was last reached but nothing that a server says about itself", async () => {
  const health = async () => {
    const response = await api.app.request("/health/tasks");
    return { status: response.status, body: await response.json() };
  };
  expect(await health()).toMatchObject({
    status: 200,
    body: {
      healthy: true,
      stats: { initialized: false },
      last: { postgres: null, refresh: null, write: null },
    },
  });
  await api.tickwork.worker.refresh();
  await api.post("/tasks", { type: "note" });
  const time = expect.stringMatching(/^\d{4}-.*Z$/);
  expect(await health()).toMatchObject({
    status: 200,
    body: { healthy: true, last: { postgres: time, redis: time, refresh: time, write: time } },
  });
  api.bed.faults.redis = () => {
    throw new Error("connect ECONNREFUSED 10.0.0.7");
  };
  expect(await health()).toMatchObject({
    status: 500,
    body: { healthy: false, stats: { error: "Redis does not answer" } },
  });
});

test("a hook tells the cache about a task that was written elsewhere, and extensions about their collections", async () => {
  const { hooks, worker } = api.tickwork;
  await worker.refresh();
  const told: unknown[] = [];
  hooks.registerHook("data_imports", "items.create.after", ({ data, collection, source }) => {
    told.push([data, collection, source]);
  });
  hooks.registerHook("data_imports", "items.create.after", () => {
    throw new Error("bad");
  });
  await api.bed.sql(
    `insert into "baasix_Tasks" (type, scheduled_time) values ('note', now() + interval '1 minute')`,
  );
  expect(await api.post("/hooks/baasix_Tasks/items.create.after", { data: { id: 1 } })).toMatchObject({
    status: 200,
    body: { ran: 0, failed: 0 },
  });
  expect((await api.get<Task[]>("/tasks/not-started")).body.map(({ id }) => id)).toEqual([1]);
  expect(
    await api.post("/hooks/data_imports/items.create.after", {
      data: { status: "completed" },
      source: "test",
    }),
  ).toMatchObject({ body: { ran: 2, failed: 1 } });
  expect(told).toEqual([[{ status: "completed" }, "data_imports", "test"]]);
});
