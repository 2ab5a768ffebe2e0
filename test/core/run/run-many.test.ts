import * as v from "valibot";
import { expect, test } from "vitest";
import { type BatchContext, type BatchItem, defineTask, PermanentError, TaskAborted } from "#core";
import { RUN_BATCH_AHEAD_MS } from "../../../packages/core/limits.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { eventually } from "../../support/eventually.ts";

const ofNumbers = (numbers: readonly unknown[]) => numbers.map((task_data) => ({ type: "many", task_data }));

describeOnStacks("a handler for many", (bed) => {
  test("gets the items of its type together, and each has its own outcome", async () => {
    const calls: number[][] = [];
    const definition = defineTask({
      type: "many",
      data: v.number(),
      maxAttempts: 2,
      backoffMs: () => 60_000,
      batch: { size: 10 },
      runMany: async (items) => {
        calls.push(items.map(({ data }) => data));
        return items.map(({ data }) => {
          if (data === 2) return { error: new PermanentError("not this one", { code: "two" }) };
          if (data === 3) return { error: new Error("later") };
          return { result: data * 10 };
        });
      },
    });
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create(ofNumbers([0, 1, 2, 3, 4]));
    // What its schema refuses by now.
    await bed.sql(`update "baasix_Tasks" set task_data = '"five"' where id = 5`);
    expect(await worker.tick()).toMatchObject({ completed: 2, failed: 2, retried: 1 });
    expect(calls).toEqual([[0], [1, 2, 3]]);
    expect(await tasks.get(2)).toMatchObject({ task_status: "Completed", result_data: 10, progress: 1 });
    expect(await tasks.get(3)).toMatchObject({ task_status: "Error", error_data: { code: "two" } });
    expect(await tasks.get(4)).toMatchObject({
      task_status: "Not started",
      error_data: { message: "later" },
    });
    expect(await tasks.get(5)).toMatchObject({ task_status: "Error", error_data: { code: "invalid_data" } });
  });

  test("gets as many as it may, however long a call takes", async () => {
    const calls: number[] = [];
    const definition = defineTask({
      type: "many",
      batch: { size: 20 },
      runMany: async (items) => {
        calls.push(items.length);
        await new Promise((resolve) => setTimeout(resolve, RUN_BATCH_AHEAD_MS + 50));
        return items.map(() => ({ result: null }));
      },
    });
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create(ofNumbers(Array.from({ length: 21 }, (_, n) => n)));
    expect(await worker.tick()).toMatchObject({ completed: 21 });
    expect(calls).toEqual([1, 20]);
  });

  test.each([
    ["nothing", undefined, /for each of its 1 items, in their order; got undefined/],
    ["too few", [], /got 0, so items\[0\] has none/],
    ["too many", [{ result: 1 }, { result: 2 }], /got 2, of which \[1\] belongs to no item/],
    ["no outcome", [7], /\[0\] must be { result } or { error }, got 7/],
    ["both", [{ result: 1, error: 2 }], /\[0\] must be/],
  ])("that answers %s fails its tasks with an error that says so", async (_, answer, message) => {
    const definition = defineTask({ type: "many", runMany: async () => answer as never });
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create(ofNumbers([1]));
    expect(await worker.tick()).toMatchObject({ failed: 1 });
    const { error_data } = await tasks.get(1);
    expect((error_data as Error).message).toMatch(message);
  });

  test("that throws fails all of them, and a task that was cancelled can be told from the others", async () => {
    const seen: { items: readonly BatchItem<unknown>[]; context: BatchContext }[] = [];
    const definition = defineTask({
      type: "many",
      batch: { size: 10 },
      runMany: async (items, context) => {
        seen.push({ items, context });
        if (items.length === 1) return [{ result: "first" }];
        await eventually(() => items[1]?.cancelled);
        return items.map(({ cancelled }) => (cancelled ? { error: new Error("left") } : { result: "done" }));
      },
    });
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [definition],
      env: { TASK_RUNNING_TTL: "2" },
    });
    await tasks.create(ofNumbers([1, 2, 3, 4]));
    const tick = worker.tick();
    await eventually(() => seen[1]);
    await tasks.cancel(3);
    expect(await tick).toMatchObject({ completed: 3, failed: 1 });
    expect(seen[1]?.items.map(({ attempt, cancelled }) => [attempt, cancelled])).toEqual([
      [1, false],
      [1, true],
      [1, false],
    ]);
    expect(seen[1]?.context.signal.aborted).toBe(false);
    expect(await tasks.get(3)).toMatchObject({ task_status: "Error", error_data: { code: "cancelled" } });
  });

  test("is told to stop by one signal, and its tasks go back", async () => {
    const started: BatchContext[] = [];
    const definition = defineTask({
      type: "many",
      runMany: (items, context) =>
        new Promise<{ result: number }[]>((resolve, reject) => {
          started.push(context);
          if (items.length === 1) resolve([{ result: 1 }]);
          context.signal.addEventListener("abort", () => reject(context.signal.reason));
        }),
    });
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create(ofNumbers([1, 2, 3]));
    const tick = worker.tick();
    await eventually(() => started[1]);
    await worker.shutdown();
    expect(await tick).toMatchObject({ completed: 1, givenBack: 2, ended: "stopped" });
    expect(started[1]?.signal.reason).toBeInstanceOf(TaskAborted);
    expect(await tasks.get(3)).toMatchObject({
      task_status: "Not started",
      attempts: 1,
      excused: 1,
      crashes: 0,
    });
  });
});
