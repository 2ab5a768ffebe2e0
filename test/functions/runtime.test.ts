/** The stand-in of Lambda itself: what the other suites here rely on. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EVENT_LIMIT_BYTES, type InvocationType } from "../support/aws/event-limits.ts";
import { AWS_ENV } from "../support/aws/open-doorbell.ts";
import { eventually } from "../support/eventually.ts";
import { createFunction, type FunctionOptions, type LambdaFunction } from "../support/lambda/lambda.ts";
import { buildPackages, type Packages } from "../support/lambda/package.ts";

let packages: Packages;
const functions: LambdaFunction[] = [];
beforeAll(async () => {
  packages = await buildPackages([]);
});
afterAll(async () => {
  await Promise.all(functions.map((one) => one.close()));
  await packages.remove();
});

let count = 0;
/** A function whose module is this text. */
async function functionOf(source: string, options: Partial<FunctionOptions> = {}): Promise<LambdaFunction> {
  const folder = join(packages.root, `function-${++count}`);
  await mkdir(folder);
  await writeFile(join(folder, "bundle.mjs"), source);
  const one = createFunction({
    command: packages.command,
    cwd: folder,
    functionArn: "arn:aws:lambda:us-east-1:123456789012:function:example",
    timeoutMs: 5_000,
    extension: false,
    env: {
      ...AWS_ENV,
      LAMBDA_TASK_ROOT: folder,
      _HANDLER: "bundle.handler",
      AWS_LAMBDA_FUNCTION_NAME: "example",
    },
    ...options,
  });
  functions.push(one);
  return one;
}

describe.concurrent("an invocation", () => {
  test("gets its event and its context, and answers with JSON", async () => {
    const fn = await functionOf(`export const handler = async (event, context) => ({
      event, id: context.awsRequestId, name: context.functionName, left: context.getRemainingTimeInMillis() });`);
    const done = await fn.invoke({ a: "ä" });
    expect(done).toMatchObject({
      ok: true,
      payload: { event: { a: "ä" }, id: done.requestId, name: "example" },
    });
    const { left } = (done as { payload: { left: number } }).payload;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(5_000);
    expect(await (await functionOf("export const handler = () => {};")).invoke({})).toMatchObject({
      payload: null,
    });
  });

  test("fails with what it threw, and its sandbox goes on", async () => {
    const fn = await functionOf(`export const handler = async ({ bad }) => {
      if (bad) throw new RangeError("too far"); return process.pid; };`);
    const bad = await fn.invoke({ bad: true });
    expect(bad).toMatchObject({ ok: false, error: { errorType: "RangeError", errorMessage: "too far" } });
    expect(await fn.invoke({})).toMatchObject({ ok: true, payload: bad.pid });
    expect(JSON.parse(fn.log[0]?.line ?? "")).toMatchObject({ level: "ERROR", requestId: bad.requestId });
  });

  test.each([
    ["no handler", "export const other = 1;", "Runtime.HandlerNotFound"],
    ["a module that throws", "throw new TypeError('no');", "TypeError"],
    ["a module that ends the process", "process.exit(3);", "Runtime.ExitError"],
  ])("fails for %s", async (_, source, errorType) => {
    expect(await (await functionOf(source)).invoke({})).toMatchObject({ ok: false, error: { errorType } });
  });

  test("that takes too long is killed, and the next one gets a new sandbox", async () => {
    const fn = await functionOf("export const handler = ({ hang }) => hang ? new Promise(() => {}) : 1;", {
      timeoutMs: 400,
    });
    expect(await fn.invoke({ hang: true })).toMatchObject({
      ok: false,
      error: { errorType: "Sandbox.Timedout", errorMessage: "Task timed out after 0.40 seconds" },
    });
    const next = await fn.invoke({});
    expect(next).toMatchObject({ ok: true });
    expect(next.initMs).toBeGreaterThan(0);
  });

  test("that answers with more than six megabytes fails", async () => {
    const fn = await functionOf("export const handler = async () => 'x'.repeat(7e6);");
    expect(await fn.invoke({})).toMatchObject({ error: { errorType: "Function.ResponseSizeTooLarge" } });
  });
});

