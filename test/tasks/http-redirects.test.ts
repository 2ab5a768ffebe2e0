import type { RequestListener } from "node:http";
import { describe, expect, test } from "vitest";
import { PermanentError } from "#core";
import type { HttpRequestResult } from "#tasks";
import { httpRequest } from "../../packages/tasks/http-request.ts";
import { eventually } from "../support/eventually.ts";
import { failureOf, runTask, type Surroundings } from "../support/web/run-task.ts";
import { serve } from "../support/web/server.ts";

const send = (data: unknown, surroundings?: Surroundings) =>
  runTask<HttpRequestResult>(httpRequest, data, surroundings);

/** Redirects the paths of the table, and answers "ok" to all others. */
const redirecting = (table: Record<string, string>, status = 302): RequestListener => {
  return (request, response) => {
    const location = table[request.url ?? ""];
    if (location === undefined) response.end("ok");
    else response.writeHead(status, { location }).end("moved");
  };
};

test("a chain of five, relative and absolute", async () => {
  const server = await serve(
    redirecting({ "/0": "/1", "/1": "2", "/2": "./3", "/3": "?n=4", "/3?n=4": "/5#there" }),
  );
  const result = await send({ url: `${server.url}/0#here` });
  expect(server.received.map(({ path }) => path)).toEqual(["/0", "/1", "/2", "/3", "/3?n=4", "/5"]);
  expect(result).toMatchObject({ status: 200, body: "ok", redirects: 5, url: `${server.url}/5` });
  await eventually(() => server.open === 0);
});

test("more redirects than follow_redirects allows", async () => {
  const server = await serve(redirecting({ "/0": "/a/1", "/a/1": "2", "/a/2": "../3", "/3": "/4" }));
  expect((await send({ url: `${server.url}/0`, follow_redirects: 4 })).redirects).toBe(4);
  const error = await failureOf(send({ url: `${server.url}/0`, follow_redirects: 3 }));
  expect(error.code).toBe("http_too_many_redirects");
});

test("a loop ends, permanently", async () => {
  const server = await serve(redirecting({ "/a": "/b", "/b": "/a" }));
  const error = await failureOf(send({ url: `${server.url}/a` }));
  expect(error).toMatchObject({ name: "HttpRedirectError", code: "http_too_many_redirects" });
  expect(error).toBeInstanceOf(PermanentError);
  expect(error.message).toBe(`GET ${server.url}/b redirects again after 5 redirects; at most 5 are followed`);
  expect(server.received).toHaveLength(6);
  await eventually(() => server.open === 0);
});

test("follow_redirects: 0 makes the redirect the result", async () => {
  const server = await serve(redirecting({ "/a": "http://10.0.0.1/" }));
  expect(await send({ url: `${server.url}/a`, follow_redirects: 0 })).toMatchObject({
    status: 302,
    body: "moved",
    redirects: 0,
    url: `${server.url}/a`,
    headers: { location: "http://10.0.0.1/" },
  });
});

test.each([300, 302, 304])("a %i without a location is a result", async (status) => {
  const server = await serve((_, response) => response.writeHead(status).end());
  expect(await send({ url: server.url })).toMatchObject({ status, redirects: 0 });
});

test.each([
  ["ftp://example.com/", /redirects to "ftp:", but only http and https are followed/],
  ["javascript:alert(1)", /redirects to "javascript:"/],
  ["file:///etc/passwd", /redirects to "file:"/],
  ["http://[", /redirects to "http:\/\/\[", which is not a URL/],
])("a redirect to %s", async (location, message) => {
  const server = await serve(redirecting({ "/": location }));
  const error = await failureOf(send({ url: server.url }));
  expect(error).toMatchObject({ name: "HttpRedirectError", code: "http_bad_redirect" });
  expect(error).toBeInstanceOf(PermanentError);
  expect(error.message).toMatch(message);
  await eventually(() => server.open === 0);
});

