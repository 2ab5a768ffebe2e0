/** Every method, against the API on a real socket. */
import { describe, expect, test } from "vitest";
import { createClient, TickworkApiError } from "#client";
import { BYTES_PER_REQUEST, TASKS_PER_REQUEST } from "../../packages/client/batches.ts";
import { BATCH_LIMIT, BODY_LIMIT_BYTES } from "../../packages/core/limits.ts";
import { describeOnStacks } from "../support/bed/describe-on-stacks.ts";
import { clientBed } from "../support/client/client-bed.ts";
import { eventually } from "../support/eventually.ts";
import { serve } from "../support/web/server.ts";

const LATER = "2999-01-01T00:00:00Z";

describeOnStacks("a client", (bed) => {
  const on = clientBed(bed);

  test("creates a task, waits until it has run, and reads its result", async () => {
    const client = on.client();
    const task = await client.create({ type: "greet", task_data: { name: "Ada" } }, { userId: "grace" });
    expect(task).toMatchObject({ id: 1, task_status: "Not started", userCreated_Id: "grace" });
    const ended = await client.waitFor(task);
    expect(ended).toMatchObject({
      task_status: "Completed",
      result_data: { hello: "Ada", at: "1970-01-01T00:00:00.000Z" },
    });
    expect(await client.get(task)).toEqual(ended);
  });

  test("makes keys, lists and withdraws them, and tells who did so", async () => {
    const client = on.client();
    const made = await client.createKey({ name: "shop", scopes: ["write"] }, { userId: "grace" });
    const { key, ...listed } = made;
    expect(await client.keys()).toEqual([listed]);
    const shop = on.client({ apiKey: key });
    expect(
      await shop.create({ type: "greet", task_data: { name: "Ada" }, scheduled_time: LATER }),
    ).toMatchObject({
      userCreated_Id: "shop",
    });
    await expect(shop.stats()).rejects.toMatchObject({ status: 403, code: "scope_missing" });
    on.front.faults = ["lose the answer"];
    await client.deleteKey(made.id);
    await expect(client.deleteKey(made.id)).rejects.toMatchObject({ code: "key_not_found" });
    const { entries, next_cursor } = await client.audit({ limit: 1 });
    expect(entries).toMatchObject([
      { action: "key_deleted", subject: `${made.id} shop`, key_name: "API_KEY" },
    ]);
    expect((await client.audit({ cursor: next_cursor ?? "" })).entries).toMatchObject([
      { action: "key_created", user_id: "grace" },
    ]);
  });

  test("creates many tasks in order; more than one request takes are several, each with its own key", async () => {
    const client = on.client();
    const tasks = Array.from({ length: TASKS_PER_REQUEST + 2 }, (_, n) => ({
      type: "greet" as const,
      task_data: { name: `${n}` },
      scheduled_time: LATER,
    }));
    const made = await client.createMany(tasks, { idempotencyKey: "all" });
    expect(made.map(({ task_data }) => task_data)).toEqual(tasks.map(({ task_data }) => task_data));
    expect(on.front.requests.map(({ headers }) => headers["idempotency-key"])).toEqual(["all", "all#2"]);
    expect(await client.createMany(tasks, { idempotencyKey: "all" })).toEqual(made);
    expect(await on.count()).toBe(tasks.length);
    expect(await client.createMany([])).toEqual([]);
  });

  test("creates the rest when many tasks are created again after some requests failed", async () => {
    const client = on.client();
    const data = "x".repeat(240_000);
    const tasks = Array.from({ length: 22 }, (_, n) => ({
      type: "greet" as const,
      task_data: { name: `${n}${data}` },
      scheduled_time: LATER,
    }));
    const create = () => client.createMany(tasks, { idempotencyKey: "import-7" });
    on.front.faults = ["pass", { status: 400 }];
    await expect(create()).rejects.toMatchObject({ status: 400 });
    expect(await on.count()).toBe(8);
    const made = await create();
    expect(made.map(({ task_data }) => task_data)).toEqual(tasks.map(({ task_data }) => task_data));
    expect(await on.count()).toBe(22);
  });

  test("changes, cancels, retries and deletes a task, in somebody's name", async () => {
    const client = on.client();
    const task = await client.create({
      type: "greet",
      task_data: { name: "Ada" },
      scheduled_time: new Date(LATER),
    });
    const later = new Date("2998-01-01T00:00:00Z");
    expect(await client.update(task, { scheduled_time: later }, { userId: "ada" })).toMatchObject({
      scheduled_time: later.toISOString(),
      userUpdated_Id: "ada",
    });
    expect(await client.cancel(task, { userId: "Jürgen → 🦊" })).toMatchObject({
      task_status: "Error",
      error_data: { code: "cancelled" },
      userUpdated_Id: "Jürgen → 🦊",
    });
    expect(await client.retry(task.id, { userId: "barbara" })).toMatchObject({
      task_status: "Not started",
      userUpdated_Id: "barbara",
    });
    await client.waitFor(task);
    expect(await client.remove(task)).toBeUndefined();
    await expect(client.get(task)).rejects.toMatchObject({ code: "task_not_found", status: 404 });
  });

  test("asks a running task to stop", async () => {
    const client = on.anyClient();
    const task = await client.create({ type: "gated" });
    const { context } = await eventually(() => on.starts[0]);
    expect(await client.cancel(context.task)).toMatchObject({
      id: task.id,
      task_status: "Running",
      cancel_requested: true,
    });
  });

  test("lists tasks over the pages, by status and type, as far as they are asked for", async () => {
    const client = on.client();
    await client.createMany(
      Array.from({ length: 7 }, (_, n) =>
        n % 2
          ? { type: "greet", task_data: { name: "Ada" }, scheduled_time: LATER }
          : { type: "slow", scheduled_time: LATER },
      ),
    );
    on.front.requests.length = 0;
    const idsOf = async (tasks: AsyncIterable<{ id: number }>, limit = 100) => {
      const ids: number[] = [];
      for await (const { id } of tasks) if (ids.push(id) === limit) break;
      return ids;
    };
    expect(await idsOf(client.list({ pageSize: 3 }))).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(on.front.requests).toHaveLength(3);
    expect(await idsOf(client.list({ pageSize: 3 }), 3)).toEqual([7, 6, 5]);
    expect(on.front.requests).toHaveLength(4);
    expect(await idsOf(client.list({ type: "greet", status: "Not started" }))).toEqual([6, 4, 2]);
    expect(await idsOf(client.list({ status: "Error" }))).toEqual([]);
    const first = await client.listPage({ limit: 5 });
    expect(first.tasks.map(({ id }) => id)).toEqual([7, 6, 5, 4, 3]);
    expect(await client.listPage({ limit: 5, cursor: first.next_cursor ?? "" })).toMatchObject({
      tasks: [{ id: 2 }, { id: 1 }],
      next_cursor: null,
    });
  });

  test("reads the stats, the health and what a refresh leaves", async () => {
    const client = on.client();
    expect(await client.stats()).toMatchObject({ initialized: false, taskTimeWindow: "4 hours" });
    expect(await client.refresh()).toMatchObject({ initialized: true, cachedTasksCount: 0 });
    expect(await createClient({ url: on.front.url }).health()).toMatchObject({ healthy: true });
    bed.faults.redis = () => {
      throw new Error("it is gone");
    };
    const sent = on.front.requests.length;
    expect(await client.health()).toMatchObject({
      healthy: false,
      stats: { error: "Redis does not answer" },
    });
    expect(on.front.requests).toHaveLength(sent + 1);
  });

  describe("throws what the API answers in place of what was asked:", () => {
    test("the code, the status, and what is wrong with each value", async () => {
      const client = on.anyClient();
      const failure = await client.create({ type: "greet", task_data: { nmae: "Ada" } }).catch((e) => e);
      expect(failure).toBeInstanceOf(TickworkApiError);
      expect(failure).toMatchObject({
        name: "TickworkApiError",
        status: 422,
        code: "invalid_request",
        issues: [{ path: "task_data.name", message: expect.any(String) }],
        message: expect.stringContaining("task_data.name"),
      });
      await expect(client.get(7)).rejects.toMatchObject({ code: "task_not_found", issues: undefined });
      await expect(client.create({ type: "nothing" })).rejects.toMatchObject({ code: "unknown_type" });
      const stranger = createClient({ url: on.front.url, apiKey: "wrong" });
      await expect(stranger.stats()).rejects.toMatchObject({ code: "key_wrong", status: 401 });
      expect(on.front.requests).toHaveLength(4);
    });

    test("the name that a gateway gave to the request, and that it was not Tickwork", async () => {
      on.front.faults = [
        { status: 403, body: '{"message":"Forbidden"}', headers: { "apigw-requestid": "JKJaXmPLvHcESHA=" } },
        { status: 404, body: "<h1>Not Found</h1>", headers: { "x-request-id": "7" } },
        { status: 200, body: "<h1>Log in</h1>" },
      ];
      await expect(on.client().stats()).rejects.toMatchObject({
        status: 403,
        code: undefined,
        requestId: "JKJaXmPLvHcESHA=",
        message: 'GET /tasks/stats was answered with 403, not by Tickwork: {"message":"Forbidden"}',
      });
      await expect(on.client().stats()).rejects.toMatchObject({ status: 404, requestId: "7" });
      await expect(on.client().stats()).rejects.toMatchObject({
        status: 200,
        message: "GET /tasks/stats was answered with 200, not by Tickwork: <h1>Log in</h1>",
      });
    });

    test("that it was sent elsewhere, and does not go: a POST would become a GET", async () => {
      on.front.always = { status: 301, headers: { location: "https://elsewhere.example/tasks" } };
      await expect(on.client().create({ type: "slow" })).rejects.toMatchObject({
        status: 301,
        message:
          "POST /tasks was answered with 301, a redirect to https://elsewhere.example/tasks; url must be where Tickwork itself answers.",
      });
    });
  });
});

