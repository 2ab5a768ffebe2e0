/** What compiles and what does not: `tsc` reads this file, and every `@ts-expect-error` is an error that must be there. */
import type * as v from "valibot";
import { expect, expectTypeOf, test } from "vitest";
import {
  type CacheStats,
  type Client,
  createClient,
  type Health,
  type ListFilter,
  type NewTaskOf,
  type Task,
  type TaskChangesOf,
  type TaskErrorData,
  type TaskOf,
  type TaskPage,
  type TickworkApiError,
  type TypeOf,
} from "#client";
import type { errorSchema } from "../../packages/api/schemas/error-schema.ts";
import type * as queries from "../../packages/api/schemas/query-schemas.ts";
import type * as schemas from "../../packages/api/schemas/schemas.ts";
import type * as tasks from "../support/client/tasks.ts";

type Module = typeof tasks;

/** The same, but for the fields that a table may have besides. */
type Known<T> = { [Field in keyof T as string extends Field ? never : Field]: T[Field] };
type Output<Schema extends v.GenericSchema> = v.InferOutput<Schema>;
type Input<Schema extends v.GenericSchema> = v.InferInput<Schema>;

/** Never called: it is enough that it compiles. */
const only = (_compiles: (client: Client<Module>, any: Client) => unknown) => {};

test("what is sent and answered has the types of the API's own schemas", () => {
  expectTypeOf<Task>().branded.toEqualTypeOf<Known<Output<typeof schemas.TaskSchema>>>();
  expectTypeOf<TaskOf>().branded.toEqualTypeOf<Task>();
  expectTypeOf<NewTaskOf>().branded.toEqualTypeOf<Input<typeof schemas.NewTaskSchema>>();
  expectTypeOf<TaskChangesOf>().branded.toEqualTypeOf<Input<typeof schemas.TaskChangesSchema>>();
  expectTypeOf<keyof TaskPage>().toEqualTypeOf<keyof Output<typeof schemas.TaskListSchema>>();
  expectTypeOf<CacheStats>().branded.toEqualTypeOf<Output<typeof schemas.StatsSchema>>();
  expectTypeOf<Health>().branded.toEqualTypeOf<Output<typeof schemas.HealthSchema>>();
  // In a query they are text.
  type Flag = "dead" | "waiting_for_code";
  expectTypeOf<Omit<ListFilter, Flag>>().branded.toEqualTypeOf<
    Omit<Input<typeof queries.ListQuerySchema>, "limit" | "cursor" | Flag>
  >();
  type Query = NonNullable<Parameters<Client["listPage"]>[0]>;
  expectTypeOf<keyof Query>().toEqualTypeOf<keyof Input<typeof queries.ListQuerySchema>>();
  type Failure = Output<ReturnType<typeof errorSchema>>["error"];
  expectTypeOf<NonNullable<TickworkApiError["code"]>>().toEqualTypeOf<Failure["code"]>();
});

test("the types of task come from a module, its list `definitions`, a tuple, a union, or one definition", () => {
  expectTypeOf<TypeOf<Module>>().toEqualTypeOf<"greet" | "fail" | "slow">();
  expectTypeOf<TypeOf<{ definitions: Module["greet" | "slow"][]; fail: Module["fail"] }>>().toEqualTypeOf<
    "greet" | "slow"
  >();
  expectTypeOf<TypeOf<[Module["greet"], Module["fail"]]>>().toEqualTypeOf<"greet" | "fail">();
  expectTypeOf<TypeOf<Module["greet"] | Module["fail"]>>().toEqualTypeOf<"greet" | "fail">();
  expectTypeOf<TypeOf<Module["greet"]>>().toEqualTypeOf<"greet">();
  expectTypeOf<TypeOf>().toEqualTypeOf<string>();
});

