import { once } from "node:events";
import { createServer as createTcpServer } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createServer as createTlsServer } from "node:tls";
import { describe, expect, test } from "vitest";
import { PermanentError, RetryAfter } from "#core";
import type { HttpRequestResult } from "#tasks";
import { httpRequest } from "../../packages/tasks/http-request.ts";
import { eventually } from "../support/eventually.ts";
import { failureOf, issuesOf, runTask, type Surroundings } from "../support/web/run-task.ts";
import { selfSigned } from "../support/web/self-signed.ts";
import { listen, serve } from "../support/web/server.ts";

const send = (data: unknown, surroundings?: Surroundings) =>
  runTask<HttpRequestResult>(httpRequest, data, surroundings);

describe("what is sent", () => {
  test.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s", async (method) => {
    const server = await serve((_, response) => response.end());
    const result = await send({ method, url: `${server.url}/a/b?c=d#e` });
    expect(server.received).toMatchObject([{ method, path: "/a/b?c=d", body: "" }]);
    const length = ["POST", "PUT", "PATCH"].includes(method) ? "0" : undefined;
    expect(server.received[0]?.headers["content-length"]).toBe(length);
    expect(result).toMatchObject({ status: 200, body: "", truncated: false, redirects: 0 });
    expect(result.url).toBe(`${server.url}/a/b?c=d`);
  });

  test("GET is the default, with few headers and no connection that is kept", async () => {
    const server = await serve((_, response) => response.end());
    await send({ url: server.url });
    expect(server.received[0]?.method).toBe("GET");
    expect(server.received[0]?.headers).toEqual({
      accept: "*/*",
      "accept-encoding": "identity",
      connection: "close",
      host: `127.0.0.1:${server.port}`,
      "user-agent": "tickwork",
    });
    await eventually(() => server.open === 0);
  });

  test("headers, in any case, before the usual ones", async () => {
    const server = await serve((_, response) => response.end());
    await send({
      url: server.url,
      headers: { Authorization: "Bearer x", "X-One": "1", "User-Agent": "me", ACCEPT: "text/plain" },
    });
    expect(server.received[0]?.headers).toMatchObject({
      authorization: "Bearer x",
      "x-one": "1",
      "user-agent": "me",
      accept: "text/plain",
    });
  });

  test.each([
    ["a string", "Grüße", "Grüße", "text/plain;charset=UTF-8"],
    ["an empty string", "", "", "text/plain;charset=UTF-8"],
    ["an object", { a: ["ü", 1, null] }, '{"a":["ü",1,null]}', "application/json"],
    ["an array", [1, 2], "[1,2]", "application/json"],
    ["a number", 0, "0", "application/json"],
    ["false", false, "false", "application/json"],
    ["null", null, "null", "application/json"],
  ])("%s as body", async (_, body, bytes, type) => {
    const server = await serve((_, response) => response.end());
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
      await send({ method, url: server.url, body });
    expect(server.received).toHaveLength(5);
    for (const received of server.received) {
      expect(received.body).toBe(bytes);
      expect(received.headers["content-type"]).toBe(type);
      expect(received.headers["content-length"]).toBe(String(Buffer.byteLength(bytes)));
      expect(received.headers["transfer-encoding"]).toBeUndefined();
    }
  });

  test("a content-type of one's own", async () => {
    const server = await serve((_, response) => response.end());
    const headers = { "Content-Type": "application/vnd.api+json" };
    await send({ method: "POST", url: server.url, headers, body: { a: 1 } });
    expect(server.received[0]).toMatchObject({
      body: '{"a":1}',
      headers: { "content-type": "application/vnd.api+json" },
    });
  });
});

