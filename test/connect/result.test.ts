/** How often a result is looked for. */
import { describe, expect, test } from "vitest";
import { ResultTimeoutError } from "#connect";
import type { Task } from "#core";
import { TaskFailedError } from "#core";
import { type ResultWait, waitForResult } from "../../packages/connect/result.ts";
import { RESULT_PAUSE_MAX_MS, RESULT_PAUSE_MS, RESULT_TIMEOUT_MS } from "../../packages/core/limits.ts";
import { aTask } from "../support/run/rows.ts";
import { createVirtualClock } from "../support/world/virtual-clock.ts";

/** Waits for a task that looks, at each moment, as `taskAt` says. */
function waiting(
  taskAt: (passedMs: number, beganMs: number) => Partial<Task>,
  wait: Partial<ResultWait> = {},
) {
  const clock = createVirtualClock();
  const beganMs = clock.now();
  const looks: number[] = [];
  const get = async () => {
    looks.push(clock.now() - beganMs);
    return aTask(taskAt(clock.now() - beganMs, beganMs));
  };
  const result = waitForResult({ get }, 7, { signals: [], clock, ...wait }).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  return { looks, result, pass: clock.pass };
}
const pausesOf = (looks: readonly number[]) => looks.slice(1).map((at, n) => at - (looks[n] ?? 0));
const running = (): Partial<Task> => ({ task_status: "Running" });

describe("a result", () => {
  test("that is there needs one look", async () => {
    const { looks, result } = waiting(() => ({ task_status: "Completed", result_data: { a: 1 } }));
    expect(await result).toEqual({ value: { a: 1 } });
    expect(looks).toHaveLength(1);
  });

  test("is looked for after pauses that grow to a limit, and not for ever", async () => {
    const { looks, result, pass } = waiting(running);
    await pass(RESULT_TIMEOUT_MS);
    expect(await result).toEqual({ error: expect.any(ResultTimeoutError) });
    const pauses = pausesOf(looks).slice(0, -1);
    expect(pauses[0]).toBeLessThanOrEqual(RESULT_PAUSE_MS);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(RESULT_PAUSE_MS / 2);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(RESULT_PAUSE_MAX_MS);
    expect(looks.length).toBeLessThanOrEqual(6 + (2 * RESULT_TIMEOUT_MS) / RESULT_PAUSE_MAX_MS);
    expect(looks.at(-1)).toBe(RESULT_TIMEOUT_MS);
  });

  test("is looked for quickly anew once its task is due", async () => {
    const dueInMs = 30_000;
    const { looks, result, pass } = waiting((passedMs, beganMs) =>
      passedMs < dueInMs + 50
        ? { task_status: "Not started", scheduled_time: new Date(beganMs + dueInMs).toISOString() }
        : { task_status: "Completed", result_data: "late" },
    );
    await pass(RESULT_TIMEOUT_MS);
    expect(await result).toEqual({ value: "late" });
    expect(looks.filter((at) => at < dueInMs).length).toBeLessThanOrEqual(dueInMs / RESULT_PAUSE_MAX_MS + 1);
    expect(looks.at(-1)).toBeLessThanOrEqual(dueInMs + 50 + 2 * RESULT_PAUSE_MS);
  });

  test("is looked for once, without a pause, when no time is given", async () => {
    const { looks, result } = waiting(running, { timeoutMs: 0 });
    expect(await result).toMatchObject({ error: { task: { id: 7 } } });
    expect(looks).toEqual([0]);
  });

  test("is not looked for any more once a signal aborts, nor if it had before", async () => {
    const signal = new AbortController();
    const { looks, result, pass } = waiting(running, {
      signals: [new AbortController().signal, signal.signal],
    });
    await pass(1_000);
    const seen = looks.length;
    signal.abort("enough");
    expect(await result).toEqual({ error: "enough" });
    await pass(RESULT_TIMEOUT_MS);
    expect(looks).toHaveLength(seen);
    const never = waiting(running, { signals: [signal.signal] });
    expect(await never.result).toEqual({ error: "enough" });
    expect(never.looks).toEqual([]);
  });

  test("is given up at once, also while Postgres keeps silent", async () => {
    const signal = new AbortController();
    const result = waitForResult({ get: () => new Promise<never>(() => {}) }, 7, {
      signals: [signal.signal],
    });
    signal.abort(new Error("enough"));
    await expect(result).rejects.toThrow("enough");
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 86_400_001])(
    "is not waited for %d ms",
    async (timeoutMs) => {
      const { result, looks } = waiting(running, { timeoutMs });
      expect(await result).toMatchObject({
        error: { code: "invalid_request", issues: [{ path: "timeoutMs" }] },
      });
      expect(looks).toEqual([]);
    },
  );
});

test.each<[unknown, Partial<TaskFailedError>]>([
  [
    { message: "it broke", name: "TypeError", code: "E1", attempts: 3 },
    {
      message: "Task 7 (any) ended in Error: it broke",
      code: "E1",
      errorData: { message: "it broke", name: "TypeError", code: "E1", attempts: 3 },
    },
  ],
  [
    { error: "x", code: 5 },
    { message: "Task 7 (any) ended in Error: nothing says why", code: "5" },
  ],
  [
    "a text",
    {
      message: "Task 7 (any) ended in Error: a text",
      errorData: { message: "a text", name: "Error", attempts: 1 },
    },
  ],
  [null, { message: "Task 7 (any) ended in Error: nothing says why" }],
])("an error says what the row has, whoever wrote it: %j", (error_data, expected) => {
  const failure = new TaskFailedError(aTask({ task_status: "Error", error_data }));
  expect(failure).toMatchObject({ name: "TaskFailedError", code: undefined, ...expected });
});
