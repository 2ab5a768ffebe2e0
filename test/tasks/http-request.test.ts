import { once } from "node:events";
import { createServer as createTcpServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { describe, expect, test } from "vitest";
import { PermanentError } from "#core";
import type { HttpRequestResult } from "#tasks";
import { httpRequest } from "../../packages/tasks/http-request.ts";
import { eventually } from "../support/eventually.ts";
import { failureOf, runTask, type Surroundings } from "../support/web/run-task.ts";
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

  test("GET is the default, with few headers and a connection that is not kept", async () => {
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

  test("headers, in upper or lower case, override the usual ones", async () => {
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

  test("a content-type overrides the one of the body", async () => {
    const server = await serve((_, response) => response.end());
    const headers = { "Content-Type": "application/vnd.api+json" };
    await send({ method: "POST", url: server.url, headers, body: { a: 1 } });
    expect(server.received[0]).toMatchObject({
      body: '{"a":1}',
      headers: { "content-type": "application/vnd.api+json" },
    });
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

  test("the time limit covers all redirects together", async () => {
    const server = await serve((request, response) => {
      if (request.url === "/next") return;
      response.writeHead(302, { location: "/next" }).end();
    });
    const error = await failureOf(send({ url: server.url, timeout_seconds: 0.1 }));
    expect(error.code).toBe("http_timeout");
    await eventually(() => server.open === 0);
  });

  test("the status of a failure is known even if its body does not end", async () => {
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
    const reason = new Error("cancelled");
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

describe("the network", () => {
  test("a port where nothing listens", async () => {
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

  test("an answer that is not HTTP", async () => {
    const server = await listen(
      createTcpServer((socket) => void socket.resume().write("SSH-2.0-OpenSSH\r\n")),
    );
    const error = await failureOf(send({ url: server.url }));
    expect(error).toMatchObject({ name: "HttpNetworkError", code: "HPE_INVALID_CONSTANT" });
    await eventually(() => server.open === 0);
  });

  test("https speaks TLS, and does not trust a self-signed certificate", async () => {
    const { key, cert } = selfSigned("localhost");
    const server = await listen(createTlsServer({ key, cert }));
    const error = await failureOf(send({ url: `https://127.0.0.1:${server.port}/` }));
    expect(error).toMatchObject({ name: "HttpNetworkError", code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    expect(server.connections).toBe(1);
    expect(server.received).toEqual([]);
    await eventually(() => server.open === 0);
  });

  test("a server that switches to another protocol", async () => {
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
