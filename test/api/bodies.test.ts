/** A list is no object: each request that must be one says so, with what it got. */
import { expect, test } from "vitest";
import { apiBed, type ErrorBody } from "../support/bed/api.ts";

const api = apiBed();

test.each([
  ["POST", "/tasks/bulk", "the body must be an object with action, filter, scheduled_time, confirm, dry_run"],
  [
    "PUT",
    "/pauses",
    "the body must be an object with one of all, type, queue, concurrency_key, and a reason",
  ],
  [
    "PUT",
    "/limits",
    "the body must be an object with type, queue, concurrency_key, concurrency, rate and weight",
  ],
  [
    "PUT",
    "/schedules/nightly",
    "the schedule must be an object with cron, every_seconds, time_zone, type, task_data, catch_up, overlap, paused",
  ],
  ["PUT", "/tasks/running", "the body must be an object with isRunning"],
  ["PATCH", "/tasks/1", "the changes must be an object with some of type, scheduled_time, "],
  ["POST", "/hooks/orders/items.create.after", "the body must be an object with the item in data"],
  ["POST", "/keys", "the body must be an object with name and scopes"],
  ["POST", "/session", "the body must be an object with key"],
])("%s %s takes no list", async (method, path, message) => {
  await api.tickwork.tasks.create([{ type: "note" }]);
  const sent = [{ type: "note" }];
  const { status, body } = await api.call<ErrorBody>(method, path, sent);
  expect([status, body.error.code]).toEqual([422, "invalid_request"]);
  expect(body.error.issues).toEqual([{ path: "", message: body.error.message }]);
  expect(body.error.message.startsWith(message), body.error.message).toBe(true);
  expect(body.error.message.endsWith(', got [{"type":"note"}]'), body.error.message).toBe(true);
});

test.each([
  ["POST", "/tasks", [[]], "the task must be an object with a type, got []"],
  ["POST", "/tasks", [{ type: "note" }, []], "[1]: the task must be an object with a type, got []"],
  ["POST", "/tasks/bulk", { action: "retry", filter: [] }, /^filter must be an object with .*, got \[\]$/],
  ["POST", "/hooks/orders/items.create.after", { data: [] }, "data must be an object: the item, got []"],
])("%s %s with %j inside takes no list either", async (method, path, sent, message) => {
  const { status, body } = await api.call<ErrorBody>(method, path, sent);
  expect(status).toBe(422);
  expect(body.error.message).toMatch(message);
});
