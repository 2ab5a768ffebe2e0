import type { Hono } from "hono";
import type * as v from "valibot";
import { expect, expectTypeOf, test } from "vitest";
import { openApi } from "#api";
import type { Health, Task } from "#core";
import { operations } from "../../packages/api/operations/operations.ts";
import type { HealthSchema, TaskSchema } from "../../packages/api/schemas/schemas.ts";
import { apiBed } from "../support/bed/api.ts";

const api = apiBed();

test("describes every route, and no other", () => {
  const described = Object.values(operations).map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  const { routes: registered } = api.app as unknown as Hono;
  const routes = registered
    .filter(({ method }) => method !== "ALL")
    // The dashboard's files are no part of the API.
    .filter(({ path }) => !["/", "/docs", "/assets/:file"].includes(path))
    .map(({ method, path }) => `${method} ${path}`);
  expect(new Set(routes)).toEqual(new Set(described));
});

type Described = Record<
  string,
  Record<
    string,
    {
      parameters?: { name: string; schema: object }[];
      responses: Record<string, unknown>;
      requestBody?: object;
    }
  >
>;
type Components = { schemas: Record<string, { properties: object }>; responses: Record<string, object> };

test("says what can be sent and what is answered", async () => {
  const { status, body } = await api.get<Awaited<ReturnType<typeof openApi>>>("/openapi.json");
  expect(status).toBe(200);
  expect(body).toEqual(await openApi());
  const paths = body.paths as Described;
  const components = body.components as Components;
  const statusesOf = (path: string, method: string) => Object.keys(paths[path]?.[method]?.responses ?? {});
  expect(statusesOf("/tasks", "post")).toEqual("200 201 400 401 403 409 413 422 429 500 503".split(" "));
  expect(statusesOf("/tasks/{id}/cancel", "post")).toEqual(
    "200 202 400 401 403 404 409 422 429 500 503".split(" "),
  );
  expect(statusesOf("/health/tasks", "get")).toEqual(["200", "400", "500"]);
  expect(JSON.stringify(components.responses.TaskFinishedOrTaskState)).toContain(
    '"code":{"enum":["task_finished","task_state"],"type":"string"}',
  );

  const parameters = paths["/tasks"]?.get?.parameters;
  expect(parameters?.map(({ name }) => name)).toEqual([
    ...["status", "type", "queue", "concurrency_key", "text", "dead", "waiting_for_code"],
    ...["created_from", "created_to", "scheduled_from", "scheduled_to", "sort", "limit", "cursor"],
  ]);
  expect(parameters?.[12]?.schema).toEqual({ type: "integer", minimum: 1, maximum: 200, default: 50 });
  expect(JSON.stringify(paths["/tasks"]?.post?.requestBody)).toContain('"minItems":1,"maxItems":1000');
  const task = await api.post<Task>("/tasks", { type: "note", unique_key: "a" });
  expect(new Set(Object.keys(components.schemas.Task?.properties ?? {}))).toEqual(
    // What holds it back is told where something does.
    new Set([...Object.keys(task.body), "paused", "limited", "waiting_for_code", "encrypted"]),
  );

  expect(JSON.stringify(body)).not.toContain("$defs");
  for (const [, kind = "", name] of JSON.stringify(body).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g))
    expect(Object.keys(components[kind as keyof Components])).toContain(name);
});

/** The compiler checks it, in both directions. */
test("the described answers are the types of core", () => {
  type Described = Pick<v.InferOutput<typeof TaskSchema>, keyof Task>;
  expectTypeOf<Task>().toExtend<Described>();
  expectTypeOf<Described>().toExtend<Task>();
  expectTypeOf<Health>().toExtend<v.InferOutput<typeof HealthSchema>>();
  expectTypeOf<v.InferOutput<typeof HealthSchema>>().toExtend<Health>();
});

test("the pattern of a time takes what is accepted, and nothing of another shape", async () => {
  const { components } = (await openApi()) as { components: Components };
  const [, source = ""] = /"scheduled_time":.*?"pattern":("[^"]*")/.exec(JSON.stringify(components)) ?? [];
  const pattern = new RegExp(JSON.parse(source) as string);
  for (const [time, accepted] of [
    ["2026-11-24T09:00:00Z", true],
    ["2026-11-24t09:00z", true],
    ["2026-11-24 10:00:00.123456789+0100", true],
    ["2026-11-24T09:00:00", false],
    ["2026-11-24", false],
    ["1795510800000", false],
    ["2026-11-24T09:00:00Z ", false],
  ] as const) {
    expect(pattern.test(time), time).toBe(accepted);
    const { status } = await api.post("/tasks", { type: "note", scheduled_time: time });
    expect(status, time).toBe(accepted ? 201 : 422);
  }
});
