import * as v from "valibot";
import { describe, expect, test } from "vitest";
import type { NewTask, TaskChanges } from "#core";
import { BATCH_LIMIT, ISSUES_LIMIT, TASK_DATA_LIMIT_BYTES } from "../../../packages/core/limits.ts";
import { checkChanges, checkNewTasks } from "../../../packages/core/tasks/new-task.ts";
import { createRegistry } from "../../../packages/core/tasks/registry.ts";

const registry = createRegistry([
  { type: "note", run: async () => {} },
  { type: "greet", data: v.object({ name: v.string() }), run: async () => {} },
  { type: "numbers", data: v.array(v.number()), run: async () => {} },
]);
const check = (...tasks: unknown[]) => checkNewTasks(registry, tasks as NewTask[]);
/** What a call is refused for: its code, and the paths of its issues. */
const refusalOf = async (checking: Promise<unknown>) => {
  const error = await checking.then(
    () => undefined,
    (thrown: { code: string; issues?: { path: string }[] }) => thrown,
  );
  return error && [error.code, ...(error.issues ?? []).map(({ path }) => path)];
};

describe("new tasks", () => {
  test("need no more than a type", async () => {
    expect(await check({ type: "note" })).toEqual([{ type: "note" }]);
  });

  test("get their times in UTC; an absent time is left to Postgres", async () => {
    const [inUtc, now] = await check(
      { type: "note", scheduled_time: "2026-11-24T10:00:00+01:00" },
      { type: "note", scheduled_time: null },
    );
    expect(inUtc?.scheduled_time).toBe("2026-11-24T09:00:00.000Z");
    expect(now?.scheduled_time).toBeNull();
  });

  test.each([
    ["a type that is missing", {}, "type"],
    ["a type that is empty", { type: "" }, "type"],
    ["a type that is not a string", { type: 5 }, "type"],
    ["a time without its zone", { type: "note", scheduled_time: "2026-11-24T09:00:00" }, "scheduled_time"],
    ["a time that is a number", { type: "note", scheduled_time: 0 }, "scheduled_time"],
    ["no attempts", { type: "note", max_attempts: 0 }, "max_attempts"],
    ["half an attempt", { type: "note", max_attempts: 1.5 }, "max_attempts"],
    ["an attachment without a name", { type: "note", attachment_id: "" }, "attachment_id"],
    ["a column that callers cannot set", { type: "note", task_status: "Completed" }, "task_status"],
    ["data that its type refuses", { type: "greet", task_data: { name: 5 } }, "task_data.name"],
    ["data that is missing", { type: "greet" }, "task_data"],
    ["something that is not an object", "note", ""],
  ])("are refused with %s", async (_, task, path) => {
    expect(await refusalOf(check(task))).toEqual(["invalid_request", path]);
  });

  test.each([
    ["is missing", {}, "type is missing"],
    [
      "cannot be set",
      { type: "note", attempts: 0 },
      /^attempts is not a field .*; these can: type, .*_seconds$/,
    ],
    ["is no task", "note", 'the task must be an object with a type, got "note"'],
  ])("what %s is called so", async (_, task, message) => {
    await expect(check(task)).rejects.toThrow(message);
  });

  test("that are many have the first issues told, and the others counted as far as they were looked for", async () => {
    const wrong = (count: number) => Array.from({ length: count }, () => ({ type: "" }));
    await expect(check(...wrong(ISSUES_LIMIT - 1))).rejects.toThrow(/got ""$/);
    await expect(check(...wrong(ISSUES_LIMIT), { type: "" })).rejects.toThrow(/; and 1 more$/);
    await expect(check(...wrong(ISSUES_LIMIT), { type: "note" }, { type: "" })).rejects.toThrow(
      /; and at least 1 more$/,
    );
    const numbers = { type: "numbers", task_data: Array(ISSUES_LIMIT + 5).fill("one") };
    await expect(check(numbers)).rejects.toThrow(/; and 5 more$/);
  });

  test("are refused together, with an issue for each value", async () => {
    const checking = check({ type: "note" }, { type: "" }, { type: "greet", task_data: {}, max_attempts: 0 });
    expect(await refusalOf(checking)).toEqual(["invalid_request", "[1].type", "[2].max_attempts"]);
  });

  test("of a type that nobody handles are refused with a code of its own, unless something else is wrong", async () => {
    expect(await refusalOf(check({ type: "unheard of" }))).toEqual(["unknown_type", "type"]);
    expect(await refusalOf(check({ type: "unheard of" }, { type: "" }))).toEqual([
      "invalid_request",
      "[0].type",
      "[1].type",
    ]);
    await expect(check({ type: "unheard of" })).rejects.toThrow(
      'type must be one that has a handler ("note", "greet", "numbers"), got "unheard of"',
    );
    await expect(checkNewTasks(createRegistry([]), [{ type: "note" }])).rejects.toThrow("handler (none)");
  });

  test("of any type are taken by a process that only enqueues, if the rest is right", async () => {
    const open = createRegistry(
      [{ type: "greet", data: v.object({ name: v.string() }), run: async () => {} }],
      {
        open: true,
      },
    );
    expect(await checkNewTasks(open, [{ type: "unheard of", task_data: [1] }])).toHaveLength(1);
    expect(await refusalOf(checkNewTasks(open, [{ type: "unheard of", task_data: 7n }]))).toEqual([
      "invalid_request",
      "task_data",
    ]);
    expect(await refusalOf(checkNewTasks(open, [{ type: "greet", task_data: {} }]))).toEqual([
      "invalid_request",
      "task_data.name",
    ]);
  });

  test("have the data checked that their handler will get: what JSON makes of it", async () => {
    const of = (data: v.GenericSchema) => createRegistry([{ type: "dated", data, run: async () => {} }]);
    const dated = (data: v.GenericSchema, at: unknown) =>
      refusalOf(
        checkNewTasks(of(v.object({ at: v.optional(data) })), [{ type: "dated", task_data: { at } }]),
      );
    const refused = ["invalid_request", "task_data.at"];
    expect(await dated(v.string(), new Date(0))).toBeUndefined();
    expect(await dated(v.date(), new Date(0))).toEqual(refused);
    expect(await dated(v.map(v.string(), v.string()), new Map())).toEqual(refused);
    expect(await dated(v.instance(URL), new URL("https://example.com"))).toEqual(refused);
    expect(await dated(v.string(), undefined)).toBeUndefined();
    expect(await dated(v.null(), Symbol("none"))).toBeUndefined();
    expect(await dated(v.array(v.null()), [() => {}, undefined])).toBeUndefined();
    expect(await dated(v.array(v.object({ n: v.number() })), [{ n: 1 }])).toBeUndefined();
    expect(
      await refusalOf(checkNewTasks(of(v.undefined()), [{ type: "dated", task_data: () => {} }])),
    ).toBeUndefined();
  });

  test("may have data up to a limit", async () => {
    const largest = "x".repeat(TASK_DATA_LIMIT_BYTES - 2);
    expect(await check({ type: "note", task_data: largest })).toHaveLength(1);
    expect(await refusalOf(check({ type: "note", task_data: `${largest}x` }))).toEqual([
      "task_data_too_large",
    ]);
  });

  test("may be many, up to a limit, and not none", async () => {
    const many = Array.from({ length: BATCH_LIMIT }, () => ({ type: "note" }));
    expect(await check(...many)).toHaveLength(BATCH_LIMIT);
    expect(await refusalOf(check(...many, { type: "note" }))).toEqual(["too_many_tasks"]);
    expect(await refusalOf(check())).toEqual(["invalid_request", ""]);
  });
});

