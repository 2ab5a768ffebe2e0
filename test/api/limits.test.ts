/** Limits and lines over HTTP and by the client. */
import { expect, test } from "vitest";
import { createClient } from "#client";
import type { Limit, Task } from "#core";
import { apiBed, type ErrorBody, KEY } from "../support/bed/api.ts";

const api = apiBed();
const client = () =>
  createClient({
    url: "http://localhost",
    apiKey: KEY,
    fetch: (async (url, init) => api.app.request(url, init)) as (
      url: string,
      init: RequestInit,
    ) => Promise<Response>,
  });

test("a limit is made, replaced, listed and removed, and holds tasks back", async () => {
  const { limits, create } = client();
  const made = await limits.put({ queue: "mail" }, { rate: { starts: 1, period_seconds: 3_600 } });
  expect(made).toEqual({
    queue: "mail",
    concurrency: null,
    rate: { starts: 1, period_seconds: 3_600, burst: false },
    weight: null,
    running: 0,
    source: "api",
    updated_at: expect.stringMatching(/Z$/),
  });
  expect((await api.get<Limit[]>("/limits")).body).toEqual([made]);
  const line = { queue: "mail", priority: -5, concurrency_key: "acme/7" };
  const { id } = await create({ type: "note", ...line });
  expect((await api.get<Task>(`/tasks/${id}`)).body).toMatchObject({ ...line, lane: expect.any(String) });
  await create({ type: "note", ...line });
  await api.tickwork.worker.tick();
  expect(await statuses()).toEqual(["Completed", "Not started"]);
  expect(await limits.put({ queue: "mail" }, { concurrency: 2 })).toMatchObject({
    concurrency: 2,
    rate: null,
  });
  await api.tickwork.worker.tick();
  expect(await statuses()).toEqual(["Completed", "Completed"]);
  expect(await limits.remove({ queue: "mail" })).toEqual({ removed: true });
  expect(await limits.remove({ queue: "mail" })).toEqual({ removed: false });
  expect(await limits.list()).toEqual([]);
});

