/** The API on a real socket, as a client meets it that keeps to no rules. */
import { once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createApp } from "#api";
import { createLogger } from "#core";
import { BODY_LIMIT_BYTES } from "../../packages/core/limits.ts";
import { closeHttp, createHttpServer, listen } from "../../packages/local/http.ts";
import { openTestBed, type TestBed } from "../support/bed/bed.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { noting } from "../support/bed/tasks.ts";
import { eventually } from "../support/eventually.ts";

const KEY = "the-key-of-the-test";
let bed: TestBed;
let http: Server;
const sockets: Socket[] = [];
const logged: string[] = [];

beforeAll(async () => {
  bed = await openTestBed("embedded");
  const log = createLogger({ level: "debug", write: (line) => logged.push(line) });
  const made = { env: { API_KEY: KEY }, doorbell: noteRings(), definitions: [noting().definition], log };
  http = createHttpServer(createApp(bed.make(made)));
  await listen(http, { host: "127.0.0.1", port: 0 });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  await closeHttp(http);
  await bed.close();
});
beforeEach(() => bed.sql(`truncate "baasix_Tasks" restart identity`));

/** Sends bytes, and gathers what comes. */
function talk(...parts: string[]) {
  const socket = connect((http.address() as AddressInfo).port, "127.0.0.1");
  sockets.push(socket);
  let text = "";
  let closed = false;
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.on("close", () => {
    closed = true;
  });
  // Written into a connection that was closed.
  socket.on("error", () => {});
  socket.write(parts.join("\r\n"));
  return {
    socket,
    get closed() {
      return closed;
    },
    /** The answer, once it is whole. */
    answer: () =>
      eventually(() => {
        const [head = "", body = ""] = text.split("\r\n\r\n");
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
        return (
          Buffer.byteLength(body) === length && {
            status: Number(/^HTTP\/1.1 (\d+)/.exec(head)?.[1]),
            type: /content-type: (\S+)/i.exec(head)?.[1],
            body: (body && JSON.parse(body)) as { error: { code: string; message: string } },
          }
        );
      }),
  };
}

const key = `Authorization: Bearer ${KEY}`;

describe("errors have their JSON shape", () => {
  test.each([
    ["TRACE", ["TRACE /tasks HTTP/1.1", "Host: x", key], 404, "route_not_found"],
    ["another method", ["BREW /tasks HTTP/1.1", "Host: x", key], 400, "malformed_request"],
    ["two slashes", ["GET // HTTP/1.1", "Host: x", key], 404, "route_not_found"],
    ["two slashes without a key", ["GET // HTTP/1.1", "Host: x"], 401, "key_missing"],
    ["a bad host without a key", ["GET /tasks HTTP/1.1", "Host: a b/c?d"], 401, "key_missing"],
    [
      "a host that looks like a route",
      ["GET /nowhere HTTP/1.1", "Host: x/health/tasks?", key],
      404,
      "route_not_found",
    ],
    ["no host", ["GET /nowhere HTTP/1.1", key], 404, "route_not_found"],
    ["a path that is no path", ["GET /\\x HTTP/1.1", "Host: x", key], 400, "malformed_request"],
    ["CONNECT", ["CONNECT example.com:443 HTTP/1.1", "Host: x", key], 400, "malformed_request"],
    [
      "what nobody can expect",
      ["GET /tasks HTTP/1.1", "Host: x", key, "Expect: x"],
      417,
      "malformed_request",
    ],
    ["what is not HTTP", ["hello"], 400, "malformed_request"],
    ["a header without a name", ["GET / HTTP/1.1", "Host: x", ": x"], 400, "malformed_request"],
    [
      "headers without end",
      ["GET / HTTP/1.1", "Host: x", `X: ${"x".repeat(20_000)}`],
      431,
      "malformed_request",
    ],
  ])("%s", async (_, lines, status, code) => {
    expect(await talk(...lines, "", "").answer()).toMatchObject({
      status,
      type: expect.stringContaining("application/json"),
      body: { error: { code, message: expect.any(String) } },
    });
  });
});

