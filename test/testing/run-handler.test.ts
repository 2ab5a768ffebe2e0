import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineTask, lazyTask, TaskAborted } from "#core";
import { runHandler, testContext } from "#testing";

const resize = defineTask({
  type: "resize",
  data: v.object({ width: v.optional(v.pipe(v.number(), v.minValue(1)), 100), on: v.optional(v.string()) }),
  timeoutSeconds: 60,
  run: async ({ width }, { attempt, progress, log, tasks, task }) => {
    log.info("resizing", { width });
    await progress(0.25);
    await progress(0.5);
    const [made] = await tasks.create([{ type: "notify", task_data: { width } }], {
      idempotencyKey: `n-${task.id}`,
    });
    return { width, attempt, notified: made?.id, at: new Date(0), left: undefined };
  },
});

describe("a handler that is run alone", () => {
  test("gets data as its schema leaves it, and what it returns comes back as JSON leaves it", async () => {
    const result = await runHandler(resize, {}, { attempt: 2 });
    const { at }: { at: string } = result;
    expect(at).toBe("1970-01-01T00:00:00.000Z");
    expect(result).toEqual({ width: 100, attempt: 2, notified: 2, at });
  });

  test("leaves behind in its context what it did", async () => {
    const context = testContext({ task: { id: 7 } });
    await runHandler(resize, { width: 5 }, { context });
    expect(context.progressed).toEqual([0.25, 0.5]);
    expect(context.logged).toEqual([{ level: "info", message: "resizing", width: 5 }]);
    expect(context.created).toEqual([{ type: "notify", task_data: { width: 5 }, idempotencyKey: "n-7" }]);
    expect(await context.tasks.get(8)).toMatchObject({ type: "notify", task_status: "Not started" });
    expect(await context.tasks.list({ type: "notify", limit: 5 })).toMatchObject([{ id: 8 }]);
    await expect(context.tasks.get(9)).rejects.toMatchObject({ code: "task_not_found" });
  });

  test("is not run with data that could not be enqueued", async () => {
    await expect(runHandler(resize, { width: 0 })).rejects.toMatchObject({
      code: "invalid_request",
      issues: [{ path: "task_data.width" }],
    });
    // @ts-expect-error the width is a number
    await expect(runHandler(resize, { width: "wide" })).rejects.toMatchObject({ code: "invalid_request" });
    const any = defineTask({ type: "any", run: async () => {} });
    await expect(runHandler(any, { text: "\0" })).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("throws what it throws", async () => {
    const thrown = new Error("it broke");
    const breaks = defineTask({ type: "breaks", run: async () => Promise.reject(thrown) });
    await expect(runHandler(breaks, undefined)).rejects.toBe(thrown);
  });

  test("has its result refused when it is not JSON", async () => {
    const big = defineTask({ type: "big", run: async () => 2n });
    await expect(runHandler(big, undefined)).rejects.toThrow(/^the result is not JSON: .*BigInt/);
  });

  test("may be loaded when it is needed", async () => {
    const lazy = lazyTask({ type: "resize", load: async () => resize as never });
    expect(await runHandler(lazy, { width: 3 })).toMatchObject({ width: 3 });
    await expect(runHandler(lazy, { width: 0 })).rejects.toMatchObject({ code: "invalid_request" });
  });
});

describe("its context", () => {
  test("aborts for the reasons that Tickwork has", async () => {
    const waits = defineTask({
      type: "waits",
      run: async (_, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
          context.abort("timeout");
        }),
    });
    const context = testContext();
    await expect(runHandler(waits, undefined, { context })).rejects.toEqual(new TaskAborted("timeout"));
    // As in a tick, it is not even begun when it has to stop.
    const another = testContext();
    another.abort();
    await expect(runHandler(resize, {}, { context: another })).rejects.toMatchObject({ code: "cancelled" });
    expect(another.logged).toEqual([]);
  });

  test("has the deadline of the type, and the row that it is given", async () => {
    const looks = defineTask({
      type: "looks",
      data: v.object({ n: v.number() }),
      timeoutSeconds: 30,
      run: async (_, { task, deadline }) => ({ ...task, leftMs: deadline.getTime() - Date.now() }),
    });
    const row = await runHandler(looks, { n: 1 }, { task: { attachment_id: "file-1", id: 3 }, attempt: 4 });
    expect(row).toMatchObject({
      id: 3,
      type: "looks",
      task_data: { n: 1 },
      attachment_id: "file-1",
      attempts: 4,
    });
    expect(row.leftMs).toBeGreaterThan(20_000);
    expect(row.leftMs).toBeLessThanOrEqual(30_000);
  });

  test("refuses what Tickwork refuses, and what it has no store for, unless the test has it", async () => {
    const context = testContext({ tasks: { cancel: async (id) => context.tasks.get(id) } });
    await expect(context.progress(2)).rejects.toThrow("progress must be from 0 to 1, got 2");
    await expect(context.tasks.create([{ type: "mail", scheduled_time: "tomorrow" }])).rejects.toThrow(
      /^scheduled_time must be an ISO 8601 time/,
    );
    expect(context.created).toEqual([]);
    await expect(context.tasks.update(1, {})).rejects.toThrow(
      "The context of a test has no store for tasks.update: give it one of your own, testContext({ tasks: { update } }), or test with createTestTickwork.",
    );
    expect(await context.tasks.cancel(1)).toMatchObject({ id: 1, task_status: "Running" });
    expect(await context.deleteFinished(30)).toBe(0);
  });

  test("enqueues by definition", async () => {
    const context = testContext();
    const at = new Date("2026-11-24T09:00:00Z");
    const task = await context.enqueue(resize, { width: 5 }, { at, maxAttempts: 3 });
    expect(task).toMatchObject({
      id: 2,
      scheduled_time: at.toISOString(),
      max_attempts: 3,
      task_data: { width: 5 },
    });
    expect(context.created).toMatchObject([{ type: "resize", task_data: { width: 5 }, scheduled_time: at }]);
  });
});
