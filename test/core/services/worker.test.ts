import * as v from "valibot";
import { expect, test } from "vitest";
import { defineTask, foreignTask, type TaskContext, type TickworkError } from "#core";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { noting, obedient } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

describeOnStacks("the worker", (bed) => {
  test("gives a handler its task, the tasks and no secret; what it deletes is never its own row", async () => {
    const seen: TaskContext[] = [];
    const sweep = defineTask({
      type: "sweep",
      run: async (_, context) => {
        seen.push(context);
        await context.tasks.create([{ type: "sweep", scheduled_time: inHours(1) }]);
        // As if it had been reset meanwhile: finished, and old enough to be deleted.
        await bed.sql(`update "baasix_Tasks" set task_status = 'Error'`);
        await bed.sql(`update "baasix_Tasks" set finished_at = now() - interval '2 days'`);
        return context.deleteFinished(1);
      },
    });
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [sweep],
      env: { API_KEY: "secret", DATA_DIR: "/data", HTTP_REQUEST_ALLOW: "10.0.0.0/8" },
    });
    await tasks.create([{ type: "sweep" }]);
    expect(await worker.tick()).toMatchObject({ lost: 1 });
    expect(seen[0]?.config).toMatchObject({ dataDir: "/data", httpRequestAllow: ["10.0.0.0/8"] });
    expect(JSON.stringify(seen[0]?.config)).not.toContain("secret");
    expect(new Set(Object.keys(seen[0]?.tasks ?? {}))).toEqual(
      new Set(["create", "get", "list", "page", "update", "remove", "retry", "cancel"]),
    );
    expect(await bed.sql(`select id from "baasix_Tasks"`)).toEqual([{ id: "1" }]);
  });

  test("lets a handler enqueue by definition: checked as all tasks are, and run by the same tick", async () => {
    const child = defineTask({
      type: "child",
      data: v.object({ n: v.number() }),
      run: async ({ n }) => n,
    });
    const unknown = defineTask({ type: "unknown", run: async () => {} });
    const parent = defineTask({
      type: "parent",
      run: async (_, { enqueue, enqueueMany }) => {
        const refusals = await Promise.all([
          enqueue(child, { n: "1" } as never).catch((error: TickworkError) => error.issues?.[0]?.path),
          enqueue(unknown).catch((error: TickworkError) => error.code),
        ]);
        const one = await enqueue(child, { n: 1 }, { idempotencyKey: "one" });
        const again = await enqueue<typeof child>("child", { n: 1 }, { idempotencyKey: "one" });
        const many = await enqueueMany(child, [{ data: { n: 2 } }, { data: { n: 3 }, at: inHours(1) }]);
        return { refusals, once: one.id === again.id, many: many.map(({ task_data }) => task_data) };
      },
    });
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [parent, child] });
    await tasks.create([{ type: "parent" }]);
    expect(await worker.tick()).toMatchObject({ completed: 3 });
    expect((await tasks.get(1)).result_data).toEqual({
      refusals: ["task_data.n", "unknown_type"],
      once: true,
      many: [{ n: 2 }, { n: 3 }],
    });
    const rest = await tasks.list({ type: "child", limit: 9 });
    expect(rest.map(({ result_data }) => result_data)).toEqual([null, 2, 1]);
  });

  test("with CACHE_ENABLED=false, works on Postgres alone, and an idle tick is one query", async () => {
    const { ran, definition: note } = noting();
    const { definition: obeys, started } = obedient();
    const { tasks, operator, worker } = bed.make({
      definitions: [note, obeys],
      env: { CACHE_ENABLED: "false" },
    });
    bed.counts.reset();
    expect(await worker.tick()).toMatchObject({ ended: "idle" });
    expect(bed.counts).toMatchObject({ postgres: 1, redis: 0 });
    await tasks.create([{ type: "note" }, { type: "note" }]);
    await eventually(() => ran.length === 2);
    await worker.refresh();
    expect(await operator.getCacheStats()).toMatchObject({
      initialized: true,
      isTaskRunning: false,
      lastRefreshed: expect.stringMatching(/^20/),
    });
    await tasks.create([{ type: "obedient" }, { type: "note", scheduled_time: inHours(1) }]);
    await eventually(() => started.length === 1);
    expect(await operator.isTaskRunning()).toBe(true);
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([4]);
    await operator.setTaskRunning(false);
    expect(await operator.isTaskRunning()).toBe(true);
    expect(bed.counts.redis).toBe(0);
  });

  test("runs more than ten tasks at a time without a warning of Node about leaks", async () => {
    const { definition: obeys, started } = obedient();
    const { tasks, worker } = bed.make({
      definitions: [obeys],
      env: { TASK_CONCURRENCY: "12", TASK_SHUTDOWN_WAIT_TIME: "0" },
    });
    const warnings: string[] = [];
    const note = ({ name }: Error) => void warnings.push(name);
    process.on("warning", note);
    try {
      await tasks.create(Array.from({ length: 12 }, () => ({ type: "obedient" })));
      await eventually(() => started.length === 12);
      await worker.shutdown();
      expect(warnings).toEqual([]);
    } finally {
      process.off("warning", note);
    }
  });

  test("lists a foreign type but never runs it; what the other program leaves running goes back", async () => {
    const bell = noteRings();
    const { ran, definition: note } = noting();
    const definitions = [note, foreignTask({ type: "email_batch" })];
    const { tasks, operator, worker } = bed.make({ doorbell: bell, definitions });
    await worker.refresh();
    await tasks.create([{ type: "email_batch", scheduled_time: inHours(-1) }, { type: "note" }]);
    expect(await worker.tick()).toMatchObject({ completed: 1, failed: 0, ended: "idle" });
    expect(ran).toEqual([{ id: 2, attempt: 1, data: null }]);
    for (const refreshed of [false, true]) {
      if (refreshed) await worker.refresh();
      expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
      expect(await operator.getCacheStats()).toMatchObject({ cachedTasksCount: 1 });
      bed.counts.reset();
      expect(await worker.tick()).toMatchObject({ ended: "idle" });
      expect(bed.counts).toMatchObject({ postgres: 0, redis: 1 });
    }
    // The other program takes it and dies; its lease of 15 minutes ends.
    await bed.sql(`update "baasix_Tasks" set task_status = 'Running' where id = 1`);
    await bed.sql(`update "baasix_Tasks" set lease_expires_at = now() - interval '1 second' where id = 1`);
    await tasks.create([{ type: "note" }]);
    await worker.tick();
    await worker.tick();
    expect(await tasks.get(1)).toMatchObject({
      task_status: "Not started",
      crashes: 1,
      history: [{ outcome: "crashed" }],
    });
    await worker.refresh();
    expect((await operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
    expect(await tasks.get(3)).toMatchObject({ task_status: "Completed" });
    // The same on Postgres alone.
    const alone = bed.make({ doorbell: bell, definitions, env: { CACHE_ENABLED: "false" } });
    expect(await alone.worker.tick()).toMatchObject({ ended: "idle", failed: 0 });
    expect((await alone.operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
  });
});