describe("rejects", () => {
  test.each([
    [{}, /^url is missing$/],
    [null, /^must be an object with method, url, .*, got undefined$/],
    [{ url: "x" }, /^url must be a URL that begins with http:\/\/ or https:\/\/, got "x"$/],
    [{ url: "ftp://x/" }, /^url must begin with http:\/\/ or https:\/\/, got "ftp:"$/],
    [{ url: "file:///etc/passwd" }, /^url must .*, got "file:"$/],
    [{ url: `http://x/${"y".repeat(9_000)}` }, /^url must have at most 8192 characters, got 9009$/],
    [{ url: "http://x/", method: "TRACE" }, /^method: .*"OPTIONS"\) but received "TRACE"/],
    [{ url: "http://x/", method: "get" }, /^method: .*received "get"/],
    [{ url: "http://x/", timeout: 3 }, /^timeout is not a known field; .* timeout_seconds/],
    [
      { url: "http://x/", timeout_seconds: 0 },
      /^timeout_seconds must be more than 0 and at most 600, got 0$/,
    ],
    [{ url: "http://x/", timeout_seconds: 601 }, /^timeout_seconds must .*, got 601$/],
    [{ url: "http://x/", timeout_seconds: Number.NaN }, /^timeout_seconds: /],
    [
      { url: "http://x/", follow_redirects: 6 },
      /^follow_redirects must be a whole number from 0 to 5, got 6$/,
    ],
    [{ url: "http://x/", follow_redirects: -1 }, /^follow_redirects must .*, got -1$/],
    [{ url: "http://x/", follow_redirects: 1.5 }, /^follow_redirects must .*, got 1.5$/],
    [{ url: "http://x/", follow_redirects: true }, /^follow_redirects: /],
    [{ url: "http://x/", body: {} }, /^body must be absent, since a GET request has none$/],
    [{ url: "http://x/", method: "HEAD", body: "" }, /^body must be absent, since a HEAD request has none$/],
    [{ url: "http://x/", headers: { a: 1 } }, /^headers\.a: .*string/],
    [
      { url: "http://x/", headers: { "a b": "1" } },
      /^headers must have names of letters, digits and hyphens, got "a b"$/,
    ],
    [{ url: "http://x/", headers: { "": "1" } }, /^headers must have names .*, got ""$/],
    [{ url: "http://x/", headers: { a: "1\r\nb: 2" } }, /^headers must have no line break.* in "a"$/],
    [{ url: "http://x/", headers: { a: "☃" } }, /^headers must have no .* in "a"$/],
    [{ url: "http://x/", headers: { A: "1", a: "2" } }, /^headers must not have "a" twice/],
  ])("%j", async (data, message) => {
    expect((await issuesOf(httpRequest, data)).join("\n")).toMatch(message);
  });

  test.each([
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Host",
    "Content-Length",
    "Expect",
  ])("the header %s", async (name) => {
    expect(await issuesOf(httpRequest, { url: "http://x/", headers: { [name]: "1" } })).toEqual([
      `headers must not have "${name}", which belongs to the connection`,
    ]);
  });

  test("a password in a URL, which no message repeats", async () => {
    const issues = await issuesOf(httpRequest, { url: "http://me:secret@example.com/" });
    expect(issues).toEqual(["url must have no user name and no password; send an authorization header"]);
  });
});

