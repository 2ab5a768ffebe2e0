/** What may be said about a unique key, and what a definition says of it. */
import * as v from "valibot";
import { expect, test } from "vitest";
import { defineTask, type NewTask } from "#core";
import { checkChanges, checkNewTasks } from "../../../packages/core/tasks/new-task.ts";
import { createRegistry } from "../../../packages/core/tasks/registry.ts";

const data = v.object({ image: v.optional(v.string()) });
const registry = createRegistry([
  defineTask({ type: "note", run: async () => {} }),
  defineTask({
    type: "resize",
    data,
    unique: { key: ({ image }) => image, for: "unfinished", onConflict: "replace" },
    run: async () => {},
  }),
]);
const check = async (...tasks: object[]) => checkNewTasks(registry, tasks as NewTask[]);
const AT = "2027-01-01T00:00:00.000Z";

test.each<[object, string, RegExp]>([
  [{ unique_key: "" }, "unique_key", /a string of 1 to 255 characters, got ""/],
  [{ unique_key: "x".repeat(10_240) }, "unique_key", /a string of 1 to 255 characters, got "xxx/],
  [{ unique_key: 7 }, "unique_key", /a string of 1 to 255 characters, got 7/],
  [{ unique_key: "\0" }, "unique_key", /without U\+0000/],
  [
    { unique_key: "a", unique_for: "ever" },
    "unique_for",
    /"waiting", "unfinished" or a whole number of seconds from 1 to 31536000, got "ever"/,
  ],
  [{ unique_key: "a", unique_for: 0 }, "unique_for", /got 0/],
  [{ unique_key: "a", unique_for: 1.5 }, "unique_for", /got 1.5/],
  [{ unique_key: "a", unique_for: 31_536_001 }, "unique_for", /got 31536001/],
  [
    { unique_key: "a", on_conflict: "drop" },
    "on_conflict",
    /one of "keep", "replace", "postpone", got "drop"/,
  ],
  [{ unique_for: 60 }, "unique_for", /must come with a unique_key, got none/],
  [{ on_conflict: "replace" }, "on_conflict", /must come with a unique_key, got none/],
  [{ longest_wait_seconds: 60 }, "longest_wait_seconds", /must come with a unique_key, got none/],
  [
    { unique_key: "a", longest_wait_seconds: 60 },
    "longest_wait_seconds",
    /on_conflict "postpone" or "replace", got "keep"/,
  ],
  [
    { unique_key: "a", unique_for: 60, on_conflict: "replace" },
    "on_conflict",
    /must be "keep", got "replace" with unique_for 60/,
  ],
  [
    { unique_key: "a", on_conflict: "postpone", scheduled_time: AT },
    "longest_wait_seconds",
    /with on_conflict "postpone", got none/,
  ],
  [
    { unique_key: "a", on_conflict: "postpone", longest_wait_seconds: 60 },
    "scheduled_time",
    /must be given with on_conflict "postpone"/,
  ],
])("%o is refused, with the field and what would be right", async (given, path, message) => {
  await expect(check({ type: "note", ...given })).rejects.toMatchObject({
    code: "invalid_request",
    issues: [{ path, message: expect.stringMatching(message) }],
  });
  await expect(check({ type: "note" }, { type: "note", ...given })).rejects.toMatchObject({
    issues: [{ path: `[1].${path}` }],
  });
});

test("a key cannot be changed", async () => {
  await expect(checkChanges(registry, { type: "note" }, { unique_key: "a" } as object)).rejects.toMatchObject(
    { issues: [{ path: "unique_key" }] },
  );
});

test("a definition says how its tasks are unique, unless whoever creates one does", async () => {
  const task = { type: "resize", task_data: { image: "a.png" } };
  expect(await check(task)).toMatchObject([
    { unique_key: "a.png", unique_for: "unfinished", on_conflict: "replace" },
  ]);
  expect(await check({ ...task, unique_key: "b", on_conflict: "keep" })).toMatchObject([
    { unique_key: "b", unique_for: "unfinished", on_conflict: "keep" },
  ]);
  const [without] = await check({ ...task, unique_key: null });
  expect(without).toMatchObject({ unique_key: null });
  expect(without).not.toHaveProperty("unique_for");
  expect((await check({ ...task, task_data: {} }))[0]?.unique_key).toBeUndefined();
  await expect(check({ ...task, task_data: { image: "x".repeat(256) } })).rejects.toMatchObject({
    issues: [{ path: "unique_key", message: expect.stringContaining("1 to 255 characters") }],
  });
});

test("a definition that cannot make a key of the data refuses the task, and says which", async () => {
  const open = createRegistry([
    defineTask({
      type: "open",
      unique: { key: (given) => (given as { person: { name: string } }).person.name },
      run: async () => {},
    }),
  ]);
  const tasks: NewTask[] = [{ person: { name: "Ada" } }, {}].map((task_data) => ({
    type: "open",
    task_data,
  }));
  await expect(checkNewTasks(open, tasks)).rejects.toMatchObject({
    code: "invalid_request",
    issues: [{ path: "[1].task_data", message: expect.stringMatching(/make a unique key \(.*'name'/) }],
  });
});
