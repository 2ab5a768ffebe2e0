/** What browsers are told: on every answer, and across origins. */
import { expect, test } from "vitest";
import { type Api, createApp } from "#api";
import { operations as described, type Operation } from "../../packages/api/operations/operations.ts";
import { apiBed, KEY } from "../support/bed/api.ts";

const api = apiBed();
const operations: Operation[] = Object.values(described);
const LISTED = "https://app.example.com";

const corsApp = () =>
  createApp({ ...api.tickwork, config: { apiKey: KEY, apiOrigins: [LISTED, "http://localhost:5173"] } });
const ask = async (app: Api, method: string, path: string, headers: Record<string, string> = {}) =>
  app.request(path, { method, headers: { authorization: `Bearer ${KEY}`, ...headers } });
const allowedIn = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-")));

test("every answer is guarded, also of what fails, and none says what answers", async () => {
  const requests = [
    ...operations.map(({ method, path }) => [method.toUpperCase(), path.replaceAll(/:\w+/g, "1")] as const),
    ["GET", "/nothing"],
    ["OPTIONS", "/tasks"],
  ] as const;
  for (const [method, path] of requests)
    for (const headers of [{}, { authorization: "Bearer wrong" }]) {
      const { headers: answered } = await ask(api.app, method, path, headers);
      const told = Object.fromEntries(answered);
      expect(told, `${method} ${path}`).toMatchObject({
        "content-security-policy":
          "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
      });
      for (const banner of ["server", "x-powered-by", "via"]) expect(told).not.toHaveProperty(banner);
      expect(told).not.toHaveProperty("strict-transport-security");
    }
});

test("behind TLS, browsers are told to stay there", async () => {
  const behind = await ask(api.app, "GET", "/tasks", { "x-forwarded-proto": "https" });
  expect(behind.headers.get("strict-transport-security")).toBe("max-age=31536000");
  expect(
    (await ask(api.app, "GET", "https://x.example/tasks")).headers.get("strict-transport-security"),
  ).toBe("max-age=31536000");
});

test("pages of an origin that is listed may ask and read, with a key", async () => {
  const app = corsApp();
  const preflight = await app.request("/tasks", {
    method: "OPTIONS",
    headers: {
      origin: LISTED,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type",
    },
  });
  expect(preflight.status).toBe(204);
  expect(allowedIn(preflight)).toEqual({
    "access-control-allow-origin": LISTED,
    "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": "Authorization, Content-Type, Idempotency-Key, Tickwork-User",
    "access-control-expose-headers": "Link, Retry-After",
    "access-control-max-age": "600",
  });
  expect(preflight.headers.get("vary")).toBe("Origin");
  for (const [path, key] of [
    ["/tasks", KEY],
    ["/tasks", "wrong"],
    ["/tasks/999", KEY],
    ["/health/tasks", ""],
  ]) {
    const answer = await ask(app, "GET", path as string, { origin: LISTED, authorization: `Bearer ${key}` });
    expect(allowedIn(answer)).toEqual({
      "access-control-allow-origin": LISTED,
      "access-control-expose-headers": "Link, Retry-After",
    });
  }
});

test.each([
  ["https://evil.example"],
  ["https://app.example.com.evil.example"],
  ["http://app.example.com"],
  ["https://app.example.com:444"],
  ["https://APP.example.com"],
  ["null"],
  ["*"],
])("those of %s may not", async (origin) => {
  for (const app of [corsApp(), api.app]) {
    const preflight = await app.request("/tasks", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(401);
    expect(allowedIn(preflight)).toEqual({});
    expect(allowedIn(await ask(app, "GET", "/tasks", { origin }))).toEqual({});
  }
});

test("a session is not for other origins, listed or not", async () => {
  const app = corsApp();
  const signedIn = await app.request("/session", { method: "POST", body: JSON.stringify({ key: KEY }) });
  const [cookie = ""] = signedIn.headers.getSetCookie();
  const answer = await app.request("/tasks", {
    method: "POST",
    headers: { cookie: cookie.split(";")[0] ?? "", origin: LISTED },
    body: JSON.stringify({ type: "note" }),
  });
  expect(answer.status).toBe(403);
  expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
});
