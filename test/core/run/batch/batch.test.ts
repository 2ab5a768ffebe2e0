import { expect, test } from "vitest";
import { defineTask, PermanentError, type TaskContext, type TaskDefinition } from "#core";
import { RUN_BATCH_BYTES } from "../../../../packages/core/limits.ts";
import { describeOnStacks } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";
import { leaseEndMs } from "../../../support/bed/look.ts";
import { gated, noting } from "../../../support/bed/tasks.ts";
import { eventually } from "../../../support/eventually.ts";

const inBatches = (definition: TaskDefinition, batch: TaskDefinition["batch"] = true): TaskDefinition => ({
  ...definition,
  batch,
});
const many = (count: number, type = "note") => Array.from({ length: count }, () => ({ type }));

describeOnStacks("a batch", (bed) => {
  test("runs many tasks in order, one at a time, in few requests", async () => {
    let running = 0;
    const ran: number[] = [];
    const definition = defineTask({
      type: "note",
      batch: { size: 20 },
      run: async (_, { task }) => {
        expect(++running).toBe(1);
        await Promise.resolve();
        running--;
        ran.push(task.id);
        return { ran: task.id };
      },
    });
    const { tasks, worker, operator } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create(many(60));
    bed.counts.reset();
    expect(await worker.tick()).toMatchObject({ completed: 60, ended: "idle" });
    expect(bed.counts.postgres).toBeLessThan(12);
    expect(bed.counts.redis).toBeLessThanOrEqual(7);
    expect(ran).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
    for (const id of [1, 2, 30, 60])
      expect(await tasks.get(id)).toMatchObject({
        task_status: "Completed",
        result_data: { ran: id },
        error_data: null,
        attempts: 1,
        crashes: 0,
        progress: 1,
        slot: null,
        lease_expires_at: null,
      });
    expect(await operator.isTaskRunning()).toBe(false);
    expect(await operator.getNotStartedTasks()).toEqual([]);
  });

  test("holds one slot and at most its size, all of them Running, and no other task starts beside it", async () => {
    const { starts, definition } = gated();
    const { ran, definition: note } = noting();
    const parts = {
      doorbell: noteRings(),
      definitions: [inBatches(definition, { size: 4 }), inBatches(note)],
    };
    const { tasks, worker } = bed.make(parts);
    await tasks.create([...many(8, "gated"), { type: "note" }]);
    const tick = worker.tick();
    await eventually(() => starts.length === 1);
    starts[0]?.finish();
    await eventually(() => starts.length === 2);
    const running = await bed.sql<{ slot: number | null; lease_token: string }>(
      `select slot, lease_token from "baasix_Tasks" where task_status = 'Running' order by id`,
    );
    expect(running.length).toBeGreaterThan(1);
    expect(running.length).toBeLessThanOrEqual(4);
    expect(running.filter(({ slot }) => slot !== null)).toHaveLength(1);
    await expect(tasks.update(3, { scheduled_time: new Date() })).rejects.toMatchObject({
      code: "task_running",
    });
    // As if its flag were lost.
    await bed.redis("DEL", `{${bed.prefix}}:flag:0`);
    expect(await bed.make(parts).worker.tick()).toMatchObject({ completed: 0, ended: "conflict" });
    for (let n = 1; n < 8; n++) {
      await eventually(() => starts.length > n);
      starts[n]?.finish();
    }
    expect(await tick).toMatchObject({ completed: 9 });
    expect(ran.map(({ id }) => id)).toEqual([9]);
  });

  test("is one lease, however often it leased more: another batch runs beside it in the next slot", async () => {
    let most = 0;
    let running = 0;
    const definition = defineTask({
      type: "note",
      batch: { size: 10, settleWithinMs: 20 },
      run: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 10));
        running--;
      },
    });
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [definition],
      env: { TASK_CONCURRENCY: "2" },
    });
    await tasks.create(many(120));
    const first = worker.tick();
    // It has leased more by then.
    await eventually(async () => {
      const [row] = await bed.sql<{ tokens: number }>(
        `select count(distinct lease_token)::int as tokens from "baasix_Tasks" where task_status = 'Running'`,
      );
      return (row?.tokens ?? 0) > 1;
    });
    expect((await worker.tick()).completed).toBeGreaterThan(10);
    expect((await first).completed).toBeGreaterThan(10);
    expect(most).toBe(2);
  });

  test("keeps what a handler returned as it was then, whatever JSON can hold", async () => {
    const stats = { n: 0 };
    const results = [undefined, null, "text", "\0 and \ud800", new Date(0), [1, { a: "b" }]];
    const shared = { type: "shared", batch: true, run: async () => ({ ...stats, n: ++stats.n, of: stats }) };
    const various = defineTask({ type: "various", batch: true, run: async (n) => results[Number(n)] });
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [shared, various] });
    await tasks.create([...many(5, "shared"), ...results.map((_, n) => ({ type: "various", task_data: n }))]);
    expect(await worker.tick()).toMatchObject({ completed: 11, failed: 0 });
    for (const id of [1, 2, 3, 4, 5])
      expect((await tasks.get(id)).result_data).toEqual({ n: id, of: { n: id } });
    for (const [n, result] of results.entries())
      expect((await tasks.get(6 + n)).result_data).toEqual(JSON.parse(JSON.stringify(result ?? null)));
  });

  test("fits a table with columns of any other name", async () => {
    await bed.sql(`alter table "baasix_Tasks" add column finished boolean, add column record integer`);
    try {
      const definition = { type: "note", batch: true, run: async () => Promise.reject(new Error("no")) };
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create(many(3));
      expect(await worker.tick()).toMatchObject({ failed: 3, ended: "idle" });
    } finally {
      await bed.sql(`alter table "baasix_Tasks" drop column finished, drop column record`);
    }
  });

  test("sends large results in several statements", async () => {
    const large = "x".repeat(250_000);
    const definition = defineTask({
      type: "note",
      batch: { size: 40 },
      runMany: async (items) => items.map(() => ({ result: large })),
    });
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create(many(41));
    let statements = 0;
    bed.faults.postgres = (text) => {
      if (/tickwork_batch/.test(text)) statements++;
    };
    expect(await worker.tick()).toMatchObject({ completed: 41 });
    expect(statements).toBeGreaterThanOrEqual((41 * large.length) / RUN_BATCH_BYTES);
  });

  test("rings once for all that it gives back, and for all that are tried again together", async () => {
    const { starts, definition } = gated();
    const doorbell = noteRings();
    const failing = defineTask({
      type: "failing",
      batch: true,
      maxAttempts: 2,
      backoffMs: () => 60_000,
      runMany: async () => Promise.reject(new Error("all of them")),
    });
    const { tasks, worker } = bed.make({ doorbell, definitions: [inBatches(definition), failing] });
    await tasks.create(many(60, "failing"));
    doorbell.rings.length = 0;
    expect(await worker.tick()).toMatchObject({ retried: 60 });
    expect(doorbell.rings.length).toBeLessThan(30);
    await tasks.create(many(60, "gated"));
    const tick = worker.tick();
    await eventually(() => starts.length === 1);
    starts[0]?.finish();
    await eventually(
      async () => (await bed.sql(`select from "baasix_Tasks" where task_status = 'Running'`)).length > 9,
    );
    doorbell.rings.length = 0;
    const stopped = worker.shutdown();
    starts[1]?.finish();
    await Promise.all([stopped, tick]);
    expect(doorbell.rings.length).toBeLessThan(30);
  });

  test("settles what ended although a long task runs, within the time of its type", async () => {
    const { starts, definition } = gated();
    const { definition: note } = noting();
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [inBatches(definition, { size: 100, settleWithinMs: 50 }), inBatches(note)],
    });
    await tasks.create([...many(5), { type: "gated" }, { type: "note" }]);
    const tick = worker.tick();
    await eventually(() => starts.length === 1);
    await eventually(
      async () => (await bed.sql(`select from "baasix_Tasks" where task_status = 'Completed'`)).length === 5,
    );
    const [leader] = await bed.sql<{ slot: string; id: string }>(
      `select id, slot from "baasix_Tasks" where task_status = 'Running' and slot is not null`,
    );
    expect(Number(leader?.slot)).toBe(0);
    starts[0]?.finish();
    expect(await tick).toMatchObject({ completed: 7 });
  });

  test("tells when each task really started and finished", async () => {
    const definition = defineTask({
      type: "note",
      batch: { size: 100, settleWithinMs: 1_000 },
      run: () => new Promise((resolve) => setTimeout(resolve, 30)),
    });
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create(many(5));
    await worker.tick();
    const rows = await tasks.list({ limit: 5 });
    const times = rows
      .reverse()
      .map((row) => [row.started_at, row.finished_at].map((at) => Date.parse(at ?? "")));
    for (const [n, [started = 0, finished = 0]] of times.entries()) {
      expect(finished - started).toBeGreaterThanOrEqual(25);
      expect(finished - started).toBeLessThan(200);
      expect(started).toBeGreaterThanOrEqual((times[n - 1]?.[1] ?? 0) - 5);
    }
  });

  test("writes every kind of end: retried, failed, invalid", async () => {
    const definition = defineTask({
      type: "note",
      batch: { size: 50 },
      maxAttempts: 2,
      backoffMs: () => 60_000,
      run: async (data) => {
        if (data === "permanent") throw new PermanentError("no use", { code: "hopeless" });
        if (data === "once") throw new Error("not yet");
        return data;
      },
    });
    const { tasks, worker, operator } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create(
      ["fine", "permanent", "once", { deep: [1] }].map((task_data) => ({ type: "note", task_data })),
    );
    expect(await worker.tick()).toMatchObject({ completed: 2, failed: 1, retried: 1 });
    expect(await tasks.get(1)).toMatchObject({ task_status: "Completed", result_data: "fine" });
    expect(await tasks.get(2)).toMatchObject({
      task_status: "Error",
      error_data: { message: "no use", code: "hopeless", attempts: 1 },
      history: [{ attempt: 1, outcome: "failed" }],
      slot: null,
    });
    const retried = await tasks.get(3);
    expect(retried).toMatchObject({
      task_status: "Not started",
      finished_at: null,
      error_data: { message: "not yet" },
    });
    expect(Date.parse(retried.scheduled_time)).toBeGreaterThan(Date.now() + 50_000);
    expect(await tasks.get(4)).toMatchObject({ result_data: { deep: [1] } });
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([3]);
  });

  test("runs tasks of other types in between, in order", async () => {
    const order: string[] = [];
    const noted = (type: string, batch?: boolean) =>
      defineTask({
        type,
        ...(batch ? { batch } : {}),
        run: async (_, { task }) => void order.push(`${type}${task.id}`),
      });
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [noted("a", true), noted("b", true), noted("strict")],
    });
    const types = ["a", "b", "strict", "strict", "b", "a", "strict", "a"];
    await tasks.create(types.map((type) => ({ type })));
    bed.counts.reset();
    expect(await worker.tick()).toMatchObject({ completed: 8 });
    expect(order).toEqual(types.map((type, n) => `${type}${n + 1}`));
    expect(bed.counts.postgres).toBeLessThanOrEqual(10);
  });

  test("gives back what has not begun as soon as its process has to stop, and counts no attempt", async () => {
    const { starts, definition } = gated();
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [inBatches(definition, { size: 10 })],
      env: { TASK_SHUTDOWN_WAIT_TIME: "30" },
    });
    await tasks.create(many(6, "gated"));
    const tick = worker.tick();
    await eventually(() => starts.length === 1);
    starts[0]?.finish();
    await eventually(() => starts.length === 2);
    const stopped = worker.shutdown();
    // The second one still runs.
    await eventually(
      async () =>
        (await bed.sql(`select from "baasix_Tasks" where task_status = 'Not started'`)).length === 4,
    );
    starts[1]?.finish();
    await stopped;
    expect(await tick).toMatchObject({ completed: 2, ended: "stopped" });
    expect(starts).toHaveLength(2);
    expect(await tasks.get(6)).toMatchObject({
      task_status: "Not started",
      attempts: 0,
      crashes: 0,
      history: null,
    });
  });

  test("gives back before the end of the invocation", async () => {
    const { starts, definition } = gated("gated", { timeoutSeconds: 1 });
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [inBatches(definition, { size: 10 })],
      env: { TASK_SHUTDOWN_WAIT_TIME: "0" },
    });
    await tasks.create(many(4, "gated"));
    const tick = worker.tick({ timeLeftMs: 1_300 });
    await eventually(() => starts.length === 1);
    starts[0]?.finish();
    await eventually(() => starts.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 350));
    starts[1]?.finish();
    expect(await tick).toMatchObject({ completed: 2, givenBack: 2, ended: "stopped" });
    expect(await tasks.get(3)).toMatchObject({ task_status: "Not started", attempts: 0 });
  });

  test("is cancelled, task by task: the one that runs and one that waits", async () => {
    const started: TaskContext[] = [];
    const definition = defineTask({
      type: "obedient",
      batch: { size: 10 },
      run: (_, context) =>
        new Promise((resolve, reject) => {
          started.push(context);
          if (context.task.id === 1 || context.task.id === 4) resolve(null);
          context.signal.addEventListener("abort", () => reject(context.signal.reason));
        }),
    });
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [definition],
      env: { TASK_RUNNING_TTL: "2" },
    });
    await tasks.create(many(4, "obedient"));
    const tick = worker.tick();
    await eventually(() => started.length === 2);
    await tasks.cancel(3);
    await tasks.cancel(2);
    expect(await tick).toMatchObject({ completed: 2, failed: 2 });
    expect(started.map(({ task }) => task.id)).toEqual([1, 2, 4]);
    for (const id of [2, 3])
      expect(await tasks.get(id)).toMatchObject({ task_status: "Error", error_data: { code: "cancelled" } });
  });

  test("renews all of its leases while a task runs, and writes its progress", async () => {
    const { starts, definition } = gated();
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [inBatches(definition, { size: 10 })],
      env: { TASK_RUNNING_TTL: "2" },
    });
    await tasks.create(many(3, "gated"));
    const tick = worker.tick();
    await eventually(() => starts.length === 1);
    starts[0]?.finish();
    await eventually(() => starts.length === 2);
    await starts[1]?.context.progress(0.25);
    expect(await tasks.get(2)).toMatchObject({ progress: 0.25 });
    const before = await leaseEndMs(bed, 3);
    await eventually(async () => (await leaseEndMs(bed, 3)) > before + 500);
    for (const n of [1, 2]) {
      await eventually(() => starts.length > n);
      starts[n]?.finish();
    }
    expect(await tick).toMatchObject({ completed: 3 });
  });

  test("a task whose worker died runs alone, and those that were leased with it, too", async () => {
    const ran: { id: number; beside: number }[] = [];
    const definition = defineTask({
      type: "note",
      batch: true,
      run: async (_, { task }) => {
        const beside =
          await bed.sql(`select from "baasix_Tasks" where task_status = 'Running' and id <> ${task.id}
          and lease_expires_at > now()`);
        ran.push({ id: task.id, beside: beside.length });
      },
    });
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create(many(3));
    // As a worker leaves them that died: three of one token, one of them with the slot.
    await bed.sql(`update "baasix_Tasks" set task_status = 'Running', lease_token = 'dead', rev = rev + 1,
      attempts = 1, started_at = now(), slot = case when id = 1 then 0 end, lease_expires_at = now() - interval '1 s'`);
    await tasks.create(many(2));
    for (let ticks = 0; ticks < 3; ticks++) await worker.tick({ askPostgres: true });
    expect(ran.filter(({ id }) => id <= 3)).toEqual(
      expect.arrayContaining([1, 2, 3].map((id) => ({ id, beside: 0 }))),
    );
    expect(await tasks.get(2)).toMatchObject({ task_status: "Completed", attempts: 2, crashes: 1 });
    expect(await tasks.get(5)).toMatchObject({ task_status: "Completed", attempts: 1, crashes: 0 });
  });

  test("only the task fails whose result Postgres refuses", async () => {
    await bed.sql(`alter table "baasix_Tasks" add constraint no_seven check (result_data::text <> '7')`);
    try {
      const definition = defineTask({ type: "note", batch: true, run: async (data) => data });
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([5, 6, 7, 8].map((task_data) => ({ type: "note", task_data })));
      expect(await worker.tick()).toMatchObject({ completed: 3, failed: 1 });
      expect(await tasks.get(7 - 4)).toMatchObject({
        task_status: "Error",
        error_data: { code: "result_refused" },
      });
      expect(await tasks.get(4)).toMatchObject({ task_status: "Completed", result_data: 8, crashes: 0 });
    } finally {
      await bed.sql(`alter table "baasix_Tasks" drop constraint no_seven`);
    }
  });

  test.each(["postgres", "postgresAnswer"] as const)(
    "runs each task once although messages are lost (%s)",
    async (where) => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({
        doorbell: noteRings(),
        definitions: [inBatches(definition, { size: 6 })],
      });
      await tasks.create(many(20));
      let seen = 0;
      bed.faults[where] = (text) => {
        if (/tickwork_batch/.test(text) && seen++ % 2 === 0) throw new Error("the message was lost");
      };
      expect(await worker.tick()).toMatchObject({ completed: 20, lost: 0 });
      expect(ran.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
      const rows = await tasks.list({ limit: 20 });
      expect(new Set(rows.map(({ attempts, crashes }) => `${attempts} ${crashes}`))).toEqual(
        new Set(["1 0"]),
      );
    },
  );

  test("does not lease more than it runs soon", async () => {
    const { starts, definition } = gated();
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [inBatches(definition, { size: 100 })],
    });
    await tasks.create(many(50, "gated"));
    const tick = worker.tick();
    await eventually(() => starts.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 400));
    starts[0]?.finish();
    await eventually(() => starts.length === 2);
    expect((await bed.sql(`select from "baasix_Tasks" where task_status = 'Running'`)).length).toBeLessThan(
      5,
    );
    const stopped = worker.shutdown();
    starts[1]?.finish();
    await Promise.all([stopped, tick]);
  });
});
