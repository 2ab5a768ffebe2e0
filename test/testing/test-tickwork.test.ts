/** Tests as users write them, and what one instance owes to the next. */
import * as v from "valibot";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "#api";
import { TasksModel, tasksService, useTickwork } from "#compat";
import {
  defineTask,
  foreignTask,
  hooks,
  PermanentError,
  RetryAfter,
  TaskFailedError,
  TickworkError,
} from "#core";
import { createTestTickwork, type TestOptions, type TestTickwork } from "#testing";

const NOW = "2026-11-24T09:00:00.000Z";

const greet = defineTask({
  type: "greet",
  data: v.object({ name: v.string() }),
  run: async ({ name }) => ({ hello: name, on: new Date(0) }),
});
/** An order sends a mail at once and asks for a review a week later. */
const mail = defineTask({ type: "mail", data: v.object({ to: v.string() }), run: async () => {} });
const order = defineTask({
  type: "order",
  data: v.object({ customer: v.string() }),
  run: async ({ customer }, { tasks, task }) => {
    const week = Date.parse(task.scheduled_time) + 7 * 86_400_000;
    await tasks.create([
      { type: "mail", task_data: { to: customer } },
      { type: "review", task_data: { of: customer }, scheduled_time: new Date(week) },
    ]);
  },
});
const review = defineTask({ type: "review", data: v.object({ of: v.string() }), run: async () => "asked" });
const tally = defineTask({
  type: "tally",
  maxAttempts: 2,
  batch: { size: 10 },
  run: async (data, { attempt }) => {
    if (data === 7 && attempt === 1) throw new Error("seven");
    return attempt;
  },
});
const broken = defineTask({
  type: "broken",
  run: async () => {
    throw Object.assign(new Error("the account is closed"), { code: "account_closed" });
  },
});
const definitions = [greet, mail, order, review, broken] as const;

// The first one starts Postgres.
beforeAll(async () => (await createTestTickwork({ definitions })).close());

const opened: TestTickwork[] = [];
const open = async (options: Partial<TestOptions> = {}) => {
  const tickwork = await createTestTickwork({ now: NOW, ...options, definitions });
  opened.push(tickwork as unknown as TestTickwork);
  return tickwork;
};
afterEach(async () => {
  for (const tickwork of opened.splice(0)) await tickwork.close();
});