test.each(["/next", "ftp://example.com/"])("the body of a redirect to %s is not read", async (location) => {
  const server = await serve((request, response) => {
    if (request.url === "/next") response.end("ok");
    else response.writeHead(302, { location }).write("a body that does not end");
  });
  await send({ url: server.url }).catch(() => undefined);
  await eventually(() => server.open === 0);
});

test("a location in UTF-8", async () => {
  const location = Buffer.from("/grüße").toString("latin1");
  const server = await serve(redirecting({ "/": location }));
  expect((await send({ url: server.url })).url).toBe(`${server.url}/gr%C3%BC%C3%9Fe`);
});

describe("the method", () => {
  const methodAfter = async (status: number, method: string) => {
    const server = await serve(redirecting({ "/": "/next" }, status));
    const hasBody = method !== "GET" && method !== "HEAD";
    const headers = { "content-language": "en", "x-one": "1" };
    await send({ url: server.url, method, headers, ...(hasBody ? { body: { a: 1 } } : {}) });
    expect(server.received).toHaveLength(2);
    return server.received[1];
  };

  test.each([
    [301, "POST"],
    [302, "POST"],
    [303, "POST"],
    [303, "PUT"],
    [303, "PATCH"],
    [303, "DELETE"],
  ])("%i turns %s into GET, without the body and its headers", async (status, method) => {
    const second = await methodAfter(status, method);
    expect(second).toMatchObject({ method: "GET", body: "", headers: { "x-one": "1" } });
    expect(second?.headers).not.toHaveProperty("content-type");
    expect(second?.headers).not.toHaveProperty("content-length");
    expect(second?.headers).not.toHaveProperty("content-language");
  });

  test.each([
    [301, "PUT"],
    [302, "DELETE"],
    [307, "POST"],
    [308, "POST"],
    [307, "PATCH"],
    [308, "DELETE"],
  ])("%i keeps %s and the body", async (status, method) => {
    expect(await methodAfter(status, method)).toMatchObject({
      method,
      body: '{"a":1}',
      headers: { "content-type": "application/json", "content-length": "7", "content-language": "en" },
    });
  });

  test.each([
    [301, "GET"],
    [303, "GET"],
    [303, "HEAD"],
    [307, "HEAD"],
  ])("%i keeps %s", async (status, method) => {
    expect(await methodAfter(status, method)).toMatchObject({ method, body: "" });
  });
});

