/**
 * Hostile inputs by name, each sent to a real server through a socket. None makes an answer of 500 or above or a line
 * of error in the log, and what is refused changes nothing: no row, key, schedule, pause, and not the running flag.
 * What is accepted is kept as it was sent. `npm run hostile` sends thousands more, by chance.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API_ROUTES, HEADERS, KEYS, PATHS, SESSIONS, STORED, TASKS } from "../support/hostile/inputs.ts";
import type { HttpRequest } from "../support/hostile/requests.ts";
import type { State } from "../support/hostile/state.ts";
import { openTarget, type Target } from "../support/hostile/targets.ts";
import type { WireAnswer } from "../support/hostile/wire.ts";

let target: Target;
let before: State;
beforeAll(async () => {
  target = await openTarget("embedded");
  before = await target.state();
});
afterAll(() => target?.close());

type Sent = Partial<Omit<HttpRequest, "name">>;
const JSON_TYPE: [string, string] = ["content-type", "application/json"];
const withKey = (): [string, string][] => [["authorization", `Bearer ${target.key}`]];

async function send(request: Sent): Promise<WireAnswer> {
  const headers = request.headers ?? [...withKey(), JSON_TYPE];
  const sent = { name: "", method: "GET", target: "/tasks", ...request, headers };
  const answer = await target.send(sent);
  if (!answer?.complete) throw new Error("it was not answered");
  return answer;
}

/** Sends what must be refused, and looks at what it has done. */
async function refuse(request: Sent, ...statuses: number[]): Promise<WireAnswer> {
  const answer = await send(request);
  expect(answer.status, answer.text.slice(0, 300)).toBeGreaterThanOrEqual(400);
  expect(answer.status, answer.text.slice(0, 300)).toBeLessThan(500);
  if (statuses.length > 0) expect(statuses, answer.text.slice(0, 300)).toContain(answer.status);
  const after = await target.state();
  expect(after.errors).toEqual([]);
  expect(after.fingerprint).toBe(before.fingerprint);
  return answer;
}

describe("a body for POST /tasks is refused", () => {
  test.each(TASKS)("%s", async (_, body) => {
    await refuse({ method: "POST", body }, 400, 413, 422);
  });
});

describe("what looks like code is kept as text, in every field", () => {
  test.each(STORED)("%s", async (text) => {
    const far = "2999-01-01T00:00:00Z";
    const data = { older_than_days: 1, temp_files: [text] };
    const task = {
      type: "cleanup",
      scheduled_time: far,
      attachment_id: text,
      task_data: data,
      unique_key: text,
    };
    const headers: [string, string][] = [
      ...withKey(),
      JSON_TYPE,
      ["Idempotency-Key", encodeURIComponent(text)],
    ];
    const made = await send({ method: "POST", headers, body: JSON.stringify(task) });
    expect(made.status).toBe(201);
    const { id } = JSON.parse(made.text) as { id: number };
    const found = JSON.parse((await send({ target: `/tasks/${id}` })).text) as object;
    expect(found).toMatchObject({ attachment_id: text, task_data: data, unique_key: text });
    const searched = await send({
      target: `/tasks?text=${encodeURIComponent(text)}&type=${encodeURIComponent(text)}`,
    });
    expect([searched.status, JSON.parse(searched.text)]).toMatchObject([200, { tasks: [] }]);
    expect((await send({ method: "DELETE", target: `/tasks/${id}` })).status).toBe(204);
    before = await target.state();
    expect(before.errors).toEqual([]);
  });
});

describe("other routes refuse", () => {
  test.each(API_ROUTES)("%s %s %s", async (method, path, body) => {
    await refuse({ method, target: path, ...(body === undefined ? {} : { body }) });
  });
});

describe("a path or a query is refused", () => {
  test.each(PATHS)("%s", async (path) => {
    for (const method of ["GET", "DELETE"]) await refuse({ method, target: path }, 400, 404, 422);
  });
});

describe("a header is refused, or passed over", () => {
  test.each(HEADERS)("%s: %j", async (name, value, ...statuses) => {
    const body = JSON.stringify({ type: "nobody has it" });
    const answer = await refuse({ method: "POST", headers: [...withKey(), JSON_TYPE, [name, value]], body });
    if (statuses.length > 0) expect(statuses).toContain(answer.status);
    // Nothing of it comes back in a header.
    expect(Object.keys(answer.headers)).not.toContain("x-injected");
    expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
  });
});

describe("who comes with another key is nobody", () => {
  test.each(KEYS)("%s", async (_, header) => {
    const authorization = header(target.key);
    const answer = await refuse({ headers: [["authorization", authorization]] }, 400, 401);
    expect(answer.text).not.toContain(target.key);
  });
});