test("one request takes no more than the API does", () => {
  expect(TASKS_PER_REQUEST).toBe(BATCH_LIMIT);
  expect(BYTES_PER_REQUEST).toBeLessThan(BODY_LIMIT_BYTES);
});

test("a page may end before its limit, or be empty, and not be the last", async () => {
  const pages = {
    "/tasks": { tasks: [{ id: 9 }, { id: 8 }], next_cursor: "a" },
    "/tasks?cursor=a": { tasks: [], next_cursor: "b&c" },
    "/tasks?cursor=b%26c": { tasks: [{ id: 7 }], next_cursor: null },
  };
  const { url } = await serve(({ url: path }, response) =>
    response.end(JSON.stringify(pages[path as keyof typeof pages])),
  );
  const ids: number[] = [];
  for await (const { id } of createClient({ url }).list()) ids.push(id);
  expect(ids).toEqual([9, 8, 7]);
});

describe("an address", () => {
  test("may have a path and a slash at its end", async () => {
    const { url, received } = await serve((_, response) => response.end("{}"));
    await createClient({ url: `${url}/tick/work/` }).stats();
    await createClient({ url }).stats();
    expect(received.map(({ path }) => path)).toEqual(["/tick/work/tasks/stats", "/tasks/stats"]);
  });

  test.each([
    ["127.0.0.1:3000", '"127.0.0.1:3000"'],
    ["/api", '"/api"'],
    ["ftp://example.com", '"ftp://example.com"'],
    ["https://user:secret@example.com", '"https://…@example.com"'],
    ["https://example.com/?a=1", '"https://example.com/?a=1"'],
    [undefined as unknown as string, "undefined"],
  ])("%s is refused", (url, shown) => {
    expect(() => createClient({ url })).toThrow(
      `url must be an http or https address without user and query, got ${shown}.`,
    );
  });
});

