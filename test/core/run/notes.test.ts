/** What a task notes is there for its later attempts, and only the holder of its lease can write it. */
import { expect, test } from "vitest";
import { defineTask, TaskAborted } from "#core";
import { NOTES_LIMIT_BYTES } from "../../../packages/core/limits.ts";
import { withResolvers } from "../../../packages/core/with-resolvers.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { failureOf } from "../../support/web/run-task.ts";

describeOnStacks("the notes of a task", (bed) => {
  const make = (
    run: Parameters<typeof defineTask>[0]["run"],
    { withoutRedis = false, ...options }: { batch?: boolean; withoutRedis?: boolean } = {},
  ) =>
    bed.make({
      doorbell: noteRings(),
      withoutRedis,
      definitions: [
        defineTask({ type: "noting", maxAttempts: 9, backoffMs: () => 0, run: run as never, ...options }),
      ],
    });

  test("are there in the next attempt, in the order and with the values of the last write", async () => {
    const seen: unknown[] = [];
    const { tasks, worker } = make(async (_, { notes, attempt }) => {
      seen.push(await notes.read());
      if (attempt === 1) await notes.write({ a: { n: 1 }, b: "x", c: null });
      if (attempt === 2) await notes.write({ a: [2], b: undefined });
      if (attempt < 3) throw new Error("again");
    });
    await tasks.create([{ type: "noting" }, { type: "noting", scheduled_time: "2099-01-01T00:00:00Z" }]);
    await worker.tick();
    expect(seen).toEqual([{}, { a: { n: 1 }, b: "x", c: null }, { a: [2], c: null }]);
  });

  test("a retry by hand finds them; another task does not", async () => {
    const seen: unknown[] = [];
    const { tasks, worker } = make(async (_, { notes }) => {
      seen.push(await notes.read());
      await notes.write({ done: true });
    });
    await tasks.create([{ type: "noting" }, { type: "noting" }]);
    await worker.tick();
    await tasks.retry(1);
    await worker.tick();
    expect(seen).toEqual([{}, {}, { done: true }]);
  });

  test("a worker that lost its lease writes nothing while another runs the task, and hears that it did", async () => {
    const seen: [string, unknown][] = [];
    const begun = withResolvers<void>();
    const refused = withResolvers<void>();
    const other = make(async (_, { notes }) => {
      seen.push(["other", await notes.read()]);
      begun.resolve();
      await refused.promise;
      seen.push(["other", await notes.read()]);
    });
    const { tasks, worker } = make(async (_, { notes, signal }) => {
      await notes.write({ by: "first" });
      await bed.sql(`update "baasix_Tasks" set lease_expires_at = now() - interval '1 s', rev = rev + 1`);
      await other.operator.setTaskRunning(false);
      const ticking = other.worker.tick();
      await begun.promise;
      const error = await failureOf(notes.write({ by: "first", again: true }));
      refused.resolve();
      expect(error).toBeInstanceOf(TaskAborted);
      expect(error).toMatchObject({ code: "lease_lost" });
      expect(signal.reason).toMatchObject({ code: "lease_lost" });
      seen.push(["first", "refused"]);
      await ticking;
    });
    await tasks.create([{ type: "noting", max_attempts: 1 }]);
    await worker.tick();
    expect(await tasks.get(1)).toMatchObject({ task_status: "Completed" });
    expect(seen).toContainEqual(["first", "refused"]);
    expect(seen.filter(([who]) => who === "other")).toEqual([
      ["other", { by: "first" }],
      ["other", { by: "first" }],
    ]);
  });

  test("a write tells at once that the task was cancelled, and is kept", async () => {
    const { tasks, worker } = make(async (_, { notes, signal }) => {
      await tasks.cancel(1);
      expect(signal.aborted).toBe(false);
      await notes.write({ last: 7 });
      signal.throwIfAborted();
    });
    await tasks.create([{ type: "noting" }]);
    await worker.tick();
    expect(await tasks.get(1)).toMatchObject({ task_status: "Error", error_data: { code: "cancelled" } });
    expect(await bed.sql("select name, value from tickwork_notes")).toEqual([{ name: "last", value: "7" }]);
  });

  test("leave with their task, whoever deletes it; and a task that has its id later does not find them", async () => {
    const seen: unknown[] = [];
    const { tasks, worker } = make(
      async (_, { notes }) => {
        seen.push(await notes.read());
        await notes.write({ done: true });
      },
      { withoutRedis: true },
    );
    await tasks.create([{ type: "noting" }, { type: "noting" }, { type: "noting" }]);
    await worker.tick();
    await tasks.remove(1);
    await bed.sql(`delete from "baasix_Tasks" where id = 2`);
    expect(await bed.sql("select task_id from tickwork_notes")).toEqual([{ task_id: "3" }]);
    await bed.sql(`truncate "baasix_Tasks" restart identity`);
    await tasks.create([{ type: "noting" }, { type: "noting" }, { type: "noting" }]);
    await worker.tick();
    expect(seen).toEqual([{}, {}, {}, {}, {}, {}]);
  });

  test("have limits; a batch has none of them, and a task that notes nothing costs nothing", async () => {
    const errors: Error[] = [];
    const { tasks, worker } = make(async (_, { notes }) => {
      errors.push(await failureOf(notes.write({ "": 1 })));
      errors.push(await failureOf(notes.write({ ["x".repeat(256)]: 1 })));
      errors.push(await failureOf(notes.write({ x: "x".repeat(NOTES_LIMIT_BYTES) })));
    });
    await tasks.create([{ type: "noting" }]);
    bed.counts.reset();
    await worker.tick();
    expect(bed.counts.postgres).toBe(3);
    expect(errors.map(({ name }) => name)).toEqual(["RangeError", "RangeError", "RangeError"]);
    const batch = make((_, { notes }) => notes.write({ a: 1 }), { batch: true });
    const [task] = await batch.tasks.create([{ type: "noting", max_attempts: 1 }]);
    await batch.worker.tick();
    expect((await tasks.get(task?.id ?? 0)).error_data).toMatchObject({
      message: expect.stringContaining("notes are for tasks that run one at a time"),
    });
  });
});