test("a task that is due says which limits hold it back, and until when", async () => {
  const { limits, create, get } = client();
  const rate = { starts: 1, period_seconds: 3_600 };
  await limits.put({ queue: "mail" }, { concurrency: 1, rate });
  await limits.put({ concurrency_key: "*" }, { concurrency: 1 });
  await limits.put({ concurrency_key: "big" }, { concurrency: 2 });
  const [, second, other, big] = await Promise.all([
    create({ type: "note", queue: "mail", concurrency_key: "acme" }),
    create({ type: "note", queue: "mail" }),
    create({ type: "note", concurrency_key: "acme" }),
    create({ type: "note", concurrency_key: "big" }),
  ]);
  // It has a limit of its own, with room for one more.
  await create({ type: "note", concurrency_key: "big", task_data: "runs" });
  const later = await create({
    type: "note",
    queue: "mail",
    scheduled_time: new Date(Date.now() + 3_600_000),
  });
  expect(second).not.toHaveProperty("limited");
  await api.bed.sql(
    `update "baasix_Tasks" set task_status = 'Running', lease_expires_at = now() + interval '1 hour' where concurrency_key = 'acme' and queue = 'mail' or task_data::text = '"runs"'`,
  );
  const held = async (id: number) => (await get(id)).limited;
  expect(await held(second.id)).toEqual([{ queue: "mail", by: "concurrency", until: null }]);
  expect(await held(other.id)).toEqual([{ concurrency_key: "*", by: "concurrency", until: null }]);
  expect(await held(big.id)).toBeUndefined();
  expect(await held(later.id)).toBeUndefined();
  await api.bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where task_status = 'Running'`);
  expect(await held(second.id)).toBeUndefined();
  await api.tickwork.worker.tick();
  expect((await get(second.id)).task_status).toBe("Completed");
  const third = await create({ type: "note", queue: "mail" });
  const [hold] = (await held(third.id)) ?? [];
  expect(hold).toEqual({ queue: "mail", by: "rate", until: expect.stringMatching(/Z$/) });
  const minutes = (Date.parse(hold?.until ?? "") - Date.now()) / 60_000;
  expect(minutes).toBeGreaterThan(58);
  expect(minutes).toBeLessThanOrEqual(60);
  expect(await held(second.id)).toBeUndefined();
});

const statuses = async () =>
  (await api.bed.sql<{ task_status: string }>('select task_status from "baasix_Tasks" order by id')).map(
    ({ task_status }) => task_status,
  );

test("where a task stands in line is changed while it waits", async () => {
  await api.post("/tasks", { type: "note", queue: "mail", priority: 0 });
  await api.patch("/tasks/1", { queue: null, concurrency_key: "acme" });
  const { body } = await api.get<Task>("/tasks/1");
  expect(body).toMatchObject({ queue: null, concurrency_key: "acme", priority: null });
  await api.patch("/tasks/1", { concurrency_key: null });
  expect((await api.get<Task>("/tasks/1")).body.lane).toBeNull();
  await api.tickwork.worker.tick();
  expect(await statuses()).toEqual(["Completed"]);
});

test.each([
  [{ queue: "mail" }, "at least one of concurrency, rate, weight"],
  [{ concurrency: 1 }, "the request must name one of type, queue, concurrency_key, got none"],
  [
    { type: "note", queue: "mail", concurrency: 1 },
    "the request must name one of type, queue, concurrency_key, got type and queue",
  ],
  [{ type: 5, concurrency: 1 }, "type must be a string of 1 to 255 characters, got 5"],
  [{ queue: null, concurrency: 1 }, "queue must be a string of 1 to 255 characters, got null"],
  [
    { concurrency_key: {}, concurrency: 1 },
    "concurrency_key must be a string of 1 to 255 characters, got {}",
  ],
  [{ queue: "mail", rate: [] }, "rate must be starts and period_seconds, and perhaps burst, got []"],
  [[], "the body must be an object with type, queue, concurrency_key, concurrency, rate and weight, got []"],
  [{ queue: "mail", concurrency: 0 }, "concurrency must be a whole number from 1 to 100000, got 0"],
  [{ queue: "mail", concurrency: 1.5 }, "concurrency must be a whole number"],
  [{ queue: "k".repeat(10_000), concurrency: 1 }, "queue must be a string of 1 to 255 characters"],
  [{ concurrency_key: "", concurrency: 1 }, "concurrency_key must be a string of 1 to 255 characters"],
  [{ type: "nothing", concurrency: 1 }, "type must be one of"],
  [{ concurrency_key: "/x", concurrency: 1 }, "does not begin with / and is not *, or * for each"],
  [{ queue: "mail", rate: 5 }, "rate must be starts and period_seconds"],
  [{ queue: "mail", rate: { starts: 5 } }, "rate.period_seconds is missing"],
  [
    { queue: "mail", rate: { starts: 5, period_seconds: 1, x: 1 } },
    "rate.x is not known here; starts, period",
  ],
  [{ queue: "mail", rate: { starts: 0, period_seconds: 1 } }, "rate.starts must be a whole number from 1"],
  [
    { queue: "mail", rate: { starts: 5, period_seconds: 0 } },
    "rate.period_seconds must be seconds from 0.001",
  ],
  [
    { queue: "mail", rate: { starts: 5_000, period_seconds: 1, burst: true } },
    "rate.starts must be a whole number from 1 to 1000 with burst, got 5000",
  ],
  [{ queue: "mail", weight: 2 }, "weight must come with a concurrency_key that is a group"],
  [{ concurrency_key: "acme/7", weight: 2 }, "weight must come with a concurrency_key that is a group"],
  [{ concurrency_key: "acme", weight: 0 }, "weight must be a number from 0.001 to 1000, got 0"],
  [{ queue: "mail", concurency: 1 }, "is not known here"],
] as const)("the limit %o is refused", async (sent, message) => {
  const { status, body } = await api.put<ErrorBody>("/limits", sent);
  expect([status, body.error.message]).toEqual([422, expect.stringContaining(message)]);
  expect(body.error.issues).toHaveLength(1);
  expect((await api.get("/limits")).body).toEqual([]);
});

test.each([
  [{ priority: 101 }, "priority must be a whole number from -100 to 100, got 101"],
  [{ priority: 0.5 }, "priority must be a whole number from -100 to 100"],
  [{ queue: "" }, "queue must be a string of 1 to 255 characters"],
  [{ concurrency_key: "k".repeat(10_240) }, "concurrency_key must be a string of 1 to 255 characters"],
  [{ concurrency_key: "/7" }, "does not begin with / and is not *"],
  [{ concurrency_key: "*" }, "does not begin with / and is not *"],
] as const)("a task with %o is refused", async (sent, message) => {
  const { status, body } = await api.post<ErrorBody>("/tasks", { type: "note", ...sent });
  expect([status, body.error.message]).toEqual([422, expect.stringContaining(message)]);
  expect(await statuses()).toEqual([]);
});

test("a queue or a key is paused and resumed", async () => {
  await api.post("/tasks", [
    { type: "note", queue: "mail" },
    { type: "note", concurrency_key: "acme" },
    { type: "note", concurrency_key: "acme", queue: "mail" },
    { type: "note", concurrency_key: "other" },
  ]);
  await api.put("/pauses", { queue: "mail" });
  const { body } = await api.put("/pauses", { concurrency_key: "acme" });
  expect(body).toMatchObject({ concurrency_key: "acme", reason: null });
  await api.tickwork.worker.tick();
  expect(await statuses()).toEqual(["Not started", "Not started", "Not started", "Completed"]);
  expect((await api.get<Task>("/tasks/3")).body.paused).toHaveLength(2);
  await api.delete("/pauses?concurrency_key=acme");
  await api.tickwork.worker.tick();
  expect(await statuses()).toEqual(["Not started", "Completed", "Not started", "Completed"]);
  await api.delete("/pauses?queue=mail");
  await api.tickwork.worker.tick();
  expect(await statuses()).toEqual(["Completed", "Completed", "Completed", "Completed"]);
});
