import * as v from "valibot";
import { describe, expect, test } from "vitest";
import type { Overview, Task, TypeInfo } from "#core";
import { jsonSchemaOf } from "../../packages/api/openapi/json-schema.ts";
import { apiBed, type ErrorBody } from "../support/bed/api.ts";

const api = apiBed();

test("the overview, the types and a type are answered", async () => {
  await api.post("/tasks", [{ type: "note" }, { type: "note", scheduled_time: "2999-01-01T00:00:00Z" }]);
  await api.tickwork.worker.tick();
  const { body } = await api.get<Overview>("/tasks/overview?minutes=60");
  expect([body.counts["Not started"], body.counts.Completed]).toEqual([
    { count: 1, exact: true },
    { count: 1, exact: true },
  ]);
  const page = await api.get<{ types: TypeInfo[]; next: string | null }>("/types?limit=2");
  expect([page.body.types.length, page.body.next]).toEqual([2, page.body.types.at(-1)?.type]);
  const last = await api.get<{ next: string | null }>("/types");
  expect(last.body.next).toBeNull();
  expect((await api.get("/types/http_request")).body).toMatchObject({
    type: "http_request",
    runs: "here",
    schema: { type: "object", properties: { url: { type: "string" } }, required: ["url"] },
  });
  expect((await api.get("/types/a%2Fb")).body).toMatchObject({ type: "a/b", runs: "nowhere", schema: null });
});

test("a type that no task can have is refused", async () => {
  expect(await api.get("/types/a%00")).toMatchObject({
    status: 422,
    body: { error: { code: "invalid_request" } },
  });
});

test("a search is a filter of the list, whose pages go on", async () => {
  await api.post("/tasks", [
    { type: "note", task_data: { name: "Ada" } },
    { type: "note", task_data: { name: "Grace" } },
    { type: "note", task_data: { name: "ada" } },
  ]);
  const first = await api.get<{ tasks: Task[]; next_cursor: string }>("/tasks?text=ADA&limit=1");
  expect(first.body.tasks.map(({ id }) => id)).toEqual([3]);
  const second = await api.get(`/tasks?text=ADA&limit=1&cursor=${first.body.next_cursor}`);
  expect(second.body).toMatchObject({ tasks: [{ id: 1 }], next_cursor: null });
});

test.each([
  ["/tasks/overview?minutes=0", "minutes"],
  ["/tasks/overview?minutes=1441", "minutes"],
  ["/tasks/overview?hours=1", "hours"],
  ["/types?limit=101", "limit"],
  ["/types?after=%00", "after"],
  ["/tasks?text=", "text"],
  [`/tasks?text=${"a".repeat(256)}`, "text"],
])("%s is refused", async (path, field) => {
  const { status, body } = await api.get<ErrorBody>(path);
  expect([status, body.error.issues?.[0]?.path]).toEqual([422, field]);
});

describe("a schema becomes JSON Schema", () => {
  test("if it is Valibot's, also where that cannot be said in full", () => {
    const schema = v.object({
      to: v.pipe(
        v.string(),
        v.check(() => true),
      ),
      at: v.optional(v.date()),
    });
    expect(jsonSchemaOf(schema)).toMatchObject({ properties: { to: { type: "string" } }, required: ["to"] });
  });

  test("if its library can describe it, and not otherwise", () => {
    const standard = { version: 1, vendor: "other", validate: (value: unknown) => ({ value }) } as const;
    const input = () => ({ type: "string" });
    expect(
      jsonSchemaOf({ "~standard": { ...standard, jsonSchema: { input, output: input } } } as never),
    ).toEqual({
      type: "string",
    });
    const fail = () => {
      throw new Error("cannot be described");
    };
    expect(
      jsonSchemaOf({ "~standard": { ...standard, jsonSchema: { input: fail, output: fail } } } as never),
    ).toBeNull();
    expect(jsonSchemaOf({ "~standard": standard })).toBeNull();
    expect(jsonSchemaOf(undefined)).toBeNull();
  });
});