describe("what comes back", () => {
  const answering = (headers: Record<string, string>, body: string | Buffer) =>
    serve((_, response) => response.writeHead(201, headers).end(body));

  test("status and headers", async () => {
    const server = await serve((_, response) => {
      response.writeHead(202, { "X-One": "1", "set-cookie": ["a=1", "b=2"] }).end("ok");
    });
    const result = await send({ url: server.url });
    expect(result).toMatchObject({
      status: 202,
      body: "ok",
      headers: { "x-one": "1", "set-cookie": ["a=1", "b=2"] },
    });
    // It is what result_data will hold.
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  test.each(["application/json", "application/json; charset=utf-8", "text/json", "application/problem+json"])(
    "%s is parsed",
    async (type) => {
      const server = await answering({ "content-type": type }, '{"a":[1,"ü"]}');
      expect(await send({ url: server.url })).toMatchObject({ status: 201, body: { a: [1, "ü"] } });
    },
  );

  test("JSON that is none stays text", async () => {
    const server = await answering({ "content-type": "application/json" }, '{"a":');
    expect(await send({ url: server.url })).toMatchObject({ body: '{"a":', truncated: false });
  });

  test("JSON that looks like it under another type stays text", async () => {
    const server = await answering({ "content-type": "text/plain" }, '{"a":1}');
    expect((await send({ url: server.url })).body).toBe('{"a":1}');
  });

  test.each([
    ["no type", {}, "plain ü", "plain ü"],
    ["html", { "content-type": "text/html; charset=utf-8" }, "<p>ü", "<p>ü"],
    ["xml", { "content-type": "application/atom+xml" }, "<a/>", "<a/>"],
    ["latin1", { "content-type": 'text/plain; charset="ISO-8859-1"' }, Buffer.from("ü", "latin1"), "ü"],
  ])("%s is text", async (_, headers, body, expected) => {
    const server = await answering({ ...headers }, body);
    const result = await send({ url: server.url });
    expect(result.body).toBe(expected);
    expect(result.encoding).toBeUndefined();
  });

  const bytes = Buffer.from([0, 1, 2, 0xff, 0xfe]);
  test.each([
    ["an image", { "content-type": "image/png" }, bytes],
    ["octets that could be text", { "content-type": "application/octet-stream" }, Buffer.from("text")],
    ["no type and not text", {}, bytes],
    ["text that is not of its encoding", { "content-type": "text/plain" }, Buffer.from("ü", "latin1")],
    ["text of an unknown encoding", { "content-type": "text/plain; charset=klingon" }, Buffer.from("a")],
    ["text with a zero byte", { "content-type": "text/plain" }, Buffer.from("a\0b")],
    ["a compressed text", { "content-type": "text/plain", "content-encoding": "gzip" }, Buffer.from("a")],
  ])("%s is base64", async (_, headers, body) => {
    const server = await answering({ ...headers }, body);
    expect(await send({ url: server.url })).toMatchObject({
      body: body.toString("base64"),
      encoding: "base64",
      truncated: false,
    });
  });

  test("a HEAD has headers and no body", async () => {
    const server = await answering({ "content-type": "application/json", "content-length": "500000" }, "");
    expect(await send({ method: "HEAD", url: server.url })).toMatchObject({
      body: "",
      truncated: false,
      headers: { "content-length": "500000" },
    });
  });

  test("a body of exactly 64 KiB is whole", async () => {
    const server = await answering({}, "x".repeat(65_536));
    const result = await send({ url: server.url });
    expect(result.truncated).toBe(false);
    expect(result.body).toHaveLength(65_536);
  });

  test("one byte more is cut, and JSON that is cut stays text", async () => {
    const server = await answering({ "content-type": "application/json" }, `"${"x".repeat(65_535)}"`);
    const result = await send({ url: server.url });
    expect(result.truncated).toBe(true);
    expect(result.body).toBe(`"${"x".repeat(65_535)}`);
  });

  test("what is cut is not parsed, even if it could be", async () => {
    const server = await answering({ "content-type": "application/json" }, `[1]${" ".repeat(70_000)}x`);
    const result = await send({ url: server.url });
    expect(result).toMatchObject({ body: `[1]${" ".repeat(65_533)}`, truncated: true });
  });

  test("a character that the limit cuts in two is left out", async () => {
    const server = await answering({ "content-type": "text/plain" }, `x${"ü".repeat(40_000)}`);
    const result = await send({ url: server.url });
    expect(result.body).toBe(`x${"ü".repeat(32_767)}`);
    expect(result.encoding).toBeUndefined();
  });

  test("of 10 MB that a server has to send, the rest is not downloaded", async () => {
    const total = 10 * 1024 * 1024;
    let sent = 0;
    let ended: Promise<void> | undefined;
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-type": "text/plain", "content-length": String(total) });
      const chunks = Readable.from(
        (function* () {
          for (; sent < total; sent += 16_384) yield Buffer.alloc(16_384, "x");
        })(),
      );
      ended = pipeline(chunks, response);
    });
    const result = await send({ url: server.url });
    expect(result.truncated).toBe(true);
    expect(result.body).toBe("x".repeat(65_536));
    expect(await failureOf(ended ?? Promise.resolve())).toMatchObject({ code: "ERR_STREAM_PREMATURE_CLOSE" });
    expect(sent).toBeLessThan(total);
    await eventually(() => server.open === 0);
  });

  test("a body that breaks off is a failure of the network", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => response.destroy());
    });
    const error = await failureOf(send({ url: server.url }));
    expect(error).toMatchObject({ name: "HttpNetworkError", code: "ECONNRESET" });
    expect(error.message).toMatch(/^GET http:\/\/127\.0\.0\.1:\d+\/ failed: aborted/);
    expect(error).not.toBeInstanceOf(PermanentError);
  });
});