describe("a header that the task gives", () => {
  const headers = {
    Authorization: "Bearer x",
    Cookie: "a=1",
    "X-Key": "k",
    Accept: "a/b",
    "User-Agent": "me",
  };
  const given = { authorization: "Bearer x", cookie: "a=1", "x-key": "k", accept: "a/b", "user-agent": "me" };

  test("is kept within the origin", async () => {
    const server = await serve(redirecting({ "/": "/next" }));
    await send({ url: server.url, headers });
    expect(server.received[1]?.headers).toMatchObject(given);
  });

  /** A server that redirects to another, and that one back. */
  const thereAndBack = async (data: object) => {
    const first = await serve((request, response) => {
      if (request.url === "/back") response.end("ok");
      else response.writeHead(307, { location: second.url }).end();
    });
    const second = await serve((_, response) =>
      response.writeHead(307, { location: `${first.url}/back` }).end(),
    );
    await send({ url: first.url, method: "POST", headers, body: "x", ...data });
    expect(first.received[0]).toMatchObject({ body: "x", headers: given });
    return [second.received[0], first.received[1]];
  };

  test("is dropped when the port changes, and does not come back; what describes the body goes with the body", async () => {
    for (const received of await thereAndBack({ headers: { ...headers, "Content-Type": "text/x" } })) {
      expect(received).toMatchObject({
        method: "POST",
        body: "x",
        headers: { accept: "*/*", "user-agent": "tickwork", "content-type": "text/x" },
      });
      for (const name of ["authorization", "cookie", "x-key"])
        expect(received?.headers).not.toHaveProperty(name);
    }
  });

  test("is sent to other origins if redirect_headers names it", async () => {
    for (const received of await thereAndBack({ redirect_headers: ["x-KEY", "Authorization"] })) {
      expect(received?.headers).toMatchObject({ authorization: "Bearer x", "x-key": "k", accept: "*/*" });
      expect(received?.headers).not.toHaveProperty("cookie");
    }
  });

  test("is dropped when the host changes", async () => {
    const server = await serve((request, response) => {
      if (request.url === "/next") response.end("ok");
      else response.writeHead(302, { location: `http://localhost:${server.port}/next` }).end();
    });
    await send({ url: server.url, headers }, { httpRequestAllow: ["127.0.0.1", "localhost"] });
    expect(server.received[1]?.headers.host).toBe(`localhost:${server.port}`);
    for (const name of ["authorization", "cookie", "x-key"])
      expect(server.received[1]?.headers).not.toHaveProperty(name);
  });

  test("is not taken from the redirect", async () => {
    const server = await serve((request, response) => {
      if (request.url === "/next") response.end("ok");
      else response.writeHead(302, { location: `http://me:secret@127.0.0.1:${server.port}/next` }).end();
    });
    const result = await send({ url: server.url });
    expect(result.url).toBe(`${server.url}/next`);
    expect(server.received[1]?.headers).not.toHaveProperty("authorization");
  });
});

describe("a redirect to an address that may not be reached", () => {
  test("to another port than the allowed one", async () => {
    const secret = await serve((_, response) => response.end("secret"));
    const server = await serve(redirecting({ "/": secret.url }));
    const error = await failureOf(
      send({ url: server.url }, { httpRequestAllow: [`127.0.0.1:${server.port}`] }),
    );
    expect(error.code).toBe("http_address_refused");
    expect(error).toBeInstanceOf(PermanentError);
    expect(secret.connections).toBe(0);
    await eventually(() => server.open === 0);
  });

  test.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://2130706433:1/",
    "http://[::ffff:10.0.0.1]/",
    "//10.0.0.1/",
  ])("%s", async (location) => {
    const server = await serve(redirecting({ "/": location }, 307));
    const error = await failureOf(
      send({ url: server.url }, { httpRequestAllow: [`127.0.0.1:${server.port}`] }),
    );
    expect(error.code).toBe("http_address_refused");
  });
});

// What leads to this machine, to its network or to a metadata service, in each notation that a URL has.
test.each([
  ...["127.0.0.1", "2130706433", "017700000001", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "0"],
  ...["10.0.0.1", "192.168.1", "0xC0A80101", "172.16.0.1", "100.64.0.1"],
  ...["169.254.169.254", "2852039166", "0xA9FEA9FE", "025177524776", "169.254.170.2", "168.63.129.16"],
  ...[
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:7f00:1]",
    "[::127.0.0.1]",
  ],
  ...["[64:ff9b::a9fe:a9fe]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1]", "[fd00:ec2::254]"],
  ...["localhost", "LOCALHOST", "%6cocalhost", "①②⑦.0.0.1"],
])("a redirect to %s is refused before anything is connected to", async (host) => {
  const target = await serve((_, response) => response.end("secret"));
  // Headers are bytes.
  const location = Buffer.from(`http://${host}:${target.port}/`).toString("latin1");
  const server = await serve(redirecting({ "/": location }, 307));
  const error = await failureOf(
    send({ method: "POST", url: server.url, body: "x" }, { httpRequestAllow: [`127.0.0.1:${server.port}`] }),
  );
  expect(error.code).toBe("http_address_refused");
  expect(error).toBeInstanceOf(PermanentError);
  expect(target.connections).toBe(0);
  expect(server.received).toHaveLength(1);
});
