import { describe, expect, test } from "vitest";
import { silent, systemClock, type Task, TaskAborted } from "#core";
import { definitions } from "#tasks";
import { runAttempt } from "../../packages/core/run/attempt.ts";
import { createRegistry } from "../../packages/core/tasks/define-task.ts";
import { retryAfterMs } from "../../packages/tasks/http-errors.ts";
import { eventually } from "../support/eventually.ts";
import { aTask, handlerConfig, noTasks } from "../support/web/run-task.ts";
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

describe("what becomes of the task", () => {
  const attempt = (changes: Partial<Task>, { signal = new AbortController().signal } = {}) => {
    const registry = createRegistry(definitions);
    const task: Task = { ...aTask, type: "http_request", ...changes };
    return runAttempt(
      {
        store: { renew: async () => undefined },
        registry,
        clock: systemClock,
        log: silent,
        tasks: noTasks,
        handlerConfig,
        deleteFinished: async () => 0,
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
    expect(await outcome).toEqual({ kind: "given_back", crashed: false });
    await eventually(() => server.open === 0);
  });
});
