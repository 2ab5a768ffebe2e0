/** How time passes in a test: what runs when, and what of the real world is waited for. */
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { defineTask, type TaskContext } from "#core";
import { createTestTickwork } from "#testing";

const NOW = "2026-11-24T09:00:00.000Z";
const DAY_MS = 86_400_000;

beforeAll(async () => (await createTestTickwork({ definitions: [] })).close());
afterEach(() => vi.useRealTimers());

const noop = defineTask({ type: "noop", run: async () => {} });

describe("as time passes", () => {
  test("tasks run in the order of their due times, whatever the order they were enqueued in", async () => {
    await using tickwork = await createTestTickwork({ definitions: [noop], now: NOW });
    const hours = [70, 2, 30, 5, 5, 26];
    for (const hour of hours)
      await tickwork.enqueue(noop, undefined, { at: new Date(Date.parse(NOW) + hour * 3_600_000) });
    const { ran } = await tickwork.advance("3 days");
    expect(ran.map(({ task, at }) => [task, (Date.parse(at) - Date.parse(NOW)) / 3_600_000])).toEqual([
      [2, 2],
      [4, 5],
      [5, 5],
      [6, 26],
      [3, 30],
      [1, 70],
    ]);
    expect(tickwork.clock.now()).toBe(Date.parse(NOW) + 3 * DAY_MS);
    expect((await tickwork.enqueued()).map(({ lateness }) => lateness)).toEqual(hours.map(() => null));
  });

  test("what fails is tried again after each backoff, at its own time", async () => {
    const daily = defineTask({
      type: "daily",
      maxAttempts: 10,
      backoffMs: (failures) => failures * DAY_MS,
      run: async (_, { attempt }) => {
        if (attempt < 4) throw new Error("not yet");
        return attempt;
      },
    });
    await using tickwork = await createTestTickwork({ definitions: [daily], now: NOW });
    const task = await tickwork.enqueue(daily);
    const { ran, failures } = await tickwork.advance("6 days");
    expect(ran.map(({ at, outcome }) => [at.slice(0, 10), outcome])).toEqual([
      ["2026-11-24", "retried"],
      ["2026-11-25", "retried"],
      ["2026-11-27", "retried"],
      ["2026-11-30", "completed"],
    ]);
    expect(failures.map(({ error }) => error?.message)).toEqual(["not yet", "not yet", "not yet"]);
    expect(await tickwork.result(task)).toBe(4);
  });

  test("a task that enqueues itself anew runs each day of a month, to the second", async () => {
    const nightly = defineTask({
      type: "nightly",
      run: async (_, { task, tasks }: TaskContext) => {
        const next = new Date(Date.parse(task.scheduled_time) + DAY_MS);
        await tasks.create([{ type: "nightly", scheduled_time: next }], {
          idempotencyKey: next.toISOString(),
        });
      },
    });
    await using tickwork = await createTestTickwork({ definitions: [nightly], now: NOW });
    await tickwork.enqueue(nightly, undefined, { at: "2026-11-25T02:30:07Z" });
    const { ran } = await tickwork.advance("30 days");
    expect(ran.map(({ at }) => at)).toEqual(
      Array.from({ length: 30 }, (_, n) => new Date(Date.UTC(2026, 10, 25 + n, 2, 30, 7)).toISOString()),
    );
    // A deployment has 4,320 refreshes in a month. Here are those that matter: one before each run, and the last.
    const refreshes = tickwork.logged.filter(({ message }) => message === "refreshed");
    expect(refreshes.length).toBeLessThanOrEqual(33);
  });

  test("the cache is refreshed as in a deployment, and the health is good a week later", async () => {
    await using tickwork = await createTestTickwork({ definitions: [noop], now: NOW });
    await tickwork.enqueue(noop, undefined, { at: "2026-12-01T10:00:00Z" });
    expect(await tickwork.operator.getNotStartedTasks()).toEqual([]);
    await tickwork.advance("7 days");
    expect((await tickwork.operator.getNotStartedTasks()).map(({ id }) => id)).toEqual([1]);
    expect(await tickwork.operator.getHealth()).toMatchObject({ healthy: true });
  });

  test("nothing passes by itself: not while the test waits, and not while a task runs", async () => {
    let seen = 0;
    const looks = defineTask({
      type: "looks",
      run: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        seen = tickwork.clock.now();
      },
    });
    await using tickwork = await createTestTickwork({ definitions: [looks], now: NOW });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await tickwork.enqueue(looks);
    await tickwork.runDue();
    expect([seen, tickwork.clock.now()]).toEqual([Date.parse(NOW), Date.parse(NOW)]);
  });
});

