/** What compiles when tasks are enqueued, and what does not: `tsc` is what runs these tests. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import * as v from "valibot";
import { describe, expectTypeOf, test } from "vitest";
import type { Connection } from "#connect";
import {
  type DataOf,
  defineTask,
  type Enqueuer,
  foreignTask,
  lazyTask,
  type ResultOf,
  type Task,
  type TaskOf,
} from "#core";

const greet = defineTask({
  type: "greet",
  data: v.object({ name: v.string(), title: v.optional(v.string()), size: v.optional(v.number(), 1) }),
  run: async ({ name }) => ({ hello: name, at: new Date() }),
});
/** Its data may be anything, and absent. */
const report = defineTask({ type: "report", run: async () => {} });
const cleanup = defineTask({
  type: "cleanup",
  data: v.optional(v.object({ days: v.number() })),
  run: async (): Promise<number | undefined> => 7,
});
const lazy = lazyTask({ type: "greet", load: async () => greet });
const theirs = foreignTask({ type: "theirs", data: v.object({ to: v.string() }) });

/** Only compiled: there is no connection. */
const compiled = (_: (tickwork: Connection) => unknown) => {};

describe("the types of a definition", () => {
  test("follow from its schema and from what its handler returns", () => {
    type Data = { name: string; title?: string | undefined; size?: number | undefined };
    expectTypeOf<DataOf<typeof greet>>().toEqualTypeOf<Data>();
    expectTypeOf<ResultOf<typeof greet>>().toEqualTypeOf<{ hello: string; at: string }>();
    expectTypeOf<DataOf<typeof report>>().toEqualTypeOf<unknown>();
    expectTypeOf<ResultOf<typeof report>>().toEqualTypeOf<null>();
    expectTypeOf<ResultOf<typeof cleanup>>().toEqualTypeOf<number | null>();
  });

  test("are those of the code that is loaded later", () => {
    expectTypeOf<DataOf<typeof lazy>>().toEqualTypeOf<DataOf<typeof greet>>();
    expectTypeOf<ResultOf<typeof lazy>>().toEqualTypeOf<ResultOf<typeof greet>>();
    expectTypeOf(lazy.type).toEqualTypeOf<"greet">();
    // @ts-expect-error: another type is loaded
    lazyTask({ type: "other", load: async () => greet });
  });

  test("are known of another program's tasks, but for their result", () => {
    expectTypeOf<DataOf<typeof theirs>>().toEqualTypeOf<{ to: string }>();
    expectTypeOf<ResultOf<typeof theirs>>().toEqualTypeOf<unknown>();
    expectTypeOf(theirs.type).toEqualTypeOf<"theirs">();
  });

  test("may come from any Standard Schema", () => {
    const schema = {} as StandardSchemaV1<{ from: string }, { from: Date }>;
    const define = () =>
      defineTask({
        type: "dated",
        data: schema,
        run: async (data) => {
          expectTypeOf(data).toEqualTypeOf<{ from: Date }>();
          return [data] as const;
        },
      });
    expectTypeOf<DataOf<ReturnType<typeof define>>>().toEqualTypeOf<{ from: string }>();
    expectTypeOf<ResultOf<ReturnType<typeof define>>>().toEqualTypeOf<readonly [{ from: string }]>();
  });
});