describe("time and abort", () => {
  test("a server that does not answer", async () => {
    const server = await serve(() => {});
    const error = await failureOf(send({ url: `${server.url}/slow`, timeout_seconds: 0.05 }));
    expect(error).toMatchObject({ name: "HttpTimeoutError", code: "http_timeout" });
    expect(error.message).toBe(`GET ${server.url}/slow took longer than 0.05 s`);
    expect(error).not.toBeInstanceOf(PermanentError);
    await eventually(() => server.open === 0);
  });

  test("a body that does not end", async () => {
    const server = await serve((_, response) => void response.write("x"));
    const error = await failureOf(send({ url: server.url, timeout_seconds: 0.1 }));
    expect(error.code).toBe("http_timeout");
    await eventually(() => server.open === 0);
  });

  test("the time is for all redirects together", async () => {
    const server = await serve((request, response) => {
      if (request.url === "/next") return;
      response.writeHead(302, { location: "/next" }).end();
    });
    const error = await failureOf(send({ url: server.url, timeout_seconds: 0.1 }));
    expect(error.code).toBe("http_timeout");
    await eventually(() => server.open === 0);
  });

  test("the status of a failure whose body does not end is known all the same", async () => {
    const server = await serve((_, response) => void response.writeHead(502).write("x"));
    const error = await failureOf(send({ url: server.url, timeout_seconds: 0.1 }));
    expect(error.code).toBe("http_502");
    await eventually(() => server.open === 0);
  });

  test.each(["before the answer", "within the body"])("an abort %s destroys the socket", async (when) => {
    const server = await serve((_, response) => {
      if (when === "within the body") response.write("x");
    });
    const aborter = new AbortController();
    const reason = new Error("cancelled by somebody");
    const failed = failureOf(send({ url: server.url }, { signal: aborter.signal }));
    await eventually(() => server.received.length === 1);
    aborter.abort(reason);
    expect(await failed).toBe(reason);
    await eventually(() => server.open === 0);
  });

  test("an abort before the start connects to nothing", async () => {
    const server = await serve((_, response) => response.end());
    const reason = new Error("already over");
    expect(await failureOf(send({ url: server.url }, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(server.connections).toBe(0);
  });
});

describe("statuses", () => {
  const answering = (status: number, headers: Record<string, string> = {}, body = "") =>
    serve((_, response) => response.writeHead(status, headers).end(body));

  test.each([200, 201, 204, 206, 300, 304, 399])("%i is a result", async (status) => {
    const server = await answering(status);
    expect((await send({ url: server.url })).status).toBe(status);
  });

  test.each([400, 401, 403, 404, 405, 409, 410, 418, 422, 451, 499])("%i is permanent", async (status) => {
    const server = await answering(status, { "retry-after": "7" });
    const error = await failureOf(send({ url: server.url }));
    expect(error).toMatchObject({ name: "HttpStatusError", code: `http_${status}`, status });
    expect(error).toBeInstanceOf(PermanentError);
  });

  test.each([408, 425, 429, 500, 501, 502, 503, 504, 599])("%i may pass", async (status) => {
    const server = await answering(status);
    const error = await failureOf(send({ url: server.url }));
    expect(error).toMatchObject({ name: "HttpStatusError", code: `http_${status}`, status });
    expect(error).not.toBeInstanceOf(PermanentError);
    expect(error).not.toBeInstanceOf(RetryAfter);
  });

  test.each([429, 503])("%i with Retry-After names the time", async (status) => {
    const server = await answering(status, { "retry-after": "7" });
    const error = await failureOf(send({ url: server.url }));
    expect(error).toBeInstanceOf(RetryAfter);
    expect(error).toMatchObject({ name: "HttpStatusError", code: `http_${status}`, delayMs: 7_000 });
  });

  test.each([408, 500, 502])("%i with Retry-After does not", async (status) => {
    const server = await answering(status, { "retry-after": "7" });
    expect(await failureOf(send({ url: server.url }))).not.toBeInstanceOf(RetryAfter);
  });

  test("the message says what was asked, what came and how its body begins", async () => {
    const server = await answering(404, { "content-type": "application/json" }, '{"error":"no such thing"}');
    const error = await failureOf(send({ method: "DELETE", url: `${server.url}/x?y=z` }));
    expect(error.message).toBe(
      `DELETE ${server.url}/x?y=z answered 404 Not Found: {"error":"no such thing"}`,
    );
  });

  test("without a body, or with one that is not text, the message is short", async () => {
    for (const headers of [{}, { "content-type": "image/png" }]) {
      const server = await answering(500, headers, "content-type" in headers ? "PNG" : "");
      const error = await failureOf(send({ url: server.url }));
      expect(error.message).toBe(`GET ${server.url}/ answered 500 Internal Server Error`);
    }
  });

  test("the message is bounded, and so is what is read for it", async () => {
    let ended: Promise<void> | undefined;
    const server = await serve((_, response) => {
      response.writeHead(400, { "content-type": "text/plain" });
      const endless = Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(16_384, "y");
        })(),
      );
      ended = pipeline(endless, response);
    });
    const error = await failureOf(send({ url: `${server.url}/${"x".repeat(5_000)}` }));
    expect(error.code).toBe("http_400");
    expect(error.message.length).toBeLessThan(1_000);
    expect(error.message).toContain(`Bad Request: ${"y".repeat(500)}…`);
    expect(await failureOf(ended ?? Promise.resolve())).toMatchObject({ code: "ERR_STREAM_PREMATURE_CLOSE" });
    await eventually(() => server.open === 0);
  });

  test("a failed request leaves no connection", async () => {
    const server = await answering(500);
    await failureOf(send({ url: server.url }));
    await eventually(() => server.open === 0);
  });
});

