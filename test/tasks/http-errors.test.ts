import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, test } from "vitest";
import { PermanentError, RetryAfter, silent, systemClock, type Task, TaskAborted } from "#core";
import { definitions, type HttpRequestResult } from "#tasks";
import { runAttempt } from "../../packages/core/run/attempt.ts";
import { createRegistry } from "../../packages/core/tasks/registry.ts";
import { retryAfterMs } from "../../packages/tasks/http-errors.ts";
import { httpRequest } from "../../packages/tasks/http-request.ts";
import { eventually } from "../support/eventually.ts";
import { aTask } from "../support/run/rows.ts";
import { failureOf, handlerConfig, noTasks, runTask } from "../support/web/run-task.ts";
import { serve } from "../support/web/server.ts";

const NOW_MS = Date.parse("2026-11-24T09:00:00Z");

test.each([
  [undefined, undefined],
  ["", undefined],
  ["soon", undefined],
  ["-1", undefined],
  ["0", undefined],
  ["1", 1_000],
  ["120", 120_000],
  ["86401", 86_400_000],
  ["9".repeat(400), 86_400_000],
  ["Tue, 24 Nov 2026 09:00:30 GMT", 30_000],
  ["Tue, 24 Nov 2026 08:59:00 GMT", undefined],
  ["Thu, 24 Nov 2126 09:00:00 GMT", 86_400_000],
])("Retry-After: %s is %s ms", (value, expected) => {
  expect(retryAfterMs(value, NOW_MS)).toBe(expected);
});

const send = (data: unknown) => runTask<HttpRequestResult>(httpRequest, data);

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

  test.each([408, 425, 429, 500, 501, 502, 503, 504, 599])("%i is temporary", async (status) => {
    const server = await answering(status);
    const error = await failureOf(send({ url: server.url }));
    expect(error).toMatchObject({ name: "HttpStatusError", code: `http_${status}`, status });
    expect(error).not.toBeInstanceOf(PermanentError);
    expect(error).not.toBeInstanceOf(RetryAfter);
  });

  test.each([429, 503])("%i with Retry-After sets the pause", async (status) => {
    const server = await answering(status, { "retry-after": "7" });
    const error = await failureOf(send({ url: server.url }));
    expect(error).toBeInstanceOf(RetryAfter);
    expect(error).toMatchObject({ name: "HttpStatusError", code: `http_${status}`, delayMs: 7_000 });
  });

  test.each([408, 500, 502])("%i ignores Retry-After", async (status) => {
    const server = await answering(status, { "retry-after": "7" });
    expect(await failureOf(send({ url: server.url }))).not.toBeInstanceOf(RetryAfter);
  });

  test("the message has the request, the status and the beginning of the body", async () => {
    const server = await answering(404, { "content-type": "application/json" }, '{"error":"no such thing"}');
    const error = await failureOf(send({ method: "DELETE", url: `${server.url}/x?y=z` }));
    expect(error.message).toBe(
      `DELETE ${server.url}/x?y=z answered 404 Not Found: {"error":"no such thing"}`,
    );
  });

  test("without a body, or if it is not text, the message ends with the status", async () => {
    for (const headers of [{}, { "content-type": "image/png" }]) {
      const server = await answering(500, headers, "content-type" in headers ? "PNG" : "");
      const error = await failureOf(send({ url: server.url }));
      expect(error.message).toBe(`GET ${server.url}/ answered 500 Internal Server Error`);
    }
  });

  test("the message is limited, and so is what is read for it", async () => {
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

  test("a failed request leaves no connection open", async () => {
    const server = await answering(500);
    await failureOf(send({ url: server.url }));
    await eventually(() => server.open === 0);
  });
});

describe("what becomes of the task", () => {
  const attempt = (changes: Partial<Task>, { signal = new AbortController().signal } = {}) => {
    const registry = createRegistry(definitions);
    const task: Task = aTask({ type: "http_request", ...changes });
    return runAttempt(
      {
        store: {
          renew: async () => undefined,
          readNotes: async () => ({}),
          writeNotes: async () => undefined,
        },
        registry,
        scheduler: { begin: async () => undefined, ended: async () => {}, keepUp: async (window) => window },
        clock: systemClock,
        log: silent,
        tasks: noTasks,
        handlerConfig,
        readRows: async () => [],
        deleteFinished: async () => 0,
        maxCrashes: 3,
        leaseMs: 60_000,
        exit: (reason) => {
          throw new Error(reason);
        },
      },
      { task, token: "t", slot: 0, leasedAt: Date.now() },
      {
        interrupt: signal,
        hadWholeInvocation: false,
        renewed: () => {},
      },
    );
  };
  const answering = (status: number, headers: Record<string, string> = {}) =>
    serve((_, response) => response.writeHead(status, headers).end("a body"));

  test("200 completes it", async () => {
    const { url } = await answering(200);
    expect(await attempt({ task_data: { url } })).toMatchObject({
      kind: "completed",
      result: { status: 200, body: "a body", truncated: false, redirects: 0 },
    });
  });

  test("404 ends it although attempts are left", async () => {
    const { url } = await answering(404);
    expect(await attempt({ task_data: { url }, max_attempts: 3 })).toMatchObject({
      kind: "failed",
      error: {
        name: "HttpStatusError",
        code: "http_404",
        message: `GET ${url}/ answered 404 Not Found: a body`,
      },
    });
  });

  test("503 is tried again when the server says", async () => {
    const { url } = await answering(503, { "retry-after": "77" });
    expect(await attempt({ task_data: { url }, max_attempts: 3 })).toMatchObject({
      kind: "retried",
      delayMs: 77_000,
      error: { name: "HttpStatusError", code: "http_503" },
    });
  });

  test("500 is tried again soon", async () => {
    const { url } = await answering(500);
    const outcome = await attempt({ task_data: { url }, max_attempts: 3 });
    expect(outcome).toMatchObject({ kind: "retried", error: { code: "http_500" } });
    expect(outcome.kind === "retried" && outcome.delayMs).toBeLessThanOrEqual(1_000);
  });

  test("by default there is one attempt", async () => {
    const { url } = await answering(503, { "retry-after": "77" });
    expect(await attempt({ task_data: { url } })).toMatchObject({
      kind: "failed",
      error: { code: "http_503" },
    });
  });

  test("a refused address ends it although attempts are left", async () => {
    expect(await attempt({ task_data: { url: "http://10.0.0.1/" }, max_attempts: 3 })).toMatchObject({
      kind: "failed",
      error: { name: "AddressRefusedError", code: "http_address_refused" },
    });
  });

  test("data that is not valid ends it", async () => {
    expect(await attempt({ task_data: { url: "x" }, max_attempts: 3 })).toMatchObject({
      kind: "failed",
      error: {
        code: "invalid_data",
        message: expect.stringMatching(/^task_data\.url must be a URL .*, got "x"$/),
      },
    });
  });

  test("an interruption gives it back", async () => {
    const server = await serve(() => {});
    const aborter = new AbortController();
    const outcome = attempt({ task_data: { url: server.url } }, { signal: aborter.signal });
    await eventually(() => server.received.length === 1);
    aborter.abort(new TaskAborted("shutdown"));
    expect(await outcome).toMatchObject({ kind: "interrupted", record: { code: "shutdown" } });
    await eventually(() => server.open === 0);
  });
});
