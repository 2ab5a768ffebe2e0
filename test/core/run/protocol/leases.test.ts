/** Leases and slots: one worker at a time may have a task, and no task stays with a dead one. */
import { describe, expect, test } from "vitest";
import { type Clock, RetryAfter, systemClock } from "#core";
import { describeOnStacks } from "../../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../../support/bed/doorbells.ts";
import { inMs, keyOf, leaseEndMs, statuses } from "../../../support/bed/look.ts";
import { gated, noting, obedient } from "../../../support/bed/tasks.ts";
import { eventually } from "../../../support/eventually.ts";
import { noteLog } from "../../../support/run/noted-log.ts";

const MINUTE_MS = 60_000;

describeOnStacks("leases", (bed) => {
  describe("promise 2: one live lease in a slot", () => {
    test("of two ticks that both believe they hold the flag, one runs a task", async () => {
      const { starts, definition } = gated();
      const bell = noteRings();
      const one = bed.make({ doorbell: noteRings(), definitions: [definition] });
      const two = bed.make({ doorbell: bell, definitions: [definition] });
      await one.tasks.create([{ type: "gated" }, { type: "gated" }]);
      const ticking = one.worker.tick();
      await eventually(() => starts.length === 1);
      await bed.redis("DEL", keyOf(bed, "flag:0"));
      // Rule 6: the slot is taken, so release the flag, and ring when the lease ends.
      expect(await two.worker.tick()).toMatchObject({ ended: "conflict", completed: 0 });
      expect(bell.rings.at(-1)?.afterMs).toBeGreaterThan(50_000);
      expect(await two.operator.isTaskRunning()).toBe(false);
      expect(starts).toHaveLength(1);
      starts[0]?.finish();
      (await eventually(() => starts[1])).finish();
      await ticking;
      expect(await statuses(bed)).toEqual(["Completed", "Completed"]);
    });

    test("another program sets a task to Running while a tick works: both go on, and then only one runs", async () => {
      const { starts, definition } = gated();
      const bell = noteRings();
      const { tasks, worker } = bed.make({ doorbell: bell, definitions: [definition] });
      await tasks.create([{ type: "gated" }, { type: "gated" }, { type: "gated" }]);
      const ticking = worker.tick();
      (await eventually(() => starts[0])).context.signal.throwIfAborted();
      await bed.sql(`update "baasix_Tasks" set task_status = 'Running' where id = 2`);
      starts[0]?.finish();
      expect(await ticking).toMatchObject({ completed: 1, ended: "conflict" });
      expect(bell.rings.at(-1)?.afterMs).toBeGreaterThan(14 * MINUTE_MS);
      expect(await statuses(bed)).toEqual(["Completed", "Running", "Not started"]);
      await bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where id = 2`);
      const rest = worker.tick();
      (await eventually(() => starts[1])).finish();
      expect(await rest).toMatchObject({ completed: 1 });
    });

    test("with two slots, what another program runs takes the place of one", async () => {
      const { starts, definition } = gated();
      const { tasks, worker } = bed.make({
        doorbell: noteRings(),
        definitions: [definition],
        env: { TASK_CONCURRENCY: "2" },
      });
      await tasks.create([{ type: "gated" }, { type: "gated" }, { type: "gated" }]);
      await bed.sql(`update "baasix_Tasks" set task_status = 'Running' where id = 1`);
      const ticking = worker.tick();
      await eventually(() => starts[0]);
      expect(await worker.tick()).toMatchObject({ ended: "conflict" });
      expect(await statuses(bed)).toEqual(["Running", "Running", "Not started"]);
      await bed.sql(`update "baasix_Tasks" set lease_expires_at = now() - interval '1 second' where id = 1`);
      starts[0]?.finish();
      // Its lease is over, so its program is taken for dead.
      (await eventually(() => starts[1])).finish();
      (await eventually(() => starts[2])).finish();
      await ticking;
    });

    test("what another program starts while both slots are busy takes the place of the next one", async () => {
      const { starts, definition } = gated();
      const bell = noteRings();
      const { tasks, worker } = bed.make({
        doorbell: bell,
        definitions: [definition],
        env: { TASK_CONCURRENCY: "2" },
      });
      await tasks.create(Array(5).fill({ type: "gated" }));
      const ticking = [worker.tick(), worker.tick()];
      await eventually(() => starts[1]);
      await bed.sql(`update "baasix_Tasks" set task_status = 'Running' where id = 5`);
      const inSlot = async (slot: number) => {
        const [row] = await bed.sql<{ id: string }>(`select id from "baasix_Tasks" where slot = ${slot}`);
        return starts.find(({ context }) => context.task.id === Number(row?.id));
      };
      const [lower, upper] = [await inSlot(0), await inSlot(1)];
      lower?.finish();
      expect(await Promise.race(ticking)).toMatchObject({ completed: 1, ended: "conflict" });
      expect((await statuses(bed)).filter((status) => status === "Running")).toHaveLength(2);
      bell.rings.length = 0;
      upper?.finish();
      await Promise.all(ticking);
      // The place that it left is for the lower slot, so somebody has to come for it.
      expect(bell.rings).toContainEqual({ now: {} });
      const next = worker.tick();
      (await eventually(() => starts[2])).finish();
      (await eventually(() => starts[3])).finish();
      expect(await next).toMatchObject({ completed: 2 });
    });

    test("whoever waits for another program's task is rung for when its end is told", async () => {
      const { definition } = noting();
      const bell = noteRings();
      const { tasks, worker, operator } = bed.make({ doorbell: bell, definitions: [definition] });
      await tasks.create([{ type: "note" }, { type: "note" }]);
      await bed.sql(`update "baasix_Tasks" set task_status = 'Running' where id = 1`);
      await operator.notifyChanged([1]);
      expect(await worker.tick()).toMatchObject({ ended: "conflict" });
      await bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where id = 1`);
      bell.rings.length = 0;
      await operator.notifyChanged([1]);
      expect(bell.rings).toEqual([{ now: {} }]);
      expect(await worker.tick()).toMatchObject({ completed: 1 });
    });

    test("a row that another program sets to Running has the slot, too", async () => {
      const { ran, definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await tasks.create([{ type: "note" }, { type: "note" }]);
      await bed.sql(`update "baasix_Tasks" set task_status = 'Running' where id = 1`);
      expect(await worker.tick()).toMatchObject({ ended: "conflict" });
      expect(ran).toEqual([]);
      await bed.sql(`update "baasix_Tasks" set task_status = 'Completed' where id = 1`);
      expect(await worker.tick()).toMatchObject({ completed: 1 });
      expect(ran.map(({ id }) => id)).toEqual([2]);
    });
  });

  test("a task whose lease has ended is claimed before all others, and its crash is recorded", async () => {
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

  test("a task that keeps killing its workers ends in Error, with its history", async () => {
    const { ran, definition } = noting();
    const { log, lines } = noteLog();
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [definition],
      env: { TASK_MAX_CRASHES: "2" },
      log,
    });
    await tasks.create([{ type: "note" }, { type: "note" }]);
    // The third worker has died.
    await bed.sql(`update "baasix_Tasks" set task_status = 'Running', slot = 0, lease_token = 'dead', lease_expires_at = now() - interval '1 second',
      started_at = now(), attempts = 3, crashes = 2, history = '[{"attempt": 1, "outcome": "crashed"}, {"attempt": 2, "outcome": "crashed"}]' where id = 1`);
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
    expect(lines.filter(({ level }) => level === "error")).toMatchObject([{ tasks: [1] }]);
  });

  test("promise 3: a worker that lost its lease cannot change the task, and its handler is aborted", async () => {
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
    expect(await bed.sql(`select * from "baasix_Tasks" where id = 1`)).toMatchObject([
      { task_status: "Running", lease_token: "another", progress: "0.5", result_data: null },
    ]);
  });

  test("rule 7: a running task is in the cache at the end of its lease, and found there when its worker died", async () => {
    const { starts, definition } = gated();
    const env = { TASK_RUNNING_TTL: "2" };
    const dead = bed.make({ doorbell: noteRings(), definitions: [definition], env, dies: true });
    await dead.tasks.create([{ type: "gated" }]);
    const dying = dead.worker.tick();
    await eventually(() => starts[0]);
    await eventually(async () => (await bed.redis("ZSCORE", keyOf(bed, "running"), 1)) !== null);
    // To the others, a dead worker is a lease that nobody renews.
    await bed.sql(`update "baasix_Tasks" set lease_token = 'of a dead worker' where id = 1`);
    await eventually(() => starts[0]?.context.signal.aborted);
    starts[0]?.finish();
    await dying;
    await bed.redis("DEL", keyOf(bed, "flag:0"));
    await bed.sql(
      `update "baasix_Tasks" set lease_expires_at = now() + interval '500 milliseconds' where id = 1`,
    );
    const { ran, definition: note } = noting("gated");
    const bell = noteRings();
    const { tasks, operator, worker } = bed.make({ doorbell: bell, definitions: [note], env });
    await operator.notifyChanged([1]);
    bed.counts.reset();
    // The lease lives: no query, and a ring for its end.
    expect(await worker.tick()).toMatchObject({ ended: "idle" });
    expect(bed.counts.postgres).toBe(0);
    expect(bell.rings.at(-1)?.afterMs).toBeLessThanOrEqual(1_500);
    await eventually(async () => (await worker.tick()).completed === 1);
    expect(ran).toEqual([{ id: 1, attempt: 2, data: null }]);
    expect(await tasks.get(1)).toMatchObject({ task_status: "Completed", crashes: 1 });
  });

  test("rule 11: a task is given back only after its handler has ended", async () => {
    const { starts, definition } = gated();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create([{ type: "gated" }]);
    const ticking = worker.tick();
    const { context, fail } = await eventually(() => starts[0]);
    const stopping = worker.shutdown();
    await eventually(() => context.signal.aborted);
    expect(await statuses(bed)).toEqual(["Running"]);
    fail(new Error("stopped"));
    await stopping;
    expect(await ticking).toMatchObject({ givenBack: 1 });
    expect(await statuses(bed)).toEqual(["Not started"]);
  });

  describe("rule 12: when the clock of a worker is wrong", () => {
    test.each([
      ["five minutes ahead", 5 * MINUTE_MS],
      ["five minutes behind", -5 * MINUTE_MS],
    ])("by %s, leases live, and tasks start by Postgres's time", async (_, skewMs) => {
      const clock: Clock = { ...systemClock, now: () => Date.now() + skewMs };
      const { starts, definition } = gated();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition], clock });
      await tasks.create([{ type: "gated" }, { type: "gated", scheduled_time: inMs(2 * MINUTE_MS) }]);
      const ticking = worker.tick();
      const { context, finish } = await eventually(() => starts[0]);
      expect((await leaseEndMs(bed, 1)) - Date.now()).toBeGreaterThan(50_000);
      expect(context.signal.aborted).toBe(false);
      finish();
      expect(await ticking).toMatchObject({ completed: 1, ended: "idle" });
      expect(await tasks.get(1)).toMatchObject({ task_status: "Completed", lateness: null });
      expect(await tasks.get(2)).toMatchObject({ task_status: "Not started" });
    });
  });

  describe("rule 13: more is due and a slot is free", () => {
    test("as many tasks run at a time as the concurrency says, on all workers together", async () => {
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
        async () =>
          (await bed.sql(`select from "baasix_Tasks" where task_status = 'Completed'`)).length === 7,
      );
    });

    test("the tick rings once more", async () => {
      const { started, definition } = obedient();
      const bell = noteRings();
      const { tasks, worker } = bed.make({
        doorbell: bell,
        definitions: [definition],
        env: { TASK_CONCURRENCY: "2" },
      });
      await tasks.create([{ type: "obedient" }, { type: "obedient" }]);
      bell.rings.length = 0;
      const ticks = [worker.tick()];
      await eventually(() => started.length === 1);
      expect(bell.rings).toEqual([{ now: {} }]);
      ticks.push(worker.tick());
      await eventually(() => started.length === 2);
      expect(bell.rings).toEqual([{ now: {} }]);
      await worker.shutdown();
      await Promise.all(ticks);
    });

    test("a task that waits again is run by another tick while the tick that ran it goes on", async () => {
      const { starts, definition } = gated("gated", { maxAttempts: 2 });
      const bell = noteRings({ earlyMs: 5_000 });
      const { tasks, worker } = bed.make({
        doorbell: bell,
        definitions: [definition],
        env: { TASK_CONCURRENCY: "2" },
      });
      await tasks.create([{ type: "gated" }]);
      const ticking = worker.tick();
      const first = await eventually(() => starts[0]);
      // A tick that finds it running notes the end of its lease, and not a due time.
      expect(await worker.tick()).toMatchObject({ ended: "idle" });
      await tasks.create([{ type: "gated" }]);
      first.fail(new RetryAfter(30, "not yet"));
      const second = await eventually(() => starts[1]);
      await eventually(() => bell.rings.some(({ inMs }) => inMs === 30));
      const another = worker.tick();
      (await eventually(() => starts[2])).finish();
      expect(await another).toMatchObject({ completed: 1 });
      expect(await statuses(bed)).toEqual(["Completed", "Running"]);
      second.finish();
      expect(await ticking).toMatchObject({ retried: 1, completed: 1 });
    });
  });
});