test("a GET may have a body, which has no meaning", async () => {
  const answer = await talk("GET /tasks HTTP/1.1", "Host: x", key, "Content-Length: 2", "", "{}").answer();
  expect(answer).toMatchObject({ status: 200, body: { tasks: [] } });
});

test("an empty Idempotency-Key is refused", async () => {
  const body = '{"type":"note"}';
  const lines = ["POST /tasks HTTP/1.1", "Host: x", key, `Content-Length: ${body.length}`];
  expect(await talk(...lines, "Idempotency-Key:", "", body).answer()).toMatchObject({
    status: 400,
    body: { error: { code: "malformed_request", message: expect.stringContaining("Idempotency-Key") } },
  });
});

describe("a body that is too large", () => {
  const large = ["POST /tasks HTTP/1.1", "Host: x", key];
  const tooLarge = { status: 413, body: { error: { code: "body_too_large" } } };

  test("is refused by the length that it announces, before any of it is sent", async () => {
    const length = `Content-Length: ${BODY_LIMIT_BYTES + 1}`;
    expect(await talk(...large, length, "", "").answer()).toMatchObject(tooLarge);
  });

  test("is refused when it gets there, if it announces none", async () => {
    const talking = talk(...large, "Transfer-Encoding: chunked", "", "");
    const chunk = `100000\r\n${" ".repeat(0x100000)}\r\n`;
    for (let sent = 0; sent <= 7; sent++) talking.socket.write(chunk);
    expect(await talking.answer()).toMatchObject(tooLarge);
  });

  test("of exactly the limit is read", async () => {
    const body = `{"type":"note"}${" ".repeat(BODY_LIMIT_BYTES - 15)}`;
    const length = `Content-Length: ${BODY_LIMIT_BYTES}`;
    expect(await talk(...large, length, "", body).answer()).toMatchObject({ status: 201 });
  });
});

test("a client that goes away in the middle of its body is no failure of the API", async () => {
  logged.length = 0;
  const arrived = once(http, "request");
  const talking = talk("POST /tasks HTTP/1.1", "Host: x", key, "Content-Length: 100", "", '{"type":');
  await arrived;
  talking.socket.destroy();
  await eventually(() => logged.length > 0);
  expect(JSON.parse(logged[0] ?? "")).toMatchObject({ level: "debug", status: 400, path: "/tasks" });
});

test("the key is checked before the body is read, and an endless body ends with its connection", async () => {
  const talking = talk("POST /tasks HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "", "");
  expect(await talking.answer()).toMatchObject({ status: 401, body: { error: { code: "key_missing" } } });
  const sending = setInterval(() => talking.socket.write(`1000\r\n${" ".repeat(0x1000)}\r\n`), 20);
  try {
    await eventually(() => talking.closed);
  } finally {
    clearInterval(sending);
  }
});

test("a browser signs in on a real socket, and only pages of this server change something", async () => {
  const { port } = http.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const signedIn = await fetch(`${url}/session`, { method: "POST", body: JSON.stringify({ key: KEY }) });
  expect(signedIn.status).toBe(201);
  expect([...signedIn.headers.keys()]).not.toContain("server");
  const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  expect(cookie).toMatch(/^tickwork=/);
  const post = async (headers: Record<string, string>) =>
    (
      await fetch(`${url}/tasks`, {
        method: "POST",
        headers: { cookie, ...headers },
        body: JSON.stringify({ type: "note" }),
      })
    ).status;
  expect(await post({ origin: url })).toBe(201);
  expect(await post({ origin: "http://127.0.0.1:1" })).toBe(403);
  expect(await post({ origin: "https://evil.example" })).toBe(403);
  expect(await post({})).toBe(403);
  expect((await fetch(`${url}/tasks`, { headers: { cookie: `${cookie}x` } })).status).toBe(401);
  expect(logged.join()).not.toContain(cookie.split("=")[1]);
});