describe("a task is enqueued", () => {
  test("with the data that its definition takes", () => {
    compiled((tickwork) => [
      tickwork.enqueue(greet, { name: "Ada" }),
      tickwork.enqueue(greet, { name: "Ada", title: undefined, size: 2 }),
      // @ts-expect-error: it is misspelt
      tickwork.enqueue(greet, { nmae: "Ada" }),
      // @ts-expect-error: there is no such field
      tickwork.enqueue(greet, { name: "Ada", nmae: "Ada" }),
      // @ts-expect-error: it must be a string
      tickwork.enqueue(greet, { name: 7 }),
      // @ts-expect-error: it must have data
      tickwork.enqueue(greet),
      // @ts-expect-error: it must have data
      tickwork.enqueue(greet, undefined, { maxAttempts: 3 }),
      // @ts-expect-error: the same of a lazy one
      tickwork.enqueue(lazy, { nmae: "Ada" }),
      // @ts-expect-error: and of another program's
      tickwork.enqueue(theirs, { too: "Ada" }),
    ]);
  });

  test("with options that there are", () => {
    compiled((tickwork) => [
      tickwork.enqueue(greet, { name: "Ada" }, { at: new Date(), maxAttempts: 3, idempotencyKey: "a" }),
      tickwork.enqueue(
        greet,
        { name: "Ada" },
        { at: "2026-11-24T09:00:00Z", userId: "u", attachmentId: "f" },
      ),
      tickwork.enqueue(greet, { name: "Ada" }, { at: undefined, idempotencyKey: undefined }),
      // @ts-expect-error: there is no such option
      tickwork.enqueue(greet, { name: "Ada" }, { runAt: new Date() }),
      // @ts-expect-error: it must be a Date or a string
      tickwork.enqueue(greet, { name: "Ada" }, { at: 7 }),
      // @ts-expect-error: it must be a number
      tickwork.enqueue(greet, { name: "Ada" }, { maxAttempts: "3" }),
    ]);
  });

  test("without data where it needs none, and with any where it has no schema", () => {
    compiled((tickwork) => [
      tickwork.enqueue(report),
      tickwork.enqueue(report, { any: ["thing"] }),
      tickwork.enqueue(report, undefined, { maxAttempts: 3 }),
      tickwork.enqueue(cleanup),
      tickwork.enqueue(cleanup, { days: 7 }),
      // @ts-expect-error: it must be a number
      tickwork.enqueue(cleanup, { days: "7" }),
    ]);
  });

  test("by its name, with the type of its definition or with none", () => {
    compiled((tickwork) => [
      tickwork.enqueue<typeof greet>("greet", { name: "Ada" }),
      // @ts-expect-error: it is misspelt
      tickwork.enqueue<typeof greet>("greet", { nmae: "Ada" }),
      // @ts-expect-error: its name is another one
      tickwork.enqueue<typeof greet>("gret", { name: "Ada" }),
      tickwork.enqueue("anything", { any: ["thing"] }, { maxAttempts: 3 }),
      tickwork.enqueue("anything"),
    ]);
  });

  test("with many others", () => {
    compiled((tickwork) => [
      tickwork.enqueueMany(greet, [{ data: { name: "Ada" } }, { data: { name: "Alan" }, at: new Date() }]),
      tickwork.enqueueMany(greet, [{ data: { name: "Ada" } }], { idempotencyKey: "all" }),
      tickwork.enqueueMany(report, [{}, { maxAttempts: 3 }, { data: 7 }]),
      tickwork.enqueueMany<typeof greet>("greet", [{ data: { name: "Ada" } }]),
      // @ts-expect-error: it is misspelt
      tickwork.enqueueMany(greet, [{ data: { nmae: "Ada" } }]),
      // @ts-expect-error: it must have data
      tickwork.enqueueMany(greet, [{ at: new Date() }]),
      // @ts-expect-error: the key is the request's
      tickwork.enqueueMany(greet, [{ data: { name: "Ada" }, idempotencyKey: "one" }]),
      // @ts-expect-error: each has its own time
      tickwork.enqueueMany(greet, [{ data: { name: "Ada" } }], { at: new Date() }),
    ]);
  });

  test("by a handler, also one of its own type by its name", () => {
    defineTask({
      type: "parent",
      run: async (_, { enqueue, enqueueMany }) => {
        await enqueueMany(report, [{}]);
        // @ts-expect-error: it is misspelt
        await enqueue(greet, { nmae: "Ada" });
        await enqueue("parent", { again: true });
        return enqueue(greet, { name: "Ada" });
      },
    });
    const recurring = defineTask({
      type: "recurring",
      run: async (_, { enqueue }): Promise<void> => {
        await enqueue(recurring);
      },
    });
    expectTypeOf<ResultOf<typeof recurring>>().toEqualTypeOf<null>();
  });
});

describe("what comes back", () => {
  test("is the row, with the types of its definition, and passes for any task", () => {
    compiled(async (tickwork) => {
      const task = await tickwork.enqueue(greet, { name: "Ada" });
      expectTypeOf(task).toEqualTypeOf<TaskOf<typeof greet>>();
      expectTypeOf(task.type).toEqualTypeOf<"greet">();
      expectTypeOf(task.task_data).toEqualTypeOf<{ name: string; title?: string; size?: number }>();
      expectTypeOf(task.result_data).toEqualTypeOf<{ hello: string; at: string } | null>();
      expectTypeOf(task).toExtend<Task>();
      expectTypeOf(task.scheduled_time).toEqualTypeOf<string>();
      const [first] = await tickwork.enqueueMany(greet, [{ data: { name: "Ada" } }]);
      expectTypeOf(first).toEqualTypeOf<TaskOf<typeof greet> | undefined>();
      const untyped = await tickwork.enqueue("anything");
      expectTypeOf(untyped.type).toEqualTypeOf<string>();
      expectTypeOf(untyped.result_data).toEqualTypeOf<unknown>();
    });
  });

  test("is the result, whose type follows from what the handler returns", () => {
    compiled(async (tickwork) => {
      type Greeting = { hello: string; at: string };
      expectTypeOf(
        await tickwork.result(await tickwork.enqueue(greet, { name: "Ada" })),
      ).toEqualTypeOf<Greeting>();
      expectTypeOf(
        await tickwork.result(await tickwork.enqueue(lazy, { name: "Ada" })),
      ).toEqualTypeOf<Greeting>();
      const [first] = await tickwork.enqueueMany(greet, [{ data: { name: "Ada" } }]);
      if (first) expectTypeOf(await tickwork.result(first)).toEqualTypeOf<Greeting>();
      expectTypeOf(await tickwork.result<typeof greet>(7)).toEqualTypeOf<Greeting>();
      expectTypeOf(await tickwork.result(await tickwork.enqueue(report))).toEqualTypeOf<null>();
      expectTypeOf(await tickwork.result(await tickwork.enqueue(cleanup))).toEqualTypeOf<number | null>();
      expectTypeOf(await tickwork.result(7)).toEqualTypeOf<unknown>();
      expectTypeOf(await tickwork.result(await tickwork.tasks.get(7))).toEqualTypeOf<unknown>();
      // @ts-expect-error: there is no such option
      await tickwork.result(7, { timeout: 5 });
    });
  });

  test("is the same for whatever enqueues", () => {
    expectTypeOf<Connection>().toExtend<Enqueuer & AsyncDisposable>();
  });
});