describe("Date", () => {
  test("shows the time of the test where fake timers are told", async () => {
    vi.useFakeTimers();
    vi.setSystemTime(NOW);
    const remind = defineTask({ type: "remind", run: async () => new Date().toISOString() });
    // Its `now` is what Date shows.
    await using tickwork = await createTestTickwork({
      definitions: [remind],
      onMove: (nowMs) => vi.setSystemTime(nowMs),
    });
    await tickwork.enqueue(remind, undefined, { at: new Date(Date.now() + 3 * DAY_MS) });
    expect((await tickwork.advance("2 days")).ran).toEqual([]);
    const { ran } = await tickwork.advance("1 day");
    expect(ran).toMatchObject([{ at: "2026-11-27T09:00:00.000Z", result: "2026-11-27T09:00:00.000Z" }]);
    expect(new Date().toISOString()).toBe("2026-11-27T09:00:00.000Z");
  });

  test("that is real makes no endless chain without a word", async () => {
    const tomorrow = defineTask({
      type: "tomorrow",
      run: async (_, { tasks }: TaskContext) =>
        void (await tasks.create([{ type: "tomorrow", scheduled_time: new Date(Date.now() + DAY_MS) }])),
    });
    await using tickwork = await createTestTickwork({ definitions: [tomorrow], now: "2126-01-01T00:00:00Z" });
    await tickwork.enqueue(tomorrow);
    await expect(tickwork.runDue()).rejects.toThrow(
      /^Tasks enqueued tasks for now without end: 100 generations ran while the clock stood still, the last task of type "tomorrow"/,
    );
  });
});