describe("the network", () => {
  test("nobody listens", async () => {
    const server = createTcpServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    server.close();
    await once(server, "close");
    const error = await failureOf(send({ url: `http://127.0.0.1:${port}/` }));
    expect(error).toMatchObject({ name: "HttpNetworkError", code: "ECONNREFUSED" });
    expect(error.message).toBe(
      `GET http://127.0.0.1:${port}/ failed: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
    expect(error).not.toBeInstanceOf(PermanentError);
  });

  test("what answers is not HTTP", async () => {
    const server = await listen(
      createTcpServer((socket) => void socket.resume().write("SSH-2.0-OpenSSH\r\n")),
    );
    const error = await failureOf(send({ url: server.url }));
    expect(error).toMatchObject({ name: "HttpNetworkError", code: "HPE_INVALID_CONSTANT" });
    await eventually(() => server.open === 0);
  });

  test("https speaks TLS, and trusts nobody who only says who he is", async () => {
    const { key, cert } = selfSigned("localhost");
    const server = await listen(createTlsServer({ key, cert }));
    const error = await failureOf(send({ url: `https://127.0.0.1:${server.port}/` }));
    expect(error).toMatchObject({ name: "HttpNetworkError", code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    expect(server.connections).toBe(1);
    expect(server.received).toEqual([]);
    await eventually(() => server.open === 0);
  });

  test("a server that wants another protocol", async () => {
    const server = await listen(
      createTcpServer((socket) => {
        socket
          .resume()
          .write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
      }),
    );
    const error = await failureOf(send({ url: server.url, timeout_seconds: 5 }));
    expect(error).toMatchObject({ name: "HttpNetworkError", code: "http_network" });
    expect(error.message).toBe(`GET ${server.url}/ failed: closed without an answer`);
    await eventually(() => server.open === 0);
  });
});
