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
  ["put", "/pauses", {}, "the request must name one of all, type, queue, concurrency_key, got none"],
  [
    "put",
    "/pauses",
    { reason: "a test" },
    "the request must name one of all, type, queue, concurrency_key, got none",
  ],
  [
    "put",
    "/pauses",
    { type: "note", all: true },
    "the request must name one of all, type, queue, concurrency_key, got all and type",
  ],
  ["put", "/pauses", { all: false }, "all must be true, got false"],
  ["put", "/pauses", { all: "yes" }, 'all must be true, got "yes"'],
  ["put", "/pauses", { type: 5 }, "type must be a string of 1 to 255 characters, got 5"],
  ["put", "/pauses", { type: null }, "type must be a string of 1 to 255 characters, got null"],
  ["put", "/pauses", { queue: ["mail"] }, 'queue must be a string of 1 to 255 characters, got ["mail"]'],
  [
    "put",
    "/pauses",
    { concurrency_key: 5 },
    "concurrency_key must be a string of 1 to 255 characters, got 5",
  ],
  ["put", "/pauses", { type: "note", reason: 5 }, "reason must be a string of 1 to 1000 characters, got 5"],
  ["put", "/pauses", { type: "nothing" }, "type must be one of"],
  [
    "put",
    "/pauses",
    { concurrency_key: "*" },
    "concurrency_key must be a string of 1 to 255 characters that",
  ],
  ["put", "/pauses", { concurrency_key: "/x" }, "does not begin with / and is not *"],
  ["put", "/pauses", { type: "note", reason: "r".repeat(1_001) }, "reason must be"],
  [
    "put",
    "/pauses",
    { tipe: "note" },
    "tipe is not known here; one of all, type, queue, concurrency_key, and a reason can be given",
  ],
  [
    "put",
    "/pauses",
    [],
    "the body must be an object with one of all, type, queue, concurrency_key, and a reason, got []",
  ],
  ["put", "/pauses", '"note"', "must be an object"],
  [
    "delete",
    "/pauses",
    undefined,
    "the request must name one of all, type, queue, concurrency_key, got none",
  ],
  [
    "delete",
    "/pauses?type=note&all=true",
    undefined,
    "the request must name one of all, type, queue, concurrency_key, got all and type",
  ],
  ["delete", "/pauses?all=false", undefined, "all must be true"],
  ["delete", `/pauses?type=${"t".repeat(300)}`, undefined, "type must be"],
] as const)("%s %s %o is refused", async (method, path, sent, message) => {
  const { status, body } = await (method === "put"
    ? api.put<ErrorBody>(path, sent)
    : api.delete<ErrorBody>(path));
  expect([status, body.error.message]).toEqual([422, expect.stringContaining(message)]);
  expect((await api.get("/pauses")).body).toEqual([]);
});
