import { getEventListeners } from "node:events";
import { expect, test, vi } from "vitest";
import { type Measurements, RetryAfter } from "#core";
import { EXPIRY_MARGIN_MS } from "../../../packages/core/limits.ts";
import { describeOnStacks } from "../../support/bed/describe-on-stacks.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { keyOf, leaseEndMs } from "../../support/bed/look.ts";
import { failing, gated, noting, obedient } from "../../support/bed/tasks.ts";
import { eventually } from "../../support/eventually.ts";

describeOnStacks("a tick", (bed) => {
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
      cancel_requested: false,
    });
    expect(await tasks.get(4)).toMatchObject({ task_status: "Not started", attempts: 0 });
    expect(await operator.isTaskRunning()).toBe(false);
  });

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

  test("lets the running task finish when its process shuts down, and rings for the others", async () => {
    const { starts, definition } = gated();
    const { definition: note } = noting();
    const bell = noteRings();
    const { tasks, operator, worker } = bed.make({
      doorbell: bell,
      definitions: [definition, note],
      env: { TASK_SHUTDOWN_WAIT_TIME: "30" },
    });
    await tasks.create([{ type: "gated" }, { type: "note" }]);
    const ticking = worker.tick();
    await eventually(() => starts[0]);
    const stopping = worker.shutdown();
    starts[0]?.finish("in time");
    await stopping;
    expect(await ticking).toMatchObject({ completed: 1, ended: "stopped" });
    expect(await tasks.get(2)).toMatchObject({ task_status: "Not started" });
    expect(await operator.isTaskRunning()).toBe(false);
    // What is left is rung for after the flag is free (rule 2).
    expect(bell.rings.at(-1)).toEqual({ now: {} });
  });

  test("whose process shuts down rings for its own task when that is to be tried again, and for nothing else", async () => {
    const { starts, definition } = gated("gated", { maxAttempts: 2 });
    const bell = noteRings();
    const { tasks, worker } = bed.make({
      doorbell: bell,
      definitions: [definition],
      env: { TASK_SHUTDOWN_WAIT_TIME: "30" },
    });
    await tasks.create([{ type: "gated" }]);
    const ticking = worker.tick();
    const { fail } = await eventually(() => starts[0]);
    bell.rings.length = 0;
    const stopping = worker.shutdown();
    fail(new RetryAfter(20_000));
    await stopping;
    expect(await ticking).toMatchObject({ retried: 1, ended: "stopped" });
    const { scheduled_time } = await tasks.get(1);
    expect(bell.rings).toEqual([{ atMs: expect.any(Number), inMs: 20_000 }]);
    expect(Math.abs((bell.rings[0]?.atMs ?? 0) - Date.parse(scheduled_time))).toBeLessThanOrEqual(1);
  });

  test("that comes while its process shuts down asks nothing, and rings for one that works, with what it was told", async () => {
    const bell = noteRings();
    const { tasks, worker } = bed.make({ doorbell: bell, definitions: [noting().definition] });
    await tasks.create([{ type: "note" }]);
    await worker.shutdown();
    bell.rings.length = 0;
    bed.counts.reset();
    expect(await worker.tick({ askPostgres: true, by: "held" })).toMatchObject({ ended: "stopped" });
    expect(bell.rings).toEqual([{ afterMs: EXPIRY_MARGIN_MS, event: { askPostgres: true } }]);
    expect(bed.counts).toMatchObject({ postgres: 0, redis: 0 });
  });

  test("whose process begins to shut down while it asks for the flag claims nothing, and gives the flag back", async () => {
    const bell = noteRings();
    const { tasks, operator, worker } = bed.make({ doorbell: bell, definitions: [noting().definition] });
    await worker.refresh();
    await tasks.create([{ type: "note" }]);
    bell.rings.length = 0;
    bed.counts.reset();
    bed.faults.redisAnswer = () => void worker.shutdown();
    expect(await worker.tick()).toMatchObject({ completed: 0, ended: "stopped" });
    expect(bed.counts.postgres).toBe(0);
    expect(bell.rings).toEqual([{ now: {} }]);
    expect(await operator.isTaskRunning()).toBe(false);
  });

  test("with nothing due looks again when the first lease of the running tasks has ended", async () => {
    const bell = noteRings();
    const { worker } = bed.make({ doorbell: bell, definitions: [noting().definition] });
    await bed.sql(
      `insert into "baasix_Tasks" (type, task_status, slot, lease_token, lease_expires_at, scheduled_time)
       select 'note', 'Running', n, 't' || n, now() + n * interval '1 minute', now() from generate_series(1, 2) n`,
    );
    await worker.refresh();
    bell.rings.length = 0;
    const endsMs = await leaseEndMs(bed, 1);
    const askedMs = Date.now();
    expect(await worker.tick()).toMatchObject({ ended: "idle" });
    expect(bell.rings).toEqual([{ afterMs: expect.any(Number) }]);
    const lookMs = bell.rings[0]?.afterMs ?? 0;
    expect(Date.now() + lookMs).toBeGreaterThanOrEqual(endsMs + EXPIRY_MARGIN_MS - 1);
    expect(askedMs + lookMs).toBeLessThanOrEqual(endsMs + EXPIRY_MARGIN_MS + 1);
  });

  test("whose flag another tick took meanwhile finishes its task, and claims no other", async () => {
    const { starts, definition } = gated();
    const bell = noteRings();
    const { tasks, worker } = bed.make({
      doorbell: bell,
      definitions: [definition],
      env: { TASK_RUNNING_TTL: "2" },
    });
    await tasks.create([{ type: "gated" }, { type: "gated" }]);
    const ticking = worker.tick();
    const { finish } = await eventually(() => starts[0]);
    const leaseMs = await leaseEndMs(bed, 1);
    await bed.redis("SET", keyOf(bed, "flag:0"), "another tick", "PX", 30_000);
    // The second renewal is sent when the first one, that of the flag too, was answered.
    await eventually(async () => (await leaseEndMs(bed, 1)) > leaseMs + 1_000);
    finish();
    expect(await ticking).toMatchObject({ completed: 1, ended: "held" });
    expect(starts).toHaveLength(1);
    expect(bell.rings.at(-1)?.afterMs).toBeGreaterThan(20_000);
    expect(await bed.redis("GET", keyOf(bed, "flag:0"))).toBe("another tick");
  });

  test("gives back a task that does not finish in the time that a shutdown leaves", async () => {
    const { started, definition } = obedient();
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [definition, noting().definition],
      env: { TASK_SHUTDOWN_WAIT_TIME: "0" },
    });
    await tasks.create([{ type: "note" }, { type: "obedient", scheduled_time: "2020-01-01T00:00:00Z" }]);
    const interrupted = worker.tick();
    await eventually(() => started[0]);
    await worker.shutdown();
    expect(await interrupted).toMatchObject({ givenBack: 1 });
    expect(started[0]?.signal.reason).toMatchObject({ code: "shutdown" });
    expect(await tasks.get(2)).toMatchObject({
      task_status: "Not started",
      attempts: 1,
      crashes: 0,
      excused: 1,
      history: [{ attempt: 1, outcome: "interrupted", code: "shutdown" }],
      scheduled_time: "2020-01-01T00:00:00.000Z",
    });
  });

  test("stops claiming when the rest of its invocation is too short for the longest handler", async () => {
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

  test("aborts a handler before its invocation ends; using up a whole invocation counts as a crash", async () => {
    const { started, definition } = obedient();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create([{ type: "obedient" }]);
    expect(await worker.tick({ timeLeftMs: 2_000 })).toMatchObject({ givenBack: 1, ended: "stopped" });
    expect(started[0]?.signal.reason).toMatchObject({ code: "time_limit" });
    expect(await tasks.get(1)).toMatchObject({ task_status: "Not started", attempts: 1, crashes: 1 });
  });

  test("aborts a handler that had only the rest of its invocation: that is an interruption, and no crash", async () => {
    const { started, definition } = obedient("obedient", { timeoutSeconds: 2.5 });
    const quick = { ...noting().definition, timeoutSeconds: 1 };
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition, quick] });
    await tasks.create([{ type: "note", scheduled_time: "2020-01-01T00:00:00Z" }, { type: "obedient" }]);
    expect(await worker.tick({ timeLeftMs: 4_000 })).toMatchObject({ completed: 1, givenBack: 1 });
    expect(started[0]?.signal.reason).toMatchObject({ code: "time_limit" });
    expect(await tasks.get(2)).toMatchObject({ task_status: "Not started", crashes: 0, excused: 1 });
  });

  test("publishes what it did as metrics, and a refresh what it found; an idle tick publishes nothing", async () => {
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
        WaitingForCodeSeconds: 0,
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
        TaskDurationMilliseconds: Array(3).fill(
          expect.toSatisfy((took: number) => took >= 0 && took < 30_000),
        ),
      },
      expect.objectContaining({ RunningTasks: 0 }),
    ]);
  });

  test("writes the result of a task although the table refuses the claim of the next one", async () => {
    const { definition } = noting();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    await tasks.create([{ type: "note" }, { type: "note" }]);
    await bed.sql(
      `alter table "baasix_Tasks" add constraint odd check (id <> 2 or task_status <> 'Running')`,
    );
    expect(await worker.tick()).toMatchObject({ completed: 1, ended: "failed" });
    await bed.sql(`alter table "baasix_Tasks" drop constraint odd`);
    expect(await tasks.get(1)).toMatchObject({ task_status: "Completed", result_data: { ran: 1 } });
    expect(await worker.tick()).toMatchObject({ completed: 1 });
  });
});
