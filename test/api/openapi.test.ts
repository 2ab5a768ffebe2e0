import { expect, test } from "vitest";
import { openApi, operations } from "#api";
import { apiBed } from "../support/bed/api.ts";

const api = apiBed();

test("describes every route, and no other", () => {
  const described = Object.values(operations).map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  const routes = api.app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path}`);
  expect(new Set(routes)).toEqual(new Set(described));
});

test("says what can be sent and what is answered", async () => {
  const { status, body } = await api.get<Awaited<ReturnType<typeof openApi>>>("/openapi.json");
  expect(status).toBe(200);
  expect(body).toEqual(await openApi());
  expect(body.openapi).toBe("3.1.0");
  const paths = body.paths as Record<
    string,
    Record<string, { parameters?: { name: string }[]; responses: object; requestBody?: unknown }>
  >;
  expect(Object.keys(paths["/tasks"]?.post?.responses ?? {})).toEqual([
    "201",
    "400",
    "401",
    "409",
    "413",
    "422",
    "503",
  ]);
  expect(paths["/tasks"]?.get?.parameters?.map(({ name }) => name)).toEqual([
    "status",
    "type",
    "limit",
    "cursor",
  ]);
  expect(JSON.stringify(paths["/tasks"]?.post?.requestBody)).toContain("scheduled_time");
  expect(JSON.stringify(body)).not.toContain("$defs");
  for (const [, reference] of JSON.stringify(body).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g))
    expect(Object.keys((body.components as { schemas: object }).schemas)).toContain(reference);
});
