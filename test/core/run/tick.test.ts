import { getEventListeners } from "node:events";
import { expect, test, vi } from "vitest";
import { type Measurements, RetryAfter, type TaskDefinition, type TaskErrorData } from "#core";
import { eventually } from "../../support/bed/bed.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { failing, gated, noting, obedient } from "../../support/bed/tasks.ts";

describeOnStacks("a tick", (bed) => {
  const row = async (id: number) => {
    const [found] = await bed.sql<Record<string, string>>(`select * from "baasix_Tasks" where id = $1`, [
      String(id),
    ]);
    return found;
  };

  test("leaves nothing behind in the signals that live as long as the process", async () => {
    const listened = vi.spyOn(AbortSignal.prototype, "addEventListener");
    const { ran, definition } = noting();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create([{ type: "note" }, { type: "note" }]);
    await worker.tick({ timeLeftMs: 900_000 });
    expect(ran).toHaveLength(2);
    const signals = [...new Set(listened.mock.contexts as AbortSignal[])];
    listened.mockRestore();
    expect(signals.length).toBeGreaterThan(0);
    expect(signals.flatMap((signal) => getEventListeners(signal, "abort"))).toEqual([]);
  });

  test("runs what is due, by due time and then by id, and writes the results", async () => {
    const { ran, definition } = noting();
    const { tasks, operator, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create([
      { type: "note", scheduled_time: "2020-01-02T00:00:00Z" },
      { type: "note", scheduled_time: "2020-01-01T00:00:00Z", task_data: { first: true } },
      { type: "note", scheduled_time: "2020-01-02T00:00:00Z" },
      { type: "note", scheduled_time: new Date(Date.now() + 3_600_000) },
    ]);
    expect(await worker.tick()).toMatchObject({ completed: 3, ended: "idle" });
    expect(ran).toEqual([
      { id: 2, attempt: 1, data: { first: true } },
      { id: 1, attempt: 1, data: null },
      { id: 3, attempt: 1, data: null },
    ]);
    expect(await tasks.get(2)).toMatchObject({
      task_status: "Completed",
      result_data: { ran: 2 },
      error_data: null,
      attempts: 1,
      progress: 1,
    });
    expect(await tasks.get(4)).toMatchObject({ task_status: "Not started", attempts: 0 });
    expect(await operator.isTaskRunning()).toBe(false);
  });

  test("a handler that throws ends its task in Error, with what it threw", async () => {
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
    expect((await tasks.get(2)).error_data).toEqual({ message: "a string", name: "NonError", attempts: 1 });
  });

  test("attempts are repeated with a pause until they are used up, and each is kept", async () => {
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

  test("a handler says itself when it wants to be tried again", async () => {
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

  test("a type that nobody handles, and data that its schema refuses, end in Error", async () => {
    const { definition } = noting();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await bed.sql(`insert into "baasix_Tasks" (type) values ('unheard of')`);
    await worker.refresh();
    expect(await worker.tick()).toMatchObject({ failed: 1 });
    expect(await tasks.get(1)).toMatchObject({
      task_status: "Error",
      error_data: { code: "unknown_type", message: expect.stringContaining('"unheard of"') },
    });
  });

  test("a time limit aborts the signal, and the attempt counts as failed", async () => {
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

  test("a handler that ignores its signal costs the process, and the task is run again as after a crash", async () => {
    const { definition } = gated("stubborn", { timeoutSeconds: 0.01 });
    let gaveUp: (reason: string) => void = () => {};
    const givenUp = new Promise<string>((resolve) => {
      gaveUp = resolve;
    });
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [definition],
      dies: true,
      // A process that ends never answers.
      exit: (reason) => {
        gaveUp(reason);
        return new Promise<never>(() => {});
      },
    });
    await tasks.create([{ type: "stubborn" }]);
    void worker.tick();
    expect(await givenUp).toMatch(/the handler of task 1 \(stubborn\) was still running/);
    expect(await tasks.get(1)).toMatchObject({ task_status: "Running", crashes: 0 });
  });

  test("a lease that ended is claimed again before all others, and its crash is kept", async () => {
    const { ran, definition } = noting();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create([{ type: "note" }, { type: "note", scheduled_time: "2020-01-01T00:00:00Z" }]);
    await bed.sql(
      `update "baasix_Tasks" set task_status = 'Running', slot = 0, lease_token = 'dead', lease_expires_at = now() - interval '1 second', started_at = now(), attempts = 1 where id = 1`,
    );
    expect(await worker.tick()).toMatchObject({ completed: 2, ended: "idle" });
    expect(ran.map(({ id, attempt }) => [id, attempt])).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(await tasks.get(1)).toMatchObject({ crashes: 1, history: [{ attempt: 1, outcome: "crashed" }] });
  });

  test("a task that keeps killing its workers ends in Error, with the story", async () => {
    const { ran, definition } = noting();
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [definition],
      env: { TASK_MAX_CRASHES: "2" },
    });
    await tasks.create([{ type: "note" }, { type: "note" }]);
    for (let crash = 1; crash <= 3; crash++) {
      await bed.sql(`update "baasix_Tasks" set task_status = 'Running', slot = 0, lease_token = 'dead', lease_expires_at = now() - interval '1 second',
        started_at = now(), attempts = ${crash}, crashes = ${crash - 1},
        history = (select jsonb_agg(jsonb_build_object('attempt', n, 'outcome', 'crashed')) from generate_series(1, ${crash - 1}) n) where id = 1`);
      if (crash < 3)
        await bed.sql(`update "baasix_Tasks" set lease_expires_at = lease_expires_at where id = 1`);
    }
    expect(await worker.tick()).toMatchObject({ completed: 1 });
    expect(ran.map(({ id }) => id)).toEqual([2]);
    const { error_data, crashes } = await tasks.get(1);
    expect(crashes).toBe(3);
    expect(error_data).toMatchObject({
      code: "crashed",
      attempts: 3,
      message: "its worker died 3 times while it ran",
      history: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3, outcome: "crashed" }],
    });
  });

  test("progress is written, the lease renewed, and a cancelled task asked to stop", async () => {
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
      error_data: { code: "cancelled", name: "CancelledError" },
    });
    await expect(context.progress(2)).rejects.toThrow("progress must be from 0 to 1, got 2");
  });

  test("who lost its lease changes nothing, and its signal is aborted", async () => {
    const { starts, definition } = gated();
    const { tasks, operator } = bed.make({ definitions: [definition], env: { TASK_RUNNING_TTL: "2" } });
    await tasks.create([{ type: "gated" }]);
    const { context, finish } = await eventually(() => starts[0]);
    await bed.sql(`update "baasix_Tasks" set lease_token = 'another', progress = 0.5 where id = 1`);
    await context.progress(0.9);
    await eventually(() => context.signal.aborted);
    expect(context.signal.reason).toMatchObject({ code: "lease_lost" });
    finish({ late: true });
    await eventually(async () => !(await operator.isTaskRunning()));
    expect(await row(1)).toMatchObject({
      task_status: "Running",
      lease_token: "another",
      progress: "0.5",
      result_data: null,
    });
  });

  test("shutdown lets the running task finish, claims no other, and gives back what does not finish", async () => {
    const { starts, definition } = gated();
    const { definition: note } = noting();
    const bell = noteRings();
    const first = bed.make({
      doorbell: bell,
      definitions: [definition, note],
      env: { TASK_SHUTDOWN_WAIT_TIME: "30" },
    });
    await first.tasks.create([{ type: "gated" }, { type: "note" }]);
    const ticking = first.worker.tick();
    await eventually(() => starts[0]);
    const stopping = first.worker.shutdown();
    starts[0]?.finish("in time");
    await stopping;
    expect(await ticking).toMatchObject({ completed: 1, ended: "stopped" });
    expect(await first.tasks.get(2)).toMatchObject({ task_status: "Not started" });
    expect(await first.operator.isTaskRunning()).toBe(false);
    // What is left is rung for after the flag is free (rule 2).
    expect(bell.rings.at(-1)).toEqual({ now: {} });

    const { started, definition: obeys } = obedient();
    const second = bed.make({
      doorbell: noteRings(),
      definitions: [obeys, note],
      env: { TASK_SHUTDOWN_WAIT_TIME: "0" },
    });
    await second.tasks.create([{ type: "obedient", scheduled_time: "2020-01-01T00:00:00Z" }]);
    const interrupted = second.worker.tick();
    await eventually(() => started[0]);
    await second.worker.shutdown();
    expect(await interrupted).toMatchObject({ givenBack: 1 });
    expect(started[0]?.signal.reason).toMatchObject({ code: "shutdown" });
    expect(await second.tasks.get(3)).toMatchObject({
      task_status: "Not started",
      attempts: 0,
      crashes: 0,
      scheduled_time: "2020-01-01T00:00:00.000Z",
    });
  });

  test("the end of an invocation aborts the signal in time; using a whole one up counts as a crash", async () => {
    const { started, definition } = obedient();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create([{ type: "obedient" }]);
    expect(await worker.tick({ timeLeftMs: 300 })).toMatchObject({ givenBack: 1, ended: "stopped" });
    expect(started[0]?.signal.reason).toMatchObject({ code: "time_limit" });
    expect(await tasks.get(1)).toMatchObject({ task_status: "Not started", attempts: 1, crashes: 1 });
  });

  test("a tick stops claiming when the rest of the invocation is too short for the longest handler", async () => {
    const { definition } = noting();
    const bell = noteRings();
    const { tasks, worker } = bed.make({
      doorbell: bell,
      definitions: [definition],
      env: { TASK_SHUTDOWN_WAIT_TIME: "30" },
    });
    await tasks.create([{ type: "note" }, { type: "note" }]);
    bell.rings.length = 0;
    // 750 s is what a handler has by default, 30 s what a shutdown needs.
    expect(await worker.tick({ timeLeftMs: 779_000 })).toMatchObject({ completed: 1, ended: "stopped" });
    expect(bell.rings).toEqual([{ now: {} }]);
    expect(await worker.tick({ timeLeftMs: 900_000 })).toMatchObject({ completed: 1, ended: "idle" });
  });

  test("results that are no JSON or too large do not lose the task", async () => {
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

  test("whatever a handler throws, and whatever pause it asks for, is kept and breaks nothing", async () => {
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

  test("a claim that the table refuses does not cost the result of the task before", async () => {
    const { definition } = noting();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create([{ type: "note" }, { type: "note" }]);
    await bed.sql(
      `alter table "baasix_Tasks" add constraint odd check (id <> 2 or task_status <> 'Running')`,
    );
    await expect(worker.tick()).rejects.toThrow("odd");
    await bed.sql(`alter table "baasix_Tasks" drop constraint odd`);
    expect(await tasks.get(1)).toMatchObject({ task_status: "Completed", result_data: { ran: 1 } });
    expect(await worker.tick()).toMatchObject({ completed: 1 });
  });

  test("a result that the table refuses ends its task in Error, and the next one runs", async () => {
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

  test("a tick and a refresh say in metrics what they did; an idle tick says nothing", async () => {
    const { definition } = noting();
    const measured: Measurements[] = [];
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [definition, failing],
      metrics: (m) => void measured.push(m),
    });
    await tasks.create([
      { type: "note", scheduled_time: new Date(Date.now() - 90_000) },
      { type: "note" },
      { type: "failing", task_data: { how: "permanent" } },
    ]);
    await worker.refresh();
    await worker.tick();
    await worker.refresh();
    await worker.tick();
    expect(measured).toEqual([
      {
        QueueDepth: 3,
        OldestDueAgeSeconds: expect.toSatisfy((age: number) => age >= 90 && age < 100),
        RunningTasks: 0,
        RefreshMilliseconds: expect.any(Number),
      },
      {
        TasksCompleted: 2,
        TasksFailed: 1,
        TasksRetried: 0,
        TasksGivenBack: 0,
        TasksLeaseLost: 0,
        TaskLatenessMilliseconds: [
          expect.toSatisfy((late: number) => late >= 90_000),
          expect.any(Number),
          expect.any(Number),
        ],
        TaskDurationMilliseconds: [expect.any(Number), expect.any(Number), expect.any(Number)],
      },
      expect.objectContaining({ RunningTasks: 0 }),
    ]);
  });

  test("slots: as many tasks run at a time as the concurrency says, everywhere", async () => {
    const { starts, definition } = gated();
    const env = { TASK_CONCURRENCY: "3" };
    const workers = [1, 2].map(() => bed.make({ definitions: [definition], env }));
    await workers[0]?.tasks.create(Array.from({ length: 7 }, () => ({ type: "gated" })));
    await eventually(() => starts.length === 3);
    await Promise.all(workers.map(({ worker }) => worker.tick()));
    expect(starts).toHaveLength(3);
    expect(
      await bed.sql(`select slot from "baasix_Tasks" where task_status = 'Running' order by slot`),
    ).toEqual([{ slot: "0" }, { slot: "1" }, { slot: "2" }]);
    for (let n = 0; n < 7; n++) (await eventually(() => starts[n])).finish();
    await eventually(
      async () => (await bed.sql(`select from "baasix_Tasks" where task_status = 'Completed'`)).length === 7,
    );
  });
});