describe("a task", () => {
  test("waits until it is told to run, and has a result with its type", async () => {
    const tickwork = await open();
    const task = await tickwork.enqueue(greet, { name: "Ada" });
    expect(task).toMatchObject({ id: 1, task_status: "Not started", scheduled_time: NOW, createdAt: NOW });
    const { ran, failures } = await tickwork.runDue();
    expect(ran).toEqual([
      {
        task: 1,
        type: "greet",
        attempt: 1,
        at: NOW,
        outcome: "completed",
        result: { hello: "Ada", on: new Date(0) },
      },
    ]);
    expect(failures).toEqual([]);
    // Its type follows from `run`: a Date is a string by now.
    const result: { hello: string; on: string } = await tickwork.result(task);
    expect(result).toEqual({ hello: "Ada", on: "1970-01-01T00:00:00.000Z" });
    expect((await tickwork.runDue()).ran).toEqual([]);
  });

  test("may run in a batch: all that are due run in order, and those that failed later", async () => {
    await using tickwork = await createTestTickwork({ definitions: [tally], now: NOW });
    await tickwork.enqueueMany(
      tally,
      Array.from({ length: 25 }, (_, n) => ({ data: n + 1 })),
    );
    const { ran, failures } = await tickwork.runDue();
    expect(ran.map(({ task }) => task)).toEqual(Array.from({ length: 25 }, (_, n) => n + 1));
    expect(failures.map(({ task }) => task)).toEqual([7]);
    await tickwork.advance("2 seconds");
    expect(await tickwork.result(7)).toBe(2);
  });

  test("is run for its result when it is due, and else the result says when it is", async () => {
    const tickwork = await open();
    const task = await tickwork.enqueue(greet, { name: "Ada" });
    expect((await tickwork.result(task)).hello).toBe("Ada");
    const later = await tickwork.enqueue(greet, { name: "Alan" }, { at: "2026-11-25T09:00:00Z" });
    await expect(tickwork.result(later)).rejects.toThrow(
      'Task 2 (greet) must have ended for its result, got "Not started", due at 2026-11-25T09:00:00.000Z: advance the clock so far.',
    );
    await expect(tickwork.result(99)).rejects.toMatchObject({ code: "task_not_found" });
  });

  test("that fails shows what its handler threw, in the report, by its result and in its row", async () => {
    const tickwork = await open();
    const task = await tickwork.enqueue(broken);
    const { failures } = await tickwork.runDue();
    const error = { message: "the account is closed", code: "account_closed", name: "Error", attempts: 1 };
    expect(failures).toMatchObject([{ task: 1, type: "broken", outcome: "failed", error }]);
    expect(failures[0]?.error?.stack).toContain("test-tickwork.test.ts");
    const failure = await tickwork.result(task).catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(TaskFailedError);
    expect(failure).toMatchObject({
      message: "Task 1 (broken) ended in Error: the account is closed",
      code: "account_closed",
      task: { task_status: "Error", attempts: 1 },
    });
    expect(await tickwork.tasks.get(1)).toMatchObject({ task_status: "Error", error_data: error });
    expect(tickwork.logged).toContainEqual(
      expect.objectContaining({ level: "warn", message: "task failed", task: 1 }),
    );
  });

  test("enqueues others, which run at once or at their own time", async () => {
    const tickwork = await open();
    await tickwork.enqueue(order, { customer: "ada@example.com" });
    const { ran } = await tickwork.runDue();
    expect(ran.map(({ type }) => type)).toEqual(["order", "mail"]);
    const [asked] = await tickwork.enqueued({ type: "review" });
    const { of } = asked?.task_data ?? { of: "nobody" };
    expect(of).toBe("ada@example.com");
    expect(asked).toMatchObject({ task_status: "Not started", scheduled_time: "2026-12-01T09:00:00.000Z" });
    expect((await tickwork.enqueued()).map(({ id, type }) => [id, type])).toEqual([
      [1, "order"],
      [2, "mail"],
      [3, "review"],
    ]);
    expect(await tickwork.enqueued(greet)).toEqual([]);
    expect((await tickwork.advance("1 week")).ran).toMatchObject([
      { type: "review", at: "2026-12-01T09:00:00.000Z" },
    ]);
  });

  test("of a type or with data that nobody takes is refused", async () => {
    const tickwork = await open();
    const unknown = defineTask({ type: "unknown", run: async () => {} });
    await expect(tickwork.enqueue(unknown)).rejects.toThrow(
      'type must be one that has a handler ("greet", "mail", "order", "review", "broken"), got "unknown"',
    );
    // @ts-expect-error the name of a field is wrong
    await expect(tickwork.enqueue(greet, { nmae: "Ada" })).rejects.toMatchObject({
      code: "invalid_request",
      issues: [{ path: "task_data.name" }],
    });
    // @ts-expect-error no task of this type can be enqueued
    expect(await tickwork.enqueued({ type: "gret" })).toEqual([]);
  });

  test("is enqueued once for an idempotency key, until a day has passed", async () => {
    const tickwork = await open();
    const enqueue = () => tickwork.enqueue(greet, { name: "Ada" }, { idempotencyKey: "ada" });
    expect([(await enqueue()).id, (await enqueue()).id]).toEqual([1, 1]);
    expect((await tickwork.runDue()).ran).toHaveLength(1);
    await tickwork.advance("25 hours");
    expect((await enqueue()).id).not.toBe(1);
  });

  test("that is cancelled, moved or deleted does not run when it would have been due", async () => {
    const tickwork = await open();
    const at = "2026-11-24T10:00:00Z";
    const [cancelled, moved, deleted] = [
      await tickwork.enqueue(greet, { name: "cancelled" }, { at }),
      await tickwork.enqueue(greet, { name: "moved" }, { at }),
      await tickwork.enqueue(greet, { name: "deleted" }, { at }),
    ];
    await tickwork.tasks.cancel(cancelled.id);
    await tickwork.tasks.update(moved.id, { scheduled_time: "2026-11-24T11:00:00Z" });
    await tickwork.tasks.remove(deleted.id);
    expect((await tickwork.advance("90 minutes")).ran).toEqual([]);
    expect((await tickwork.advance("90 minutes")).ran).toMatchObject([
      { task: moved.id, at: "2026-11-24T11:00:00.000Z" },
    ]);
    await expect(tickwork.result(cancelled)).rejects.toMatchObject({ code: "cancelled" });
    const again = await tickwork.tasks.retry(cancelled.id);
    await tickwork.runDue();
    expect(await tickwork.tasks.get(again.id)).toMatchObject({ task_status: "Completed" });
  });

  test("that another program has written runs as well, and one of its own type does not", async () => {
    const foreign = foreignTask({ type: "foreign" });
    await using tickwork = await createTestTickwork({ definitions: [greet, foreign], now: NOW });
    const text = `insert into "baasix_Tasks" (type, task_status, scheduled_time, task_data)
      values ('greet', 'Not started', now(), '{"name":"Ada"}'), ('foreign', 'Not started', now(), null),
        ('unknown', 'Not started', now(), null)`;
    await tickwork.database.query({ text });
    expect((await tickwork.runDue()).ran).toMatchObject([{ task: 1, type: "greet", at: NOW }]);
    expect((await tickwork.advance("1 day")).ran).toEqual([]);
  });
});

