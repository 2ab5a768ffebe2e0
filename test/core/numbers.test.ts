/** The numbers that the README states, counted on both wires. */
import { afterEach, expect, test, vi } from "vitest";
import { describeOnStacks } from "../support/bed/describe-on-stacks.ts";
import { noteRings } from "../support/bed/doorbells.ts";
import { failing, gated, noting } from "../support/bed/tasks.ts";
import { eventually } from "../support/eventually.ts";

const MINUTE_MS = 60_000;

describeOnStacks("the number of requests", (bed) => {
  afterEach(() => void vi.useRealTimers());

  test.each([1, 9, 100, 1_000])(
    "%i due tasks cost at most n + 2 requests to Postgres and n / 10 + 4 to Redis",
    async (n) => {
      const { definition } = noting();
      const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition] });
      await worker.refresh();
      await tasks.create(Array.from({ length: n }, () => ({ type: "note" })));
      bed.counts.reset();
      expect(await worker.tick()).toMatchObject({ completed: n, ended: "idle" });
      expect(bed.counts.postgres).toBeLessThanOrEqual(n + 2);
      expect(bed.counts.redis).toBeLessThanOrEqual(n / 10 + 4);
    },
  );

  test("an idle tick costs no request to Postgres and one to Redis", async () => {
    const { worker } = bed.make({ doorbell: noteRings() });
    await worker.refresh();
    bed.counts.reset();
    expect(await worker.tick()).toMatchObject({ ended: "idle" });
    expect(bed.counts).toMatchObject({ postgres: 0, redis: 1 });
  });

  // The embedded servers set no timers of their own.
  test.runIf(bed.kind === "embedded")(
    "between wake-ups and refreshes there is nothing, for minutes",
    async () => {
      vi.useFakeTimers({
        toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"],
        shouldAdvanceTime: true,
      });
      const { definition, ran } = noting();
      const { tasks, operator, worker } = bed.make({ definitions: [definition] });
      await worker.refresh();
      const later = new Date(Date.now() + 15 * MINUTE_MS);
      await tasks.create([{ type: "note" }, { type: "note", scheduled_time: later }]);
      await eventually(async () => ran.length === 1 && !(await operator.isTaskRunning()));
      bed.counts.reset();
      await vi.advanceTimersByTimeAsync(14 * MINUTE_MS);
      expect(bed.counts).toMatchObject({ postgres: 0, redis: 0 });
      // Then the doorbell rings for the second task.
      await vi.advanceTimersByTimeAsync(2 * MINUTE_MS);
      await eventually(() => bed.counts.redis > 0);
    },
  );

  test("making 1,000 tasks costs one request to Postgres and at most two to Redis", async () => {
    const { definition } = noting();
    const { tasks } = bed.make({ doorbell: noteRings(), definitions: [definition] });
    bed.counts.reset();
    const made = await tasks.create(
      Array.from({ length: 1_000 }, (_, n) => ({ type: "note", task_data: { n } })),
    );
    expect(bed.counts.postgres).toBe(1);
    expect(bed.counts.redis).toBeLessThanOrEqual(2);
    expect(made.map(({ task_data }) => (task_data as { n: number }).n)).toEqual(
      Array.from({ length: 1_000 }, (_, n) => n),
    );
  });

  test("a task that waits again costs one request more to Redis", async () => {
    const { definition } = noting();
    const { tasks, worker } = bed.make({ doorbell: noteRings(), definitions: [definition, failing] });
    await worker.refresh();
    const types = Array.from({ length: 100 }, (_, n) => (n % 10 === 0 ? "failing" : "note"));
    await tasks.create(types.map((type) => ({ type, task_data: { how: "tomorrow" } })));
    bed.counts.reset();
    expect(await worker.tick()).toMatchObject({ completed: 90, retried: 10, ended: "idle" });
    expect(bed.counts.postgres).toBeLessThanOrEqual(100 + 2);
    expect(bed.counts.redis).toBeLessThanOrEqual(4 + 10);
  });

  test("every renewal of a long task costs one request more on each wire", async () => {
    const { starts, definition } = gated();
    const { tasks, worker } = bed.make({
      doorbell: noteRings(),
      definitions: [definition],
      env: { TASK_RUNNING_TTL: "2" },
    });
    await worker.refresh();
    await tasks.create([{ type: "gated" }]);
    bed.counts.reset();
    const ticking = worker.tick();
    await eventually(() => starts.length === 1);
    const revs = () =>
      bed.sql<{ rev: string }>(`select rev from "baasix_Tasks"`).then(([row]) => Number(row?.rev));
    // Made, claimed, and renewed three times.
    await eventually(async () => (await revs()) >= 5);
    starts[0]?.finish();
    await ticking;
    const renewals = (await revs()) - 3;
    expect(renewals).toBeGreaterThanOrEqual(3);
    expect(bed.counts.postgres).toBeLessThanOrEqual(1 + 2 + renewals);
    expect(bed.counts.redis).toBeLessThanOrEqual(1 / 10 + 4 + renewals);
  });
});
