/** What becomes of a task whose handler fails, is stopped, or returns what cannot be stored. */
import { expect, test } from "vitest";
import { foreignTask, RetryAfter, type TaskDefinition, type TaskErrorData } from "#core";
import { HISTORY_LIMIT } from "../../../packages/core/limits.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { failing, gated, noting, obedient } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";
import { hurriedClock } from "../../support/hurried-clock.ts";

describeOnStacks("a task", (bed) => {
  test("whose handler throws ends in Error, with what was thrown", async () => {
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [failing] });
    await tasks.create([
      { type: "failing", max_attempts: 1 },
      { type: "failing", task_data: { how: "string" }, max_attempts: 1 },
    ]);
    expect(await worker.tick()).toMatchObject({ failed: 2 });
    const first = await tasks.get(1);
    expect(first).toMatchObject({
      task_status: "Error",
      error_data: {
        message: "it broke  here",
        name: "TypeError",
        code: "42",
        attempts: 1,
        stack: expect.stringContaining("tasks.ts"),
      },
    });
    expect(first.updatedAt).toBe(first.finished_at);
    expect((await tasks.get(2)).error_data).toEqual({ message: "a string", name: "NonError", attempts: 1 });
  });

  test("that fails again and again keeps the records of its latest attempts, and not more than a few", async () => {
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [failing] });
    await tasks.create([{ type: "failing", max_attempts: 99, task_data: { how: "tomorrow" } }]);
    const attemptsKept = async () => (await tasks.get(1)).history?.map(({ attempt }) => attempt);
    const upTo = (last: number, count: number) =>
      Array.from({ length: count }, (_, n) => last - count + 1 + n);
    for (const [earlier, kept] of [
      [HISTORY_LIMIT - 1, HISTORY_LIMIT],
      [HISTORY_LIMIT, HISTORY_LIMIT],
    ] as const) {
      await bed.sql(
        `update "baasix_Tasks" set attempts = ${earlier}, scheduled_time = now() - interval '1 minute', history =
          (select jsonb_agg(jsonb_build_object('attempt', n, 'outcome', 'failed')) from generate_series(1, ${earlier}) n)`,
      );
      expect(await worker.tick({ askPostgres: true })).toMatchObject({ retried: 1 });
      expect(await attemptsKept()).toEqual(upTo(earlier + 1, kept));
    }
  });

  test("is tried again after a pause until its attempts are used up, and each is recorded", async () => {
    const { tasks } = bed.make({ definitions: [failing] });
    await tasks.create([
      { type: "failing" },
      { type: "failing", task_data: { times: 2 } },
      { type: "failing", task_data: { how: "permanent" } },
    ]);
    await eventually(async () =>
      (await tasks.list({ limit: 9 })).every(
        ({ task_status }) => task_status === "Error" || task_status === "Completed",
      ),
    );
    const { error_data, attempts, history } = await tasks.get(1);
    expect(attempts).toBe(3);
    expect(history?.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, "failed"],
      [2, "failed"],
      [3, "failed"],
    ]);
    expect((error_data as TaskErrorData).history?.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(await tasks.get(2)).toMatchObject({
      task_status: "Completed",
      attempts: 3,
      result_data: { attempt: 3 },
      error_data: null,
    });
    expect(await tasks.get(3)).toMatchObject({
      task_status: "Error",
      attempts: 1,
      error_data: { code: "hopeless" },
    });
  });

  test("is tried again when its handler says", async () => {
    const { tasks } = bed.make({ definitions: [failing] });
    await tasks.create([{ type: "failing", task_data: { how: "later", times: 1 } }]);
    const done = await eventually(async () => {
      const task = await tasks.get(1);
      return task.task_status === "Completed" && task;
    });
    expect(
      Date.parse(done.started_at ?? "") - Date.parse(done.history?.[0]?.ended_at ?? ""),
    ).toBeGreaterThanOrEqual(25);
  });

  test("of a type that nobody here handles waits for code that has it, and says so", async () => {
    const { definition } = noting();
    const { ran, definition: unheard } = noting("unheard of");
    const old = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await bed.sql(
      `insert into "baasix_Tasks" (type, scheduled_time) values ('unheard of', now() - interval '3 minutes')`,
    );
    expect(await old.worker.refresh()).toMatchObject({ waitingForCode: 1, due: 0 });
    expect(await old.worker.tick()).toMatchObject({ failed: 0, ended: "idle" });
    expect(await old.worker.tick({ askPostgres: true })).toMatchObject({ failed: 0, ended: "idle" });
    expect(await old.operator.getCacheStats()).toMatchObject({ waitingForCode: 1 });
    expect(await old.operator.getNotStartedTasks()).toMatchObject([{ id: 1, attempts: 0 }]);
    const newer = bed.make({ doorbell: noteRings(), definitions: [definition, unheard] });
    expect(await newer.worker.refresh()).toMatchObject({ waitingForCode: 0, due: 1 });
    expect(await newer.worker.tick()).toMatchObject({ completed: 1 });
    expect(ran).toHaveLength(1);
    expect(await newer.operator.getCacheStats()).not.toHaveProperty("waitingForCode");
  });

  test("of a type that is run here is not held up by more of other types than the cache takes", async () => {
    const { ran, definition } = noting();
    const rings = noteRings();
    const { worker, operator } = bed.make({
      doorbell: rings,
      definitions: [definition, foreignTask({ type: "email_batch" })],
      env: { TASK_CACHE_LIMIT: "3" },
    });
    for (const type of ["email_batch", "unheard of"])
      await bed.sql(
        `insert into "baasix_Tasks" (type, scheduled_time) select '${type}', now() - interval '1 hour' from generate_series(1, 5)`,
      );
    await bed.sql(
      `insert into "baasix_Tasks" (type, scheduled_time) values ('note', now() - interval '1 minute')`,
    );
    // It rings for what is due, and says how late it is.
    expect(await worker.refresh()).toMatchObject({
      due: 1,
      cut: false,
      oldestDueAgeSeconds: expect.closeTo(60, -1),
    });
    expect(rings.rings).toHaveLength(1);
    expect(await worker.tick()).toMatchObject({ completed: 1, ended: "idle" });
    expect(ran).toHaveLength(1);
    // And goes back to sleep, though many others wait.
    expect(await worker.tick()).toMatchObject({ completed: 0, ended: "idle" });
    expect((await operator.getNotStartedTasks()).map(({ type }) => type)).toEqual(
      Array.from({ length: 3 }, () => "email_batch"),
    );
  });

  test("of a type that another deployment handles is left to it while both work, at once", async () => {
    const { definition } = noting();
    const { ran, definition: fresh } = noting("fresh");
    const old = bed.make({ doorbell: noteRings(), definitions: [definition] });
    const newer = bed.make({ doorbell: noteRings(), definitions: [definition, fresh] });
    await newer.worker.refresh();
    await newer.tasks.create([{ type: "fresh" }]);
    expect(await old.worker.tick()).toMatchObject({ ended: "unclaimable" });
    await old.worker.refresh();
    expect(await newer.worker.tick()).toMatchObject({ completed: 1 });
    expect(ran).toHaveLength(1);
  });

  test("whose type another deployment runs goes back when its lease is ended, and no attempt is lost", async () => {
    const { definition } = noting();
    const { definition: fresh } = noting("fresh");
    const old = bed.make({ doorbell: noteRings(), definitions: [definition] });
    const newer = bed.make({ doorbell: noteRings(), definitions: [definition, fresh] });
    await bed.sql(`insert into "baasix_Tasks" (type, task_status, slot, lease_token, lease_expires_at, attempts, started_at)
      values ('fresh', 'Running', 0, 'theirs', now() - interval '1 second', 1, now() - interval '1 minute')`);
    await old.worker.refresh();
    await old.worker.tick();
    expect(await old.tasks.get(1)).toMatchObject({
      task_status: "Not started",
      attempts: 1,
      crashes: 1,
      history: [{ attempt: 1, outcome: "crashed" }],
    });
    expect(await newer.worker.tick()).toMatchObject({ completed: 1 });
    expect(await newer.tasks.get(1)).toMatchObject({ attempts: 2 });
  });

  test("that reaches its time limit is aborted, and the attempt counts as failed", async () => {
    const { started, definition } = obedient("slow", { timeoutSeconds: 0.05 });
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create([{ type: "slow" }]);
    expect(await worker.tick()).toMatchObject({ failed: 1 });
    expect(started[0]?.signal.reason).toMatchObject({ code: "timeout" });
    expect(await tasks.get(1)).toMatchObject({
      task_status: "Error",
      error_data: { code: "timeout", name: "TimeoutError", message: "the task took longer than 0.05 s" },
    });
  });

  test("whose handler ignores its signal costs the process, and stays Running until its lease ends", async () => {
    const { definition } = gated("stubborn", { timeoutSeconds: 0.01 });
    let giveUp: (reason: string) => void = () => {};
    const givenUp = new Promise<string>((resolve) => {
      giveUp = resolve;
    });
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [definition],
      dies: true,
      clock: hurriedClock(100),
      // A process that ends never answers.
      exit: (reason) => {
        giveUp(reason);
        return new Promise<never>(() => {});
      },
    });
    await tasks.create([{ type: "stubborn" }]);
    void worker.tick();
    expect(await givenUp).toMatch(/the handler of task 1 \(stubborn\) was still running/);
    expect(await tasks.get(1)).toMatchObject({ task_status: "Running", crashes: 0 });
  });

  test("reports its progress, keeps its lease, and is asked to stop when it is cancelled", async () => {
    const { started, definition } = obedient();
    const { tasks } = bed.make({ definitions: [definition], env: { TASK_RUNNING_TTL: "2" } });
    await tasks.create([{ type: "obedient" }]);
    const context = await eventually(() => started[0]);
    const before = Date.parse((await tasks.get(1)).lease_expires_at ?? "");
    await context.progress(0.25);
    expect(await tasks.get(1)).toMatchObject({ task_status: "Running", progress: 0.25 });
    await eventually(async () => Date.parse((await tasks.get(1)).lease_expires_at ?? "") > before + 500);
    expect(await tasks.cancel(1)).toMatchObject({ task_status: "Running", cancel_requested: true });
    const done = await eventually(async () => {
      const task = await tasks.get(1);
      return task.task_status === "Error" && task;
    });
    expect(context.signal.reason).toMatchObject({ code: "cancelled" });
    expect(done).toMatchObject({
      cancel_requested: false,
      progress: null,
      error_data: { code: "cancelled", name: "CancelledError" },
    });
  });

  test("is not lost when its result is not JSON, too large or odd", async () => {
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [
        {
          type: "circular",
          run: async () => {
            const a: { self?: unknown } = {};
            a.self = a;
            return a;
          },
        },
        { type: "large", run: async () => "x".repeat(300_000) },
        { type: "nothing", run: async () => undefined },
        { type: "zero", run: async () => ({ text: "a\u0000b", half: "\ud800" }) },
      ],
    });
    await tasks.create([{ type: "circular" }, { type: "large" }, { type: "nothing" }, { type: "zero" }]);
    expect(await worker.tick()).toMatchObject({ completed: 3, failed: 1 });
    expect((await tasks.get(1)).error_data).toMatchObject({
      message: expect.stringMatching(/the result is not JSON/),
    });
    expect((await tasks.get(2)).result_data).toMatchObject({ truncated: true, bytes: 300_002 });
    expect((await tasks.get(3)).result_data).toBeNull();
    expect(await tasks.get(4)).toMatchObject({ task_status: "Completed" });
  });

  test("keeps whatever its handler throws, whatever pause it asks for", async () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const throwing = (type: string, thrown: () => unknown, more: Partial<TaskDefinition> = {}) => ({
      type,
      maxAttempts: 2,
      run: async () => {
        throw thrown();
      },
      ...more,
    });
    const broken = () => {
      throw new Error("the pause cannot be told");
    };
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [
        throwing("circular", () => circular),
        throwing("symbol", () => Symbol("odd")),
        throwing("nothing", () => undefined),
        throwing("silent", () => ({ toJSON: () => undefined })),
        throwing("odd name", () => Object.assign(new Error("odd"), { name: 5 })),
        throwing("no number", () => new RetryAfter(Number.NaN)),
        throwing("never", () => new RetryAfter(Number.POSITIVE_INFINITY)),
        throwing("no pause", () => new Error("plain"), { backoffMs: broken }),
      ],
    });
    const types = ["circular", "symbol", "nothing", "silent", "odd name", "no number", "never", "no pause"];
    await tasks.create(types.map((type) => ({ type })));
    expect(await worker.tick()).toMatchObject({ retried: 8, ended: "idle" });
    const errors = (await tasks.list({ limit: 9 }))
      .map((task) => (task.error_data as TaskErrorData | null)?.message)
      .reverse();
    expect(errors).toEqual([
      expect.stringContaining("[Circular *1]"),
      "Symbol(odd)",
      "undefined",
      expect.stringContaining("toJSON"),
      "odd",
      expect.any(String),
      expect.any(String),
      "plain",
    ]);
  });

  test("whose result the table refuses ends in Error, and the next one runs", async () => {
    const { ran, definition } = noting();
    const refusable = { type: "refusable", run: async () => ({ text: "a\0b" }) };
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [refusable, definition] });
    await tasks.create([{ type: "refusable" }, { type: "note" }]);
    // As a table that somebody else made may have it: jsonb takes no zero byte.
    await bed.sql(
      `alter table "baasix_Tasks" alter column result_data type jsonb using result_data::text::jsonb`,
    );
    expect(await worker.tick()).toMatchObject({ failed: 1, completed: 1, ended: "idle" });
    await bed.sql(
      `alter table "baasix_Tasks" alter column result_data type json using result_data::text::json`,
    );
    expect(ran).toHaveLength(1);
    expect(await tasks.get(1)).toMatchObject({
      task_status: "Error",
      crashes: 0,
      error_data: { code: "result_refused", message: expect.stringContaining("Unicode escape") },
    });
  });
});
