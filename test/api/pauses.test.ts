/** Pausing over HTTP, by the client and by the command line. */
import { expect, test } from "vitest";
import type { Pause, Task } from "#core";
import { apiBed, type ErrorBody } from "../support/bed/api.ts";

const api = apiBed();

test("a type is paused, says so, and is resumed", async () => {
  await api.post("/tasks", { type: "note" });
  const { status, body } = await api.put<Pause>("/pauses", { type: "note", reason: "a test" });
  expect([status, body]).toEqual([
    200,
    { type: "note", reason: "a test", created_at: expect.stringMatching(/Z$/), created_by: "API_KEY" },
  ]);
  expect((await api.get("/pauses")).body).toEqual([body]);
  expect((await api.get("/tasks/stats")).body).toMatchObject({ paused: [body] });
  // Who has paused it, whose tasks and why is not for those who have no key.
  const { created_by: _, ...known } = body;
  await api.put("/pauses", { concurrency_key: "acme", reason: "has not paid" });
  const health = await api.get<{ stats: { paused: Pause[] } }>("/health/tasks");
  expect(health.body.stats.paused).toEqual([{ ...known, reason: null }]);
  await api.delete("/pauses?concurrency_key=acme");
  expect((await api.get<Task>("/tasks/1")).body.paused).toEqual([body]);
  await api.tickwork.worker.tick();
  expect((await api.get<Task>("/tasks/1")).body.task_status).toBe("Not started");
  expect((await api.delete("/pauses?type=note")).body).toEqual({ resumed: true });
  expect((await api.delete("/pauses?type=note")).body).toEqual({ resumed: false });
  await api.tickwork.worker.tick();
  expect((await api.get<Task>("/tasks/1")).body.task_status).toBe("Completed");
});

test.each([
  ["put", "/pauses", {}, "must be an object with one of all, type"],
  ["put", "/pauses", { type: "note", all: true }, "must be an object with one of"],
  [
    "put",
    "/pauses",
    { all: false },
    'must be an object with one of all, type, queue, concurrency_key, of which all is true, and perhaps a reason, got {"all":false}',
  ],
  ["put", "/pauses", { type: "nothing" }, "type must be one of"],
  [
    "put",
    "/pauses",
    { concurrency_key: "*" },
    "concurrency_key must be a string of 1 to 255 characters that",
  ],
  ["put", "/pauses", { concurrency_key: "/x" }, "does not begin with / and is not *"],
  ["put", "/pauses", { type: "note", reason: "r".repeat(1_001) }, "reason must be"],
  ["put", "/pauses", { tipe: "note" }, "must be an object with one of"],
  ["put", "/pauses", [], "must be an object with one of"],
  ["put", "/pauses", '"note"', "must be an object"],
  ["delete", "/pauses", undefined, "must name one of"],
  ["delete", "/pauses?all=false", undefined, "all must be true"],
  ["delete", `/pauses?type=${"t".repeat(300)}`, undefined, "type must be"],
] as const)("%s %s %o is refused", async (method, path, sent, message) => {
  const { status, body } = await (method === "put"
    ? api.put<ErrorBody>(path, sent)
    : api.delete<ErrorBody>(path));
  expect([status, body.error.message]).toEqual([422, expect.stringContaining(message)]);
  expect((await api.get("/pauses")).body).toEqual([]);
});
