/** What tests of tasks cost those who run them. */
import { describe, expect, test } from "vitest";
import { defineTask } from "#core";
import { createTestTickwork } from "#testing";
import { median } from "../../scripts/median.ts";

const done = defineTask({ type: "done", run: async () => "done" });
const daily = defineTask({
  type: "daily",
  maxAttempts: 40,
  backoffMs: () => 86_400_000,
  run: async (_, { attempt }) => {
    if (attempt < 31) throw new Error("not yet");
  },
});
const definitions = [done, daily] as const;

const WARM_UP = 10;

/**
 * What each of so many runs takes, warmed up: milliseconds of the processor. All of it happens in this process, so on a
 * machine that has time it takes no longer, and on a busy one the result is the same.
 */
async function times(count: number, work: () => Promise<unknown>): Promise<number[]> {
  const measured: number[] = [];
  for (let n = -WARM_UP; n < count; n++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    if (n >= 0) measured.push((user + system) / 1_000);
  }
  return measured;
}

describe("once Postgres has started", { timeout: 300_000 }, () => {
  test("a test with an instance of its own takes less than 100 ms", async () => {
    const measured = await times(20, async () => {
      await using tickwork = await createTestTickwork({ definitions });
      const task = await tickwork.enqueue(done);
      await tickwork.runDue();
      expect(await tickwork.result(task)).toBe("done");
    });
    console.log(`a test: ${median(measured).toFixed(1)} ms, at most ${Math.max(...measured).toFixed(1)} ms`);
    expect(median(measured)).toBeLessThan(100);
  });

  test("a month with a retry each day takes less than a second", async () => {
    const measured = await times(5, async () => {
      await using tickwork = await createTestTickwork({ definitions });
      await tickwork.enqueue(daily);
      expect((await tickwork.advance("30 days")).ran).toHaveLength(31);
    });
    console.log(`a month: ${median(measured).toFixed(0)} ms, at most ${Math.max(...measured).toFixed(0)} ms`);
    expect(median(measured)).toBeLessThan(1_000);
  });
});