test("a key that no header can have is refused, and not told", () => {
  for (const apiKey of ["", "two words", "schlüssel", "line\nbreak"])
    expect(() => createClient({ url: "http://localhost", apiKey })).toThrow(
      "apiKey must be the API key of the deployment: ASCII characters without blanks.",
    );
});

test("what cannot be sent as it is meant is refused before it is sent", async () => {
  const { url, received } = await serve((_, response) => response.end("{}"));
  const client = createClient({ url });
  await expect(client.create({ type: "a" }, { userId: "a\nb" })).rejects.toThrow(
    'Tickwork-User must have 1 to 255 characters, none of control, got "a\\nb".',
  );
  await expect(client.update(1, {}, { userId: "" })).rejects.toThrow("Tickwork-User must have");
  await expect(client.create({ type: "a" }, { idempotencyKey: "x".repeat(256) })).rejects.toThrow(
    "Idempotency-Key must have",
  );
  // JSON would make it null, and so now.
  const scheduled_time = new Date("tomorrow");
  await expect(client.create({ type: "a", scheduled_time })).rejects.toThrow("scheduled_time must be a time");
  const tasks = Array<{ type: string }>(1_001).fill({ type: "a" });
  await expect(client.createMany(tasks, { idempotencyKey: "x".repeat(254) })).rejects.toThrow(
    "idempotencyKey must have at most 253 characters for 2 requests, got 254.",
  );
  expect(received).toEqual([]);
});
