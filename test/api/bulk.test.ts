/** Operations on many tasks over HTTP: what is asked, what it does, and what is refused. */
import { expect, test } from "vitest";
import type { AuditEntry, BulkCount, Task } from "#core";
import { apiBed, type ErrorBody } from "../support/bed/api.ts";

const api = apiBed();

/** Rows in a status, as they are after one attempt. Nothing here runs `other`. */
const fill = async (count: number, status: string, type = "other") => {
  await api.bed.sql(
    `insert into "baasix_Tasks" (type, task_status, scheduled_time, attempts, task_data)
      select $2, $3, now() + interval '1 hour', 1, json_build_object('n', n) from generate_series(1, $1::int) n`,
    [count, type, status],
  );
};

const count = async (condition: string) => {
  const [row] = await api.bed.sql<{ count: string }>(
    `select count(*) as count from "baasix_Tasks" where type <> 'tickwork_bulk' and ${condition}`,
  );
  return Number(row?.count);
};

/** Asks for it, has it done, and answers its task. */
async function bulk(request: object): Promise<Task> {
  const { status, body } = await api.post<Task>("/tasks/bulk", request, { "Tickwork-User": "ada" });
  expect([status, body.task_status]).toEqual([202, "Not started"]);
  await api.tickwork.worker.tick();
  const { body: ended } = await api.get<Task>(`/tasks/${body.id}`);
  expect(ended).toMatchObject({ task_status: "Completed", error_data: null });
  return ended;
}

test("a dry run counts and changes nothing; the run retries those, and notes who asked", async () => {
  await fill(30, "Error");
  await fill(5, "Error", "note");
  const request = { action: "retry", filter: { type: "other", dead: true } };
  const dry = await api.post<BulkCount>("/tasks/bulk", { ...request, dry_run: true });
  expect([dry.status, dry.body]).toEqual([200, { count: 30, exact: true }]);
  expect(await count("task_status = 'Error'")).toBe(35);
  const task = await bulk(request);
  expect(task.result_data).toEqual({ action: "retry", matched: 30, changed: 30, skipped: 0 });
  expect(await count(`task_status = 'Not started' and type = 'other' and "userUpdated_Id" = 'ada'`)).toBe(30);
  expect(await count("task_status = 'Error' and type = 'note'")).toBe(5);
  const { body } = await api.get<{ entries: AuditEntry[] }>("/audit");
  expect(body.entries[0]).toMatchObject({
    action: "bulk_asked",
    subject: `${task.id} retry {"type":"other","dead":true}`,
    user_id: "ada",
  });
});

test("cancels, reschedules and deletes; an empty filter takes all with confirm", async () => {
  await fill(4, "Not started");
  await fill(3, "Completed");
  const at = "2027-01-01T00:00:00.000Z";
  const moved = await bulk({ action: "reschedule", filter: {}, scheduled_time: at, confirm: true });
  expect(moved.result_data).toMatchObject({ matched: 4, changed: 4 });
  expect(await count(`scheduled_time = '${at}'`)).toBe(4);
  await bulk({ action: "cancel", filter: { scheduled_from: at } });
  expect(await count("error_data->>'code' = 'cancelled'")).toBe(4);
  const deleted = await bulk({ action: "delete", filter: {}, confirm: true });
  // Those that it did before were tasks, too.
  expect(deleted.result_data).toMatchObject({ matched: 9, changed: 9 });
  expect(await count("true")).toBe(0);
});

test.each(["cancel", "delete"])(
  "a %s of all leaves its own task out, as its dry run does",
  async (action) => {
    await fill(2, "Not started");
    const request = { action, filter: {}, confirm: true };
    const counted = await api.post<{ count: number }>("/tasks/bulk", { ...request, dry_run: true });
    expect(counted.body).toEqual({ count: 2, exact: true });
    const { body } = await api.post("/tasks/bulk", request);
    await api.tickwork.worker.tick();
    const { result_data } = (await api.get<Task>(`/tasks/${body.id}`)).body;
    expect(result_data).toEqual({ action, matched: 2, changed: 2, skipped: 0 });
  },
);

const FIELDS =
  "status, type, queue, concurrency_key, text, dead, waiting_for_code, created_from, created_to, scheduled_from, scheduled_to";

test.each<[object | string, string, string]>([
  [
    { action: "retry", filter: {} },
    "confirm",
    `must be true, for the filter takes all tasks; or give it some of ${FIELDS}`,
  ],
  [
    { action: "delete", filter: { status: "Completed" } },
    "confirm",
    "must be true, for the filter takes all tasks with this status; or give it some of",
  ],
  [{ action: "delete", filter: {}, confirm: false }, "confirm", "must be true"],
  [{ action: "retry", filter: { tipe: "note" } }, "filter.tipe", `is not known here; ${FIELDS} can be given`],
  [{ action: "retry" }, "filter", "is missing"],
  [{ action: "retry", filter: [] }, "filter", "must be an object with some of"],
  [
    { action: "restart", filter: { type: "note" } },
    "action",
    'must be one of "retry", "cancel", "delete", "reschedule", got "restart"',
  ],
  [
    { action: "retry", filter: { status: "Failed" } },
    "filter.status",
    'must be one of "Not started", "Running", "Completed", "Error", got "Failed"',
  ],
  [
    { action: "retry", filter: { status: "Running" } },
    "filter.status",
    'means tasks that are "Running"; retry takes those that are "Error" or "Completed"',
  ],
  [{ action: "delete", filter: { status: "Running" } }, "filter.status", 'means tasks that are "Running"'],
  [{ action: "cancel", filter: { dead: true } }, "filter.dead", 'means tasks that are "Error"; cancel takes'],
  [{ action: "retry", filter: { dead: false } }, "filter.dead", "must be true, got false"],
  [
    { action: "retry", filter: { dead: true, status: "Completed" } },
    "filter.status",
    'must be "Error" or absent, got "Completed"',
  ],
  [
    { action: "retry", filter: { created_from: "yesterday" } },
    "filter.created_from",
    "must be an ISO 8601 time",
  ],
  [
    { action: "retry", filter: { created_from: "2026-11-24T09:00:00Z", created_to: "2026-11-24T09:00:00Z" } },
    "filter.created_to",
    "must be later than created_from, 2026-11-24T09:00:00.000Z",
  ],
  [{ action: "reschedule", filter: { type: "note" } }, "scheduled_time", "is missing"],
  [
    { action: "retry", filter: { type: "note" }, scheduled_time: "2026-11-24T09:00:00Z" },
    "scheduled_time",
    "must be absent",
  ],
  [
    { action: "retry", filter: { type: "note" }, limit: 5 },
    "limit",
    "is not known here; action, filter, scheduled_time, confirm, dry_run can be given",
  ],
  ["[]", "", "the body must be an object"],
])("%o is refused", async (sent, path, message) => {
  await fill(2, "Error");
  const { status, body } = await api.post<ErrorBody>("/tasks/bulk", sent);
  expect([status, body.error]).toEqual([422, expect.objectContaining({ code: "invalid_request" })]);
  expect(body.error.issues).toEqual([{ path, message: expect.stringContaining(message) }]);
  expect(await api.bed.sql(`select task_status from "baasix_Tasks"`)).toEqual(
    Array.from({ length: 2 }, () => ({ task_status: "Error" })),
  );
});