describe.concurrent("an event", () => {
  const length = "export const handler = async (text) => text.length;";
  /** JSON of so many bytes, most of them in characters of two. */
  const eventOf = (bytes: number) => "ä".repeat(bytes / 2 - 1);
  const send = async (fn: LambdaFunction, type: InvocationType, event: unknown) =>
    type === "Event" ? fn.invokeAsync(event) : fn.invoke(event);

  test.each([
    [
      "RequestResponse",
      6 * 1024 * 1024,
      "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
    ],
    [
      "Event",
      1024 * 1024,
      "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
    ],
  ] as const)(
    "for %s may have %i bytes; a larger one is refused and starts nothing",
    async (type, limit, message) => {
      expect(EVENT_LIMIT_BYTES[type]).toBe(limit);
      const fn = await functionOf(length);
      await expect(send(fn, type, eventOf(limit + 2))).rejects.toMatchObject({
        code: "RequestEntityTooLargeException",
        status: 413,
        message,
      });
      expect({ idle: fn.idle(), sandboxes: fn.sandboxes.size }).toEqual({ idle: true, sandboxes: 0 });
      await send(fn, type, eventOf(limit));
      await eventually(() => fn.idle());
      // What was refused is not among them.
      expect(fn.attempts).toMatchObject([{ ok: true, payload: limit / 2 - 1 }]);
    },
  );
});

describe.concurrent("a sandbox", () => {
  test("has one invocation at a time; there are as many as are needed, up to the limit", async () => {
    const fn = await functionOf(
      `let open = 0; export const handler = async () => {
        const most = ++open; await new Promise((r) => setTimeout(r, 150)); open--; return most; };`,
      { maxConcurrency: 2 },
    );
    const done = await Promise.all([1, 2, 3, 4, 5].map((n) => fn.invoke({ n })));
    expect(done.map((one) => one.ok && one.payload)).toEqual([1, 1, 1, 1, 1]);
    expect(new Set(done.map(({ pid }) => pid)).size).toBe(2);
  });

  test("is frozen while it has nothing to do", async () => {
    const fn = await functionOf(`let last = Date.now(), longest = 0;
      setInterval(() => { longest = Math.max(longest, Date.now() - last); last = Date.now(); }, 5);
      export const handler = async () => { await new Promise((r) => setTimeout(r, 30)); return longest; };`);
    await fn.invoke({});
    await new Promise((resolve) => setTimeout(resolve, 700));
    const { payload } = (await fn.invoke({})) as unknown as { payload: number };
    expect(payload).toBeGreaterThanOrEqual(600);
  });

  const sayGoodbye = `process.once("SIGTERM", () => { console.log("goodbye"); process.exit(0); });
    export const handler = async () => process.pid;`;
  test.each([
    { extension: true, goodbyes: ["goodbye"] },
    { extension: false, goodbyes: [] },
  ])("is told to stop if there is an extension: $extension", async ({ extension, goodbyes }) => {
    const fn = await functionOf(sayGoodbye, { extension });
    await fn.invoke({});
    for (const sandbox of fn.sandboxes) await sandbox.shutDown();
    await eventually(() => fn.log.length === goodbyes.length && fn.sandboxes.size === 0);
    expect(fn.log.map(({ line }) => line)).toEqual(goodbyes);
  });
});

describe.concurrent("an asynchronous invocation", () => {
  const failing = `let n = 0; export const handler = async ({ times }) => {
    if (++n <= times) throw new Error("try " + n); return n; };`;

  test("that fails is tried twice more, under the same id", async () => {
    const fn = await functionOf(failing, { retryDelaysMs: [10, 20] });
    fn.invokeAsync({ times: 2 });
    await eventually(() => fn.attempts.length === 3 && fn.idle());
    expect(fn.attempts.map(({ nth, ok }) => `${nth} ${ok}`)).toEqual(["1 false", "2 false", "3 true"]);
    expect(new Set(fn.attempts.map(({ requestId }) => requestId)).size).toBe(1);
    expect(fn.deadLetters).toEqual([]);
  });

  test("that fails for good is a dead letter", async () => {
    const fn = await functionOf(failing, { retryDelaysMs: [10, 20] });
    fn.invokeAsync({ times: 3 });
    await eventually(() => fn.deadLetters.length > 0);
    expect(fn.deadLetters).toEqual([{ times: 3 }]);
    expect(fn.attempts).toHaveLength(3);
  });
});
