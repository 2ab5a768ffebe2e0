/** Whatever is sent: it is kept as it was sent, or refused with a 4xx that says where and why. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Task } from "#core";
import { readJson } from "../../packages/api/read-json.ts";
import { BODY_NESTS_LIMIT, ISSUES_LIMIT, JSON_DEPTH_LIMIT } from "../../packages/core/limits.ts";
import { apiBed, type ErrorBody } from "../support/bed/api.ts";

const api = apiBed();
const { call, post } = api;

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const withData = (data: string) => `{"type": "note", "task_data": ${data}}`;

describe("JSON that would be stored as something else is refused, with its path", () => {
  test.each([
    ["a number beyond all doubles", withData('{"a": [1, 1e999]}'), "task_data.a.1"],
    ["a number below all doubles", withData('{"a": 1e-999}'), "task_data.a"],
    [
      "an integer that no double holds",
      `[${withData("1")}, ${withData('{"a": 9007199254740993}')}]`,
      "[1].task_data.a",
    ],
    ["an integer of thirty digits", withData(`{"a": ${"9".repeat(30)}}`), "task_data.a"],
    ["a name that comes twice", withData('{"x": {"a": 1, "b": 2, "a": 3}}'), "task_data.x.a"],
    ["a name that comes twice, once escaped", withData('{"a": 1, "\\u0061": 3}'), "task_data.a"],
    ["a field that comes twice", '{"type": "note", "type": "gated"}', "type"],
    ["__proto__ twice", withData('{"__proto__": 1, "__proto__": 2}'), "task_data.__proto__"],
    ["too many levels to look at", nested(1_000_000), /^\[0\](\.0)+/],
    [
      "more objects than are parsed in time",
      withData(`[${"{},".repeat(BODY_NESTS_LIMIT)}{}]`),
      /^task_data\.\d/,
    ],
  ])("%s", async (_, body, path) => {
    for (const [method, route] of [
      ["POST", "/tasks"],
      ["PUT", "/tasks/running"],
    ] as const) {
      const answer = await call(method, route, body);
      expect([answer.status, answer.body.error.code]).toEqual([400, "malformed_json"]);
      expect(answer.body.error.issues?.[0]?.path).toMatch(path);
    }
    expect(await api.bed.sql(`select from "baasix_Tasks"`)).toEqual([]);
  });

  test.each([
    [
      "in a value",
      ['{"type": "note", "task_data": {"\u20ac": [1, "a\ufffd', [0xff], '"]}}'],
      "task_data.\u20ac.1",
    ],
    ["where a character is cut off", ['\ufeff[{"type": "', [0xe2, 0x82]], "[0].type"],
  ])("bytes that are not UTF-8, %s", async (_, parts, path) => {
    const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
    const response = await api.app.request("/tasks", {
      method: "POST",
      body,
      headers: { authorization: "Bearer the-key-of-the-test" },
    });
    const { error } = (await response.json()) as ErrorBody;
    expect([response.status, error.code]).toEqual([400, "malformed_json"]);
    expect(error.issues).toEqual([{ path, message: "must be text in UTF-8" }]);
  });
});

describe("what Postgres cannot keep is refused, with its path", () => {
  test.each([
    ["a zero character", { a: ["x", "\0"] }, "task_data.a.1"],
    ["half a surrogate pair", { a: "\ud800" }, "task_data.a"],
    ["a zero character in a name", { a: { "\0": 1 } }, "task_data.a.\0"],
    ["too many levels", JSON.parse(nested(JSON_DEPTH_LIMIT + 1)), /^task_data(\.0)+$/],
  ])("%s", async (_, task_data, path) => {
    for (const [body, at] of [
      [{ type: "note", task_data }, ""],
      [[{ type: "note" }, { type: "note", task_data }], "[1]."],
    ] as const) {
      const { status, body: answer } = await post<ErrorBody>("/tasks", body);
      expect([status, answer.error.code, answer.error.issues?.length]).toEqual([422, "invalid_request", 1]);
      expect(answer.error.issues?.[0]?.path.slice(at.length)).toMatch(path);
      expect(answer.error.issues?.[0]?.path.startsWith(at)).toBe(true);
    }
  });

  test.each(["type", "attachment_id"])("a zero character in %s", async (field) => {
    const { status, body } = await post<ErrorBody>("/tasks", { type: "note", [field]: "a\0" });
    expect([status, body.error.issues?.map(({ path }) => path)]).toEqual([422, [field]]);
  });
});

test("a body that breaks off is the client's affair, not a defect", async () => {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from('{"type": "no')),
    pull: (controller) => controller.error(new Error("aborted")),
  });
  const response = await api.app.request("/tasks", {
    method: "POST",
    headers: { authorization: "Bearer the-key-of-the-test" },
    body,
    duplex: "half",
  } as RequestInit);
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { error: { code: "malformed_request" } },
  ]);
});

test("what is stored is what was sent, whatever the names", async () => {
  for (const data of [
    '{"__proto__":{"a":1},"constructor":2,"toString":[],"":null,"a.b":"\\u00e9\\ud83d\\ude00"}',
    `[9007199254740991,-9007199254740991,100000000000000000000,1.7976931348623157e308,5e-324,0.1,3.141592653589793]`,
    nested(JSON_DEPTH_LIMIT),
  ]) {
    const { status, body } = await post("/tasks", withData(data));
    expect(status).toBe(201);
    expect((await api.get<Task>(`/tasks/${body.id}`)).body.task_data).toEqual(JSON.parse(data));
    const [row] = await api.bed.sql<{ task_data: unknown }>(
      `select task_data from "baasix_Tasks" where id = ${body.id}`,
    );
    expect(JSON.parse(String(row?.task_data))).toEqual(JSON.parse(data));
  }
});

test("any JSON is read as JSON.parse reads it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.json({ maxDepth: 5 }), async (text) => {
      const request = new Request("http://localhost", { method: "POST", body: text });
      expect(await readJson(request)).toEqual(JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

const strange = fc.constantFrom(
  ...["toString", "__proto__", "constructor", "length", "type", "task_data", "url", "headers", "data", "id"],
);
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(null, true, 0, -1, 1e308, "", "\0", "\ud800", "note", "http_request", "cleanup"),
    fc.string({ unit: "binary", maxLength: 10 }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(strange, tie("value"), { maxKeys: 4 }),
  ),
})).value;

test("no input makes an answer of 500 or above", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(
        ["POST", "/tasks"],
        ["PATCH", "/tasks/1"],
        ["PUT", "/tasks/running"],
        ["POST", "/hooks/baasix_Tasks/items.create.after"],
        ["POST", "/hooks/x/items.update.after"],
      ),
      anything,
      fc.constantFrom("bare", "as data", "as id", "as type", "as http_request"),
      async ([method = "", path = ""], value, how) => {
        const body = {
          bare: value,
          "as data": { type: "note", task_data: value },
          "as id": { data: { id: value } },
          "as type": [{ type: "note" }, { type: value }],
          "as http_request": {
            type: "http_request",
            task_data: { url: "http://example.com", headers: value },
          },
        }[how];
        const answer = await call(method, path, JSON.stringify(body));
        expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500);
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  ...[
    "/tasks/%00",
    "/tasks/%ff",
    "/tasks/%E0%A4%A",
    "/tasks/..%2f",
    `/tasks/${"9".repeat(400)}`,
    "/tasks/1e3",
  ],
  ...["/tasks?limit=%00", "/tasks?cursor=%00", "/tasks?cursor=____", "/tasks?status=%00", "/tasks?type=%00"],
  ...["/tasks?__proto__=1", "/tasks?type[]=1", `/tasks?type=${"x".repeat(5_000)}`, "/tasks?type=%ff%ff"],
  ...["//", "/%", "/%00", "/hooks/%00/items.create.after", "/hooks/x/%00", "/hooks/x/toString"],
])("no path makes an answer of 500 or above: %s", async (path) => {
  for (const method of ["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"])
    expect(
      (await call(method, path, method === "GET" ? undefined : { data: { id: 1 } })).status,
    ).toBeLessThan(500);
});

describe("a rule of the table that a value breaks is named, and is the caller's fault", () => {
  test.each([
    [
      "foreign key (attachment_id) references files (id)",
      /^attachment_id is refused by Postgres \(constraint a_rule\): .*not present in table "files"/,
    ],
    [
      "unique (attachment_id)",
      /^attachment_id is refused by Postgres \(constraint a_rule\): .*already exists/,
    ],
    [
      "check (attachment_id <> 'b')",
      /^Postgres refuses this \(constraint a_rule\): .*check constraint "a_rule"/,
    ],
  ])("%s", async (rule, says) => {
    await api.bed.sql(`create table files (id varchar(255) primary key)`);
    await api.bed.sql(`insert into files values ('a')`);
    await api.bed.sql(`alter table "baasix_Tasks" add constraint a_rule ${rule}`);
    try {
      const task = { type: "note", attachment_id: "a", scheduled_time: "2999-01-01T00:00:00Z" };
      expect((await post("/tasks", task)).status).toBe(201);
      expect((await post("/tasks", { type: "note" })).status).toBe(201);
      const attachment_id = rule.startsWith("unique") ? "a" : "b";
      for (const refused of [
        () => post<ErrorBody>("/tasks", { ...task, attachment_id }),
        () => post<ErrorBody>("/tasks", { ...task, attachment_id }, { "idempotency-key": "k" }),
        () => api.patch("/tasks/2", { attachment_id }),
      ]) {
        const { status, body } = await refused();
        expect([status, body.error.code]).toEqual([422, "invalid_request"]);
        expect(body.error.message).toMatch(says);
      }
    } finally {
      await api.bed.sql(`alter table "baasix_Tasks" drop constraint a_rule`);
      await api.bed.sql(`drop table files`);
    }
  });
});

test("a task that another table refers to cannot be deleted, and the answer names the rule", async () => {
  await post("/tasks", { type: "note" });
  await api.bed.sql(`create table notes (task bigint constraint its_task references "baasix_Tasks")`);
  await api.bed.sql(`insert into notes values (1)`);
  try {
    expect(await api.delete("/tasks/1")).toMatchObject({
      status: 422,
      body: { error: { code: "invalid_request", message: expect.stringContaining("constraint its_task") } },
    });
  } finally {
    await api.bed.sql(`drop table notes`);
  }
});

describe("many issues", () => {
  test("of many tasks: the first are told, and how many more there are", async () => {
    const tasks = Array.from({ length: 1_000 }, (_, n) => (n % 2 ? { type: "note" } : { type: 7 }));
    const { status, body } = await post<ErrorBody>("/tasks", tasks);
    expect([status, body.error.issues?.length]).toEqual([422, ISSUES_LIMIT]);
    expect(body.error.issues?.at(-1)?.path).toBe("[38].type");
    expect(body.error.message).toMatch(/; and at least 480 more$/);
  });

  test("of one value after the other: the same, and the rest is not looked at", async () => {
    const headers = Object.fromEntries(Array.from({ length: 90 }, (_, n) => [`a${n}`, 1]));
    const task = { type: "http_request", task_data: { url: "http://x", headers } };
    const one = await post<ErrorBody>("/tasks", task);
    expect(one.body.error.message).toMatch(/; and 70 more$/);
    const many = await post<ErrorBody>("/tasks", Array(1_000).fill(task));
    expect(many.body.error.message).toMatch(/; and at least 70 more$/);
    expect(JSON.stringify(many.body).length).toBeLessThan(10_000);
  });

  test("long names are cut", async () => {
    const { status, body } = await post<ErrorBody>("/tasks", { ["x".repeat(100_000)]: 1 });
    expect(status).toBe(422);
    expect(JSON.stringify(body).length).toBeLessThan(3_000);
  });

  test("more than 1,000 tasks are refused before any is looked at", async () => {
    const { status, body } = await post<ErrorBody>("/tasks", Array(131_000).fill({ type: 7 }));
    expect([status, body.error.code, body.error.issues]).toEqual([413, "too_many_tasks", undefined]);
  });
});