describe("the three services", () => {
  test("are Tickwork's own: hooks fire, the operator pauses, the API answers", async () => {
    const tickwork = await open();
    const seen: string[] = [];
    tickwork.hooks.registerHook(
      "baasix_Tasks",
      "items.create.after",
      ({ data }) => void seen.push(data.type),
    );
    await tickwork.operator.setTaskRunning(true);
    const response = await createApp(tickwork).request("/tasks", {
      method: "POST",
      headers: { authorization: "Bearer test" },
      body: JSON.stringify({ type: "greet", task_data: { name: "Ada" } }),
    });
    expect(response.status).toBe(201);
    expect(seen).toEqual(["greet"]);
    expect((await tickwork.runDue()).ran).toEqual([]);
    expect((await tickwork.operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
    // The operator's flag ends after a quarter of an hour.
    expect((await tickwork.advance("20 minutes")).ran).toMatchObject([{ task: 1 }]);
    expect(await tickwork.operator.getHealth()).toMatchObject({ healthy: true });
  });

  test("may have the hooks of the process, and be what code written for Baasix stands on", async () => {
    const seen: string[] = [];
    const remove = hooks.registerHook("baasix_Tasks", "items.create.after", ({ data }) => {
      seen.push(data.type);
    });
    const tickwork = await open({ hooks });
    useTickwork(tickwork);
    try {
      const row = await TasksModel.create({
        type: "greet",
        task_data: { name: "Ada" },
        task_status: "Not started",
      });
      expect(row.createdAt).toEqual(new Date(NOW));
      expect(await tasksService.getNotStartedTasks()).toMatchObject([{ type: "greet" }]);
      expect((await tickwork.runDue()).ran).toMatchObject([{ type: "greet", outcome: "completed" }]);
      expect(seen).toEqual(["greet"]);
    } finally {
      useTickwork(undefined);
      remove();
    }
  });

  test("work without a cache, and with several slots", async () => {
    for (const config of [{ cacheEnabled: false }, { concurrency: 3 }]) {
      const tickwork = await open({ config });
      for (const name of ["a", "b", "c", "d"]) await tickwork.enqueue(greet, { name });
      await tickwork.enqueue(greet, { name: "e" }, { at: "2026-11-26T09:00:00Z" });
      expect((await tickwork.runDue()).ran, JSON.stringify(config)).toHaveLength(4);
      expect((await tickwork.advance("3 days")).ran, JSON.stringify(config)).toMatchObject([
        { at: "2026-11-26T09:00:00.000Z" },
      ]);
    }
  });
});

describe("one instance and another", () => {
  test("know nothing of each other, also at the same time", async () => {
    const busy = async (names: readonly string[], days: number) => {
      const tickwork = await open();
      for (const [n, name] of names.entries())
        await tickwork.enqueue(greet, { name }, { at: new Date(tickwork.clock.now() + n * 60_000) });
      const { ran } = await tickwork.advance(`${days} days`);
      return {
        names: ran.map(({ result }) => (result as { hello: string }).hello),
        now: tickwork.clock.now(),
      };
    };
    const given = ["a", "b", "c", "d", "e"].map((letter) => [1, 2, 3].map((n) => letter + n));
    const found = await Promise.all(given.map((names, n) => busy(names, n)));
    expect(found).toEqual(
      given.map((names, n) => ({
        names: n === 0 ? names.slice(0, 1) : names,
        now: Date.parse(NOW) + n * 86_400_000,
      })),
    );
  });

  test("share one Postgres, and a schema one after the other", async () => {
    const look = async () => {
      await using tickwork = await createTestTickwork({ definitions });
      await tickwork.enqueue(greet, { name: "Ada" }, { idempotencyKey: "the same" });
      await tickwork.enqueue(broken, undefined, { at: new Date(tickwork.clock.now() + 60_000) });
      await tickwork.runDue();
      const text = "select pg_postmaster_start_time() as started, current_schema() as schema";
      return { ...(await tickwork.database.query<object>({ text }))[0], tasks: await tickwork.enqueued() };
    };
    const first = await look();
    const second = await look();
    expect(second).toMatchObject({ ...first, tasks: [{ id: 1 }, { id: 2 }] });
  });

  test("repeat each other: ids, tokens and jitter follow from the seed", async () => {
    const flaky = defineTask({
      type: "flaky",
      maxAttempts: 5,
      run: async (_, { task }) => {
        throw new Error(`attempt ${task.attempts}`);
      },
    });
    const story = async (seed: number) => {
      await using tickwork = await createTestTickwork({ definitions: [flaky], now: NOW, seed });
      await tickwork.enqueue(flaky);
      const { ran } = await tickwork.advance("1 hour");
      return ran.map(({ attempt, at, retryInMs }) => ({ attempt, at, retryInMs }));
    };
    const told = await story(7);
    expect(told.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
    expect(await story(7)).toEqual(told);
    expect(await story(8)).not.toEqual(told);
  });
});

test("what is closed refuses, says so, and can be closed again", async () => {
  const tickwork = await createTestTickwork({ definitions });
  await tickwork.close();
  await tickwork.close();
  await expect(tickwork.runDue()).rejects.toThrow("this test Tickwork is closed");
  await expect(tickwork.tasks.get(1)).rejects.toThrow("this test Tickwork is closed");
});

test("what is not usable is refused in the words of Tickwork", async () => {
  await expect(createTestTickwork({ definitions: [greet, greet] })).rejects.toMatchObject({
    code: "bad_definition",
  });
  await expect(createTestTickwork({ definitions, now: "yesterday" })).rejects.toThrow(
    'now must be an ISO 8601 time with its zone, such as 2026-11-24T09:00:00Z or 2026-11-24T10:00:00+01:00, a Date, or epoch milliseconds, got "yesterday"',
  );
  const tickwork = await open();
  for (const wrong of ["3 fortnights", "days", -1, Number.NaN])
    await expect(tickwork.advance(wrong as "3 days")).rejects.toThrow(
      /^duration must be milliseconds, or a number/,
    );
  await expect(tickwork.advance("tomorrow" as "1 day")).rejects.toBeInstanceOf(TickworkError);
});

test("permanent errors and pauses that handlers ask for are seen as such", async () => {
  const polite = defineTask({
    type: "polite",
    maxAttempts: 9,
    run: async (_, { attempt }) => {
      throw attempt === 1 ? new RetryAfter(90_000) : new PermanentError("no use", { code: "no_use" });
    },
  });
  await using tickwork = await createTestTickwork({ definitions: [polite], now: NOW });
  await tickwork.enqueue(polite);
  const { ran } = await tickwork.advance("2 minutes");
  expect(ran).toMatchObject([
    { attempt: 1, outcome: "retried", retryInMs: 90_000 },
    { attempt: 2, outcome: "failed", at: "2026-11-24T09:01:30.000Z", error: { code: "no_use" } },
  ]);
});

test("what is encrypted needs no key in a test, and is reported as it is", async () => {
  const sealed = defineTask({
    type: "sealed",
    encrypt: true,
    maxAttempts: 2,
    run: async (data, { attempt }) => {
      if (attempt === 1) throw new Error(`not yet, ${data}`);
      return { hello: data };
    },
  });
  const tickwork = await createTestTickwork({ definitions: [sealed], now: NOW });
  try {
    const task = await tickwork.enqueue(sealed, "Ada");
    const { ran } = await tickwork.advance("1 minute");
    expect(ran).toMatchObject([{ error: { message: "not yet, Ada" } }, { result: { hello: "Ada" } }]);
    expect(await tickwork.result(task)).toEqual({ hello: "Ada" });
    const rows = await tickwork.database.query({
      text: `select to_jsonb(t)::text as row from "baasix_Tasks" t`,
    });
    expect(JSON.stringify(rows)).not.toContain("Ada");
  } finally {
    await tickwork.close();
  }
});
