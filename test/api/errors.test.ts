import { describe, expect, test } from "vitest";
import { createApp } from "#api";
import { createLogger } from "#core";
import { cursorOfPlace } from "../../packages/api/cursors.ts";
import { type Answer, apiBed, type ErrorBody, KEY } from "../support/bed/api.ts";
import { eventually } from "../support/eventually.ts";

const api = apiBed();
const { post, get, patch, put, call } = api;

type Case = [
  name: string,
  request: () => Promise<Answer<unknown>>,
  status: number,
  code: string,
  says: RegExp,
];

/** A request is rejected with its status, its code and a message that says what would be right, and changes nothing. */
const rejects = (cases: Case[]) =>
  test.each(cases)("%s", async (_, request, status, code, says) => {
    await api.tickwork.tasks.create([
      { type: "gated" },
      { type: "note" },
      { type: "note", scheduled_time: "2999-01-01T00:00:00Z" },
    ]);
    await api.bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where id = 2`);
    const ticking = api.tickwork.worker.tick();
    await eventually(() => api.starts[0]);
    const before = await api.bed.sql(`select * from "baasix_Tasks" order by id`);
    const answer = (await request()) as Answer<ErrorBody>;
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
    expect(answer.body.error.message).toMatch(says);
    if (status === 401) expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(await api.bed.sql(`select * from "baasix_Tasks" order by id`)).toEqual(before);
    api.starts[0]?.finish();
    await ticking;
  });

describe("requests that cannot be read, or lead nowhere", () => {
  const withKey = (authorization: string) =>
    call("GET", "/tasks", undefined, authorization ? { authorization } : { authorization: "" });
  rejects([
    ["malformed JSON", () => post("/tasks", '{"type": '), 400, "malformed_json", /^The body must be JSON: /],
    ["an empty body", () => post("/tasks", ""), 400, "malformed_json", /^The body must be JSON, got nothing/],
    ["a wrong key", () => withKey("Bearer nope"), 401, "key_wrong", /The key is wrong/],
    [
      "the key in capital letters",
      () => withKey(`Bearer ${KEY.toUpperCase()}`),
      401,
      "key_wrong",
      /The key is wrong/,
    ],
    ["another scheme", () => withKey(`Basic ${KEY}`), 401, "key_wrong", /Bearer/],
    ...["Idempotency-Key", "Tickwork-User"].flatMap((name) =>
      [0, 256].map(
        (length): Case => [
          `a header ${name} of ${length} characters`,
          () => post("/tasks", { type: "note" }, { [name]: "k".repeat(length) }),
          400,
          "malformed_request",
          new RegExp(`^${name} must have 1 to 255 characters, got ${length}$`),
        ],
      ),
    ),
    [
      "a header in Latin-1",
      () => post("/tasks", { type: "note" }, { "Tickwork-User": "J\xfcrgen" }),
      400,
      "malformed_request",
      /^Tickwork-User must be text in UTF-8$/,
    ],
    ["an unknown id", () => get("/tasks/99"), 404, "task_not_found", /^There is no task 99\.$/],
    ["a text as id", () => get("/tasks/first"), 404, "task_not_found", /^There is no task "first"\.$/],
    ["an id with SQL in it", () => get("/tasks/1%20or%201=1"), 404, "task_not_found", /There is no task/],
    ["an unknown route", () => get("/nowhere"), 404, "route_not_found", /^There is no GET \/nowhere;/],
    ["an unknown method", () => call("DELETE", "/tasks"), 404, "route_not_found", /DELETE \/tasks/],
    [
      "an unknown event",
      () => post("/hooks/baasix_Tasks/items.eaten.after", { data: { id: 1 } }),
      404,
      "unknown_event",
      /must be one of items.create.after, items.update.after, items.delete.after, got "items.eaten.after"/,
    ],
    [
      "more than 1,000 tasks",
      () => post("/tasks", Array(1_001).fill({ type: "note" })),
      413,
      "too_many_tasks",
      /^The array must have at most 1000 tasks, got 1001\.$/,
    ],
    [
      "more than 256 KB of task_data",
      () => post("/tasks", { type: "note", task_data: "x".repeat(262_143) }),
      413,
      "task_data_too_large",
      /^task_data must have at most 262144 bytes as JSON, got 262145\. Store the data elsewhere/,
    ],
    [
      "a body of more than 5 MB",
      () => post("/tasks", { type: "note", task_data: "x".repeat(5_300_000) }),
      413,
      "body_too_large",
      /^The body must have at most 5242880 bytes/,
    ],
  ]);

  test("no key", async () => {
    const response = await api.app.request("/tasks");
    expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(await response.json()).toMatchObject({
      error: { code: "key_missing", message: expect.stringContaining("Authorization: Bearer") },
    });
  });
});

describe("changes that the state of a task forbids", () => {
  rejects([
    [
      "retrying a running task",
      () => post("/tasks/1/retry"),
      409,
      "task_running",
      /^Task 1 must be "Error" or "Completed" to be retried, got "Running"\.$/,
    ],
    ["deleting a running task", () => api.delete("/tasks/1"), 409, "task_running", /to be deleted, got "Run/],
    [
      "changing a running task",
      () => patch("/tasks/1", { task_data: 1 }),
      409,
      "task_running",
      /^Task 1 must be "Not started" to be changed/,
    ],
    [
      "changing a finished task",
      () => patch("/tasks/2", { task_data: 1 }),
      409,
      "task_finished",
      /^Task 2 .*, got "Completed"/,
    ],
    ["cancelling a finished task", () => post("/tasks/2/cancel"), 409, "task_finished", /to be cancelled/],
    ["retrying a waiting task", () => post("/tasks/3/retry"), 409, "task_waiting", /got "Not started"/],
  ]);
});

describe("values that are not acceptable", () => {
  const task = (fields: object) => () => post("/tasks", { type: "note", ...fields });
  const invalid = (name: string, request: () => Promise<Answer<unknown>>, says: RegExp): Case => [
    name,
    request,
    422,
    "invalid_request",
    says,
  ];
  rejects([
    [
      "an unknown type",
      task({ type: "nothing" }),
      422,
      "unknown_type",
      /^type must be one that has a handler \("http_request", "cleanup", .*\), got "nothing"$/,
    ],
    invalid(
      "an unknown field",
      task({ when: 1 }),
      /^when is not a field that can be set; these can: type, sch/,
    ),
    invalid("a number as task", () => post("/tasks", "7"), /^the task must be an object with a type, got 7$/),
    invalid("null as task", () => post("/tasks", "null"), /^the task must be an object .*, got null$/),
    invalid("no type", () => post("/tasks", {}), /^type is missing$/),
    invalid("a number as type", task({ type: 5 }), /^type must be a string of 1 to 255 characters, got 5$/),
    invalid(
      "a word as time",
      task({ scheduled_time: "tomorrow" }),
      /^scheduled_time must be an ISO 8601 time with its zone, .*, got "tomorrow"$/,
    ),
    invalid("a day that no calendar has", task({ scheduled_time: "2026-02-30T00:00:00Z" }), /2026-02-30/),
    invalid("a time without zone", task({ scheduled_time: "2026-02-20T00:00:00" }), /with its zone/),
    invalid(
      "bad data",
      task({ type: "http_request", task_data: { url: "ftp://x" } }),
      /^task_data\.url must/,
    ),
    invalid(
      "one bad task among good ones",
      () => post("/tasks", [{ type: "note" }, { type: "note", max_attempts: 0 }]),
      /^\[1\]\.max_attempts must be a whole number from 1 to 1000, got 0$/,
    ),
    invalid("an empty array", () => post("/tasks", []), /^the array must have 1 to 1000 tasks, got none$/),
    invalid(
      "an unknown status",
      () => get("/tasks?status=done"),
      /^status must be one of "Not started", "Running", "Completed", "Error", got "done"$/,
    ),
    invalid(
      "a large limit",
      () => get("/tasks?limit=1000"),
      /^limit must be a whole number from 1 to 200, got/,
    ),
    invalid(
      "a made-up cursor",
      () => get("/tasks?cursor=abc"),
      /^cursor must be a next_cursor of .*, got "abc"/,
    ),
    invalid(
      "a sort that is not known",
      () => get("/tasks?sort=priority"),
      /^sort must be one of "-created", "created", "due", .*, got "priority"$/,
    ),
    invalid(
      "a sort that tasks of the status cannot have",
      () => get("/tasks?status=Error&sort=due"),
      /^sort must be one of "-created", "created", "-finished", "finished" where the status is "Error", got "due"; /,
    ),
    invalid(
      "the cursor of another sort",
      () => get(`/tasks?sort=created&cursor=${cursorOfPlace("-created", { id: 7 })}`),
      /^cursor must be a next_cursor of a list with the same sort/,
    ),
    invalid(
      "a made-up cursor with a time that there is not",
      () =>
        get(
          `/tasks?status=Error&sort=finished&cursor=${cursorOfPlace("finished", { id: 7, at: "2026-13-99" })}`,
        ),
      /date\/time field value out of range: "2026-13-99"/,
    ),
    invalid("a zero byte in a filter", () => get("/tasks?type=%00"), /^type must be text without U\+0000/),
    invalid(
      "an unknown filter",
      () => get("/tasks?state=x"),
      /^state is not known here; status, type, queue, .*text, /,
    ),
    invalid(
      "a filter that is given twice",
      () => get("/tasks?status=Error&status=Completed"),
      /^status must be given once, got "Error and Completed"$/,
    ),
    invalid(
      "no changes",
      () => patch("/tasks/3", {}),
      /^the changes must have at least one of type, .*, got none/,
    ),
    invalid(
      "a new status",
      () => patch("/tasks/3", { task_status: "Error" }),
      /^task_status is not a field that/,
    ),
    invalid("a type whose data it lacks", () => patch("/tasks/3", { type: "http_request" }), /^task_data/),
    invalid(
      "a text as running flag",
      () => put("/tasks/running", { isRunning: "yes" }),
      /^isRunning must be true or false, got "yes"$/,
    ),
    invalid(
      "a number as body",
      () => put("/tasks/running", "7"),
      /^the body must be an object with isRunning/,
    ),
    invalid("no running flag", () => put("/tasks/running", {}), /^isRunning is missing$/),
    invalid(
      "a hook without data",
      () => post("/hooks/baasix_Tasks/items.create.after", {}),
      /^data is missing$/,
    ),
    ...["x", "1e3", "01", 0, 1.5, true, [1], {}, { toString: 1 }].map((id) =>
      invalid(
        `a hook for the id ${JSON.stringify(id)}`,
        () => post("/hooks/baasix_Tasks/items.create.after", { data: { id } }),
        /^data\.id must be the id of a task, got /,
      ),
    ),
  ]);
});

test("what a database says about itself stays in the log", async () => {
  api.bed.faults.postgres = () => {
    throw new Error("password authentication failed for user secret");
  };
  const { status, body, headers } = await get<ErrorBody>("/tasks");
  expect([status, body.error.code, headers.get("retry-after")]).toEqual([503, "postgres_unavailable", "5"]);
  expect(body.error.message).not.toContain("secret");
});

test("a defect is a 500 that says nothing, with its stack in the log", async () => {
  const lines: string[] = [];
  const log = createLogger({ level: "error", write: (line) => lines.push(line) });
  const tasks = { ...api.tickwork.tasks, page: () => Promise.reject(new TypeError("a secret")) };
  const app = createApp({ ...api.tickwork, tasks, log, config: { apiKey: KEY } });
  const response = await app.request("/tasks", { headers: { authorization: `Bearer ${KEY}` } });
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({
    error: { code: "internal", message: "Something went wrong here; the log says what." },
  });
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    code: "internal",
    error: "a secret",
    cause: { name: "TypeError", stack: expect.stringContaining("errors.test.ts") },
  });
});

test("without an API key there is no API", () => {
  expect(() => createApp({ ...api.tickwork, config: { apiKey: undefined } })).toThrow("API_KEY must be");
});
