import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, test } from "vitest";
import { PermanentError } from "#core";
import type { HttpRequestResult } from "#tasks";
import { httpRequest } from "../../packages/tasks/http-request.ts";
import { eventually } from "../support/eventually.ts";
import { failureOf, runTask, type Surroundings } from "../support/web/run-task.ts";
import { serve } from "../support/web/server.ts";

const send = (data: unknown, surroundings?: Surroundings) =>
  runTask<HttpRequestResult>(httpRequest, data, surroundings);

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

  test("invalid JSON stays text", async () => {
    const server = await answering({ "content-type": "application/json" }, '{"a":');
    expect(await send({ url: server.url })).toMatchObject({ body: '{"a":', truncated: false });
  });

  test("what looks like JSON but has another type stays text", async () => {
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

  test("the answer to a HEAD has headers and no body", async () => {
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

  test("one byte more is cut off, and JSON that was cut stays text", async () => {
    const server = await answering({ "content-type": "application/json" }, `"${"x".repeat(65_535)}"`);
    const result = await send({ url: server.url });
    expect(result.truncated).toBe(true);
    expect(result.body).toBe(`"${"x".repeat(65_535)}`);
  });

  test("what was cut is not parsed, even if it could be", async () => {
    const server = await answering({ "content-type": "application/json" }, `[1]${" ".repeat(70_000)}x`);
    const result = await send({ url: server.url });
    expect(result).toMatchObject({ body: `[1]${" ".repeat(65_533)}`, truncated: true });
  });

  test("a character that the limit cuts in two is dropped", async () => {
    const server = await answering({ "content-type": "text/plain" }, `x${"ü".repeat(40_000)}`);
    const result = await send({ url: server.url });
    expect(result.body).toBe(`x${"ü".repeat(32_767)}`);
    expect(result.encoding).toBeUndefined();
  });

  test("of a 10 MB body, the rest is not downloaded", async () => {
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

  test("a body that breaks off is a network failure", async () => {
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