describe("a handler", () => {
  /** Waits for something by whatever `wait` does, and says why it was stopped. */
  const waiting = (wait: (context: TaskContext) => Promise<unknown>) =>
    defineTask({
      type: "waiting",
      timeoutSeconds: 60,
      maxAttempts: 1,
      run: async (_, context) => {
        await wait(context);
        context.signal.throwIfAborted();
        return "done";
      },
    });

  test("that waits by the clock of the test goes on when it was moved so far", async () => {
    const sleeper = waiting(({ signal }) => tickwork.clock.sleep(30_000, signal));
    await using tickwork = await createTestTickwork({ definitions: [sleeper], now: NOW });
    const task = await tickwork.enqueue(sleeper);
    expect((await tickwork.runDue()).ran).toEqual([]);
    await expect(tickwork.result(task)).rejects.toThrow('got "Running"');
    await tickwork.advance("29 seconds");
    expect((await tickwork.tasks.get(task.id)).task_status).toBe("Running");
    expect((await tickwork.advance("1 second")).ran).toMatchObject([{ outcome: "completed" }]);
    expect(await tickwork.result(task)).toBe("done");
  });

  test("that has left a sleeper behind keeps none from being waited for", async () => {
    const racer = defineTask({
      type: "racer",
      run: (): Promise<unknown> => Promise.race([tickwork.clock.sleep(60_000), Promise.resolve("won")]),
    });
    const real = defineTask({
      type: "real",
      run: () => new Promise((resolve) => setTimeout(resolve, 50, "answered")),
    });
    await using tickwork = await createTestTickwork({ definitions: [racer, real], now: NOW });
    await tickwork.enqueue(racer);
    await tickwork.enqueue(real);
    const { ran } = await tickwork.runDue();
    expect(ran.map(({ result }) => result)).toEqual(["won", "answered"]);
  });

  test("that takes too long by the clock of the test is stopped at its time limit, and by a cancellation", async () => {
    const sleeper = waiting(({ signal }) => tickwork.clock.sleep(DAY_MS, signal));
    await using tickwork = await createTestTickwork({ definitions: [sleeper], now: NOW });
    const late = await tickwork.enqueue(sleeper);
    expect((await tickwork.advance("1 day")).failures).toMatchObject([{ error: { code: "timeout" } }]);
    await expect(tickwork.result(late)).rejects.toThrow("the task took longer than 60 s");
    const unwanted = await tickwork.enqueue(sleeper);
    await tickwork.runDue();
    await tickwork.tasks.cancel(unwanted.id);
    // It learns of it with the next renewal of its lease.
    await tickwork.advance("20 seconds");
    await expect(tickwork.result(unwanted)).rejects.toMatchObject({ code: "cancelled" });
  });

  test("that never settles is named, within the limit; its time limit stops it when the clock comes there", async () => {
    const stuck = waiting(
      ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
    );
    await using tickwork = await createTestTickwork({
      definitions: [stuck, noop],
      now: NOW,
      handlerLimitMs: 50,
    });
    const task = await tickwork.enqueue(stuck);
    const began = performance.now();
    await expect(tickwork.runDue()).rejects.toThrow(
      /^The handler of task 1 \(waiting, attempt 1\) is still running after 50 ms of real time/,
    );
    expect(performance.now() - began).toBeLessThan(10_000);
    // It was told once; from here on, time may pass.
    await tickwork.advance("30 seconds");
    expect((await tickwork.tasks.get(task.id)).task_status).toBe("Running");
    const { failures } = await tickwork.advance("1 minute");
    expect(failures).toMatchObject([{ task: 1, outcome: "failed", error: { code: "timeout" } }]);
    await tickwork.enqueue(noop);
    expect((await tickwork.runDue()).ran).toMatchObject([{ type: "noop", outcome: "completed" }]);
  });

  test("that ignores its signal crashes, as its process would", async () => {
    const deaf = waiting(() => new Promise(() => {}));
    await using tickwork = await createTestTickwork({
      definitions: [deaf],
      now: NOW,
      handlerLimitMs: 50,
      config: { maxCrashes: 0 },
    });
    const task = await tickwork.enqueue(deaf);
    await expect(tickwork.runDue()).rejects.toThrow("task 1 (waiting, attempt 1)");
    expect((await tickwork.advance("2 minutes")).failures).toMatchObject([{ error: { code: "crashed" } }]);
    await expect(tickwork.result(task)).rejects.toMatchObject({ code: "crashed" });
    expect(tickwork.logged).toContainEqual(
      expect.objectContaining({ level: "error", message: "in a deployment, the process would give up" }),
    );
  });

  test("that runs when the test is over is interrupted, and disturbs no later test", async () => {
    let stopped: unknown;
    let wake = () => {};
    const meddler = waiting(async ({ signal, tasks }) => {
      signal.addEventListener("abort", () => {
        stopped = signal.reason;
      });
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      await tasks.create([{ type: "waiting" }]);
    });
    const first = await createTestTickwork({ definitions: [meddler], now: NOW, handlerLimitMs: 50 });
    await first.enqueue(meddler);
    await expect(first.runDue()).rejects.toThrow("is still running");
    await first.close();
    expect(stopped).toMatchObject({ code: "shutdown" });
    await using second = await createTestTickwork({ definitions: [noop], now: NOW });
    wake();
    await second.enqueue(noop);
    await second.advance("1 hour");
    expect((await second.enqueued()).map(({ type }) => type)).toEqual(["noop"]);
  });

  test("cannot move the clock that it runs by, and neither can two at a time", async () => {
    const mover = waiting(() => tickwork.advance("1 day"));
    await using tickwork = await createTestTickwork({ definitions: [mover], now: NOW });
    await tickwork.enqueue(mover);
    const told = "runDue and advance must be awaited before the next call, got one meanwhile";
    const first = tickwork.runDue();
    await expect(tickwork.advance("1 hour")).rejects.toThrow(told);
    expect((await first).failures).toMatchObject([{ error: { message: told } }]);
  });
});
