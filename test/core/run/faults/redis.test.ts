/** What a user sees when Redis misbehaves: every task runs, and once. */
import { afterEach, expect, test } from "vitest";
import { type Clock, foreignTask, systemClock } from "#core";
import { REDIS_PAUSE_MS, STANDINGS_PER_FLUSH } from "../../../../packages/core/limits.ts";
import { describeOnStacks } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";
import { allCompleted, inMs, keyOf, leaseEndMs } from "../../../support/bed/look.ts";
import { isFlagRenewal } from "../../../support/bed/statements.ts";
import { gated, noting } from "../../../support/bed/tasks.ts";
import { eventually } from "../../../support/eventually.ts";

const MINUTE_MS = 60_000;

describeOnStacks("Redis", (bed) => {
  let answer = () => {};
  afterEach(() => answer());

  let hung = 0;
  /** From now on, renewals of the flag are not answered until `answer` is called. */
  const hang = () => {
    hung = 0;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    bed.faults.redis = (request) => {
      if (!isFlagRenewal(request)) return;
      hung++;
      return answered;
    };
  };

  test("hangs for longer than a lease: the worker keeps its lease, and the result is written meanwhile", async () => {
    const { starts, definition } = gated();
    const env = { TASK_RUNNING_TTL: "2" };
    const { tasks, operator, worker } = bed.make({ doorbell: noteRings(), definitions: [definition], env });
    await tasks.create([{ type: "gated" }]);
    const ticking = worker.tick();
    const { context, finish } = await eventually(() => starts[0]);
    const first = await leaseEndMs(bed, 1);
    hang();
    await eventually(async () => (await leaseEndMs(bed, 1)) > first + 2_000);
    finish();
    await eventually(() => allCompleted(bed));
    answer();
    expect(hung).toBe(1);
    expect(context.signal.aborted).toBe(false);
    expect(await ticking).toMatchObject({ completed: 1, lost: 0 });
    // Nor did the late answer take the flag again.
    expect(await operator.isTaskRunning()).toBe(false);
  });

  test("hangs while short tasks run: none of them waits for it", async () => {
    const { ran, definition } = noting();
    const { tasks, operator, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    const count = STANDINGS_PER_FLUSH + 10;
    await tasks.create(Array.from({ length: count }, () => ({ type: "note" })));
    hang();
    const ticking = worker.tick();
    await eventually(() => allCompleted(bed));
    expect([ran.length, hung]).toEqual([count, 1]);
    answer();
    expect(await ticking).toMatchObject({ completed: count, ended: "idle" });
    expect(await operator.isTaskRunning()).toBe(false);
  });

  test("answers with errors from the middle of a tick on: the tick goes on with Postgres alone", async () => {
    const { starts, definition } = gated();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create([{ type: "gated" }, { type: "gated" }]);
    const ticking = worker.tick();
    const { finish } = await eventually(() => starts[0]);
    bed.faults.redis = () => {
      throw new Error("ERR max daily request limit exceeded");
    };
    finish();
    (await eventually(() => starts[1])).finish();
    expect(await ticking).toMatchObject({ completed: 2, ended: "idle" });
    expect(await allCompleted(bed)).toBe(true);
  });

  test("is out of reach while a task is created: that process asks Postgres until the cache is rebuilt", async () => {
    const { ran, definition } = noting();
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, now: () => Date.now() + aheadMs };
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition], clock });
    await worker.refresh();
    bed.faults.redis = () => {
      throw new Error("connection refused");
    };
    await tasks.create([{ type: "note" }]);
    delete bed.faults.redis;
    aheadMs = REDIS_PAUSE_MS;
    expect(await worker.tick()).toMatchObject({ completed: 1 });
    expect(ran).toHaveLength(1);
  });

  test.each(["waiting", "running", "rev", "task", "gone", "state", "foreign", "flag:0"])(
    "evicts the key %s: what is due runs once, and after a refresh the list is complete",
    async (name) => {
      const { starts, definition } = gated();
      const definitions = [definition, foreignTask({ type: "of others" })];
      const { tasks, operator, worker } = bed.make({ doorbell: noteRings(), definitions });
      await worker.refresh();
      await tasks.create([
        { type: "gated" },
        { type: "gated" },
        { type: "gated", scheduled_time: inMs(60 * MINUTE_MS), task_data: { some: "data" } },
      ]);
      await tasks.create([
        { type: "gated", scheduled_time: inMs(60 * MINUTE_MS) },
        { type: "of others", scheduled_time: inMs(90 * MINUTE_MS) },
      ]);
      await tasks.remove(4);
      const ticking = worker.tick();
      (await eventually(() => starts[0])).finish();
      await eventually(() => starts[1]);
      await worker.refresh();
      expect(await bed.redis("DEL", keyOf(bed, name))).toBe(1);
      starts[1]?.finish();
      await ticking;
      await worker.tick();
      expect(starts.map(({ context }) => context.task.id)).toEqual([1, 2]);
      await worker.refresh();
      expect(await operator.getNotStartedTasks()).toMatchObject([
        { id: 3, task_data: { some: "data" } },
        { id: 5 },
      ]);
      expect(await operator.isTaskRunning()).toBe(false);
    },
  );

  test("keeps nothing that it is told: a tick works all the same", async () => {
    const { ran, definition } = noting();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create([{ type: "note" }, { type: "note" }]);
    bed.faults.redis = async () => {
      await bed.redis("DEL", ...["waiting", "running", "rev", "task"].map((name) => keyOf(bed, name)));
    };
    await worker.tick();
    expect(ran.map(({ id }) => id)).toEqual([1, 2]);
    expect(await allCompleted(bed)).toBe(true);
  });

  test("evicts the key of a sleeping tick: another one sleeps, too, and the task runs once", async () => {
    const { ran, definition } = noting();
    const { tasks, worker } = bed.make({
      doorbell: noteRings({ earlyMs: MINUTE_MS }),
      definitions: [definition],
    });
    await worker.refresh();
    await tasks.create([{ type: "note", scheduled_time: inMs(700) }]);
    const first = worker.tick();
    await eventually(async () => (await bed.redis("DEL", keyOf(bed, "sleeper"))) === 1);
    const ends = await Promise.all([first, worker.tick()]);
    expect(ends.reduce((sum, { completed }) => sum + completed, 0)).toBe(1);
    expect(ran).toHaveLength(1);
  });
});