describe("changes of a task", () => {
  const current: NewTask = { type: "greet", task_data: { name: "Ada" } };
  const change = (given: unknown) => checkChanges(registry, current, given as TaskChanges);

  test("may be one field", async () => {
    expect(await change({ scheduled_time: "2026-11-24T10:00:00+01:00" })).toEqual({
      scheduled_time: "2026-11-24T09:00:00.000Z",
    });
    expect(await change({ task_data: { name: "Grace" } })).toEqual({ task_data: { name: "Grace" } });
  });

  test("of the type must suit the data that is there, and of the data the type", async () => {
    expect(await change({ type: "note" })).toEqual({ type: "note" });
    expect(await refusalOf(change({ task_data: {} }))).toEqual(["invalid_request", "task_data.name"]);
    const toGreet = (task_data: unknown) =>
      checkChanges(registry, { type: "note", task_data }, { type: "greet" });
    expect(await toGreet({ name: "Ada" })).toEqual({ type: "greet" });
    expect(await refusalOf(toGreet({ name: 5 }))).toEqual(["invalid_request", "task_data.name"]);
  });

  test("of the time alone ask nothing of its type and data: both may be from before a deployment", async () => {
    const old: NewTask = { type: "forgotten", task_data: "of another shape" };
    expect(await checkChanges(registry, old, { max_attempts: 3 })).toEqual({ max_attempts: 3 });
  });

  test.each([
    ["nothing at all", {}, ["invalid_request", ""]],
    ["a column that callers cannot set", { attempts: 0 }, ["invalid_request", "attempts"]],
    ["a type that nobody handles", { type: "unheard of" }, ["unknown_type", "type"]],
  ])("are refused with %s", async (_, given, refusal) => {
    expect(await refusalOf(change(given))).toEqual(refusal);
  });
});