test("only data that its type takes can be sent", () => {
  only(async (client) => {
    await client.create({ type: "greet", task_data: { name: "Ada" }, scheduled_time: new Date() });
    await client.create({ type: "slow" });
    await client.create({ type: "slow", task_data: { ms: 1 } });
    // @ts-expect-error no such type
    await client.create({ type: "gret", task_data: { name: "Ada" } });
    // @ts-expect-error no such field of its data
    await client.create({ type: "greet", task_data: { nmae: "Ada" } });
    // @ts-expect-error one field too many
    await client.create({ type: "greet", task_data: { name: "Ada", age: 36 } });
    // @ts-expect-error another type's data
    await client.create({ type: "greet", task_data: { code: "x" } });
    // @ts-expect-error the data is missing
    await client.create({ type: "greet" });
    // @ts-expect-error no such field
    await client.create({ type: "slow", maxAttempts: 3 });
    // @ts-expect-error not a time
    await client.create({ type: "slow", scheduled_time: 5 });
    await client.createMany(["Ada", "Grace"].map((name) => ({ type: "greet", task_data: { name } })));
    // @ts-expect-error the second one's data is wrong
    await client.createMany([{ type: "slow" }, { type: "greet", task_data: { nmae: "Ada" } }]);
    await client.update(7, { type: "greet", task_data: { name: "Ada" } });
    await client.update(7, { task_data: "whatever the task is" });
    // @ts-expect-error not what this type takes
    await client.update(7, { type: "greet", task_data: { nmae: "Ada" } });
    // @ts-expect-error not what this task takes
    await client.update({ id: 7, type: "greet" }, { task_data: { nmae: "Ada" } });
    // @ts-expect-error no such status
    await client.listPage({ status: "Failed" });
  });
});

test("answers have the types of their definitions", () => {
  only(async (client) => {
    const task = await client.create({ type: "greet", task_data: { name: "Ada" } });
    expectTypeOf(task.type).toEqualTypeOf<"greet">();
    expectTypeOf(task.task_data.name).toEqualTypeOf<string>();
    expectTypeOf(task.result_data).toEqualTypeOf<{ hello: string; at: string } | null>();
    expectTypeOf(task.error_data).toEqualTypeOf<TaskErrorData | null>();
    expectTypeOf(await client.get(task)).toEqualTypeOf(task);
    expectTypeOf(await client.retry(task)).toEqualTypeOf(task);
    expectTypeOf(await client.cancel(task)).toEqualTypeOf(task);
    expectTypeOf(await client.get<"greet">(7)).toEqualTypeOf(task);
    expectTypeOf(await client.get(7)).branded.toEqualTypeOf<Task>();
    expectTypeOf((await client.get<"fail">(7)).task_data.code).toEqualTypeOf<string>();
    expectTypeOf((await client.listPage({ type: "greet" })).tasks).toEqualTypeOf<(typeof task)[]>();
    for await (const listed of client.list({ type: "greet" })) expectTypeOf(listed).toEqualTypeOf(task);
    for await (const listed of client.list()) expectTypeOf(listed).branded.toEqualTypeOf<Task>();

    const ended = await client.waitFor(task, {
      onProgress: (seen) => expectTypeOf(seen).toEqualTypeOf(task),
    });
    if (ended.task_status === "Completed") {
      expectTypeOf(ended.result_data).toEqualTypeOf<{ hello: string; at: string }>();
      expectTypeOf(ended.error_data).toEqualTypeOf<null>();
    } else {
      expectTypeOf(ended.task_status).toEqualTypeOf<"Error">();
      expectTypeOf(ended.error_data).toEqualTypeOf<TaskErrorData>();
    }
    expectTypeOf((await client.waitFor(7)).error_data).toEqualTypeOf<unknown>();

    const [greeted, slept] = await client.createMany([
      { type: "greet", task_data: { name: "Ada" } },
      { type: "slow" },
    ]);
    expectTypeOf(greeted).toEqualTypeOf(task);
    expectTypeOf(slept.task_data).toEqualTypeOf<{ ms: number } | null>();
    const many = await client.createMany([1, 2].map((n) => ({ type: "slow", task_data: { ms: n } })));
    expectTypeOf(many).toEqualTypeOf<TaskOf<Module, "slow">[]>();
    const batch: NewTaskOf<Module>[] = [{ type: "slow" }];
    expectTypeOf(await client.createMany(batch)).toEqualTypeOf<TaskOf<Module, TypeOf<Module>>[]>();
  });
});

test("a client that knows no definitions takes any type and any data", () => {
  only(async (_, client) => {
    const task = await client.create({ type: "anything", task_data: [1, "two"] });
    expectTypeOf(task.type).toEqualTypeOf<string>();
    expectTypeOf(task).toExtend<Task>();
    await client.create({ type: "anything" });
    // @ts-expect-error no such field
    await client.create({ type: "anything", data: {} });
    const given: { type: string }[] = [];
    await client.createMany(given);
    await client.waitFor(task);
  });
});

test("the global fetch will do, and a function of one's own", () => {
  createClient({ url: "http://localhost", fetch });
  createClient({ url: "http://localhost", fetch: async (url) => new Response(url) });
  // @ts-expect-error where it is must be said
  expect(() => createClient({})).toThrow(TypeError);
});