describe("a session that was forged or changed is none", () => {
  let cookie: string;
  beforeAll(async () => {
    const signedIn = await send({
      method: "POST",
      target: "/session",
      headers: [JSON_TYPE],
      body: JSON.stringify({ key: target.key }),
    });
    cookie = /tickwork=([^;]+)/.exec(signedIn.headers["set-cookie"] ?? "")?.[1] ?? "";
    expect((await send({ headers: [["cookie", `tickwork=${cookie}`]] })).status).toBe(200);
    before = await target.state();
  });

  test.each(SESSIONS)("%s", async (_, forge) => {
    await refuse({ headers: [["cookie", forge(cookie)]] }, 401);
    // Nor does it sign anybody out, or in.
    const headers: [string, string][] = [
      ["cookie", forge(cookie)],
      ["origin", "http://127.0.0.1"],
      JSON_TYPE,
    ];
    await refuse({ method: "POST", headers, body: "{}" }, 401);
  });

  test.each([
    ["no word of where it comes from", []],
    ["another origin", [["origin", "https://evil.example"]]],
    ["another port", [["origin", "http://127.0.0.1:1"]]],
    ["null", [["origin", "null"]]],
    ["a site of the same domain", [["sec-fetch-site", "same-site"]]],
    ["another site", [["sec-fetch-site", "cross-site"]]],
    [
      "a site that lies about its origin",
      [
        ["origin", "http://127.0.0.1"],
        ["sec-fetch-site", "cross-site"],
      ],
    ],
    [
      "a form",
      [
        ["origin", "https://evil.example"],
        ["content-type", "text/plain"],
      ],
    ],
  ] as [string, [string, string][]][])("nor is a good one for %s", async (_, headers) => {
    const sent: [string, string][] = [["cookie", `tickwork=${cookie}`], ...headers];
    const body = JSON.stringify({ type: "cleanup", task_data: { older_than_days: 0 } });
    await refuse({ method: "POST", headers: sent, body }, 403);
    await refuse({ method: "PUT", target: "/tasks/running", headers: sent, body: '{"isRunning":true}' }, 403);
  });
});

test("and the server works as before", async () => {
  expect((await send({ target: "/tasks/running" })).text).toBe('{"isRunning":false}');
  expect((await send({ target: "/tasks" })).status).toBe(200);
  expect((await send({ target: "/health/tasks", headers: [] })).status).toBe(200);
});

describe("every kind of answer says what browsers may do with it, and not what answers", () => {
  const kinds: [name: string, request: Sent, status: number][] = [
    ["a page", { target: "/", headers: [] }, 200],
    ["a page that the browser has", { target: "/", headers: [["if-none-match", "*"]] }, 200],
    ["JSON", { target: "/tasks" }, 200],
    ["health", { target: "/health/tasks", headers: [] }, 200],
    ["HEAD", { method: "HEAD", target: "/tasks" }, 200],
    ["nothing to say", { method: "DELETE", target: "/session" }, 204],
    ["no key", { target: "/tasks", headers: [] }, 401],
    ["no such path", { target: "/nowhere" }, 404],
    ["no such file", { target: "/assets/nothing.js", headers: [] }, 401],
    ["a body that is no JSON", { method: "POST", body: "{" }, 400],
    ["a value that is refused", { method: "POST", body: "{}" }, 422],
    ["a body that is too large", { method: "POST", body: "x".repeat(6_000_000) }, 413],
    ["OPTIONS", { method: "OPTIONS" }, 404],
    ["a method that HTTP does not have", { method: "GET /tasks HTTP/9\r\nX" }, 400],
    ["a path that is no path", { target: "tasks" }, 400],
    ["CONNECT", { method: "CONNECT", target: "example.com:443" }, 400],
    ["headers that are too long", { headers: [["x", "x".repeat(20_000)]] }, 431],
    ["an expectation", { headers: [["expect", "a miracle"]] }, 417],
  ];
  test.each(kinds)("%s", async (_, request, status) => {
    const answer = await send(request);
    expect(answer.status, answer.text).toBe(status);
    expect(answer.headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "content-security-policy": expect.stringMatching(/^default-src 'none';.*frame-ancestors 'none'/),
    });
    for (const banner of ["server", "x-powered-by", "via"]) expect(answer.headers).not.toHaveProperty(banner);
    expect(answer.text).not.toMatch(/node_modules|at .*:\d+:\d+|Hono/);
    before = await target.state();
  });
});
