import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { silent, type TickEvent } from "#core";
import { createTimerDoorbell } from "../../packages/local/timers.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function openDoorbell() {
  const ticks: TickEvent[] = [];
  const doorbell = createTimerDoorbell(async (event) => void ticks.push(event), silent);
  return { doorbell, ticks };
}

test("rings for the same moment make one tick, which is told what each of them knew", async () => {
  const { doorbell, ticks } = openDoorbell();
  await doorbell.ringAfter(70);
  await doorbell.ringAfter(70, { askPostgres: true });
  await doorbell.ringAt({ atMs: Date.now() + 70, inMs: 70 });
  await vi.advanceTimersByTimeAsync(100);
  expect(ticks).toEqual([{ askPostgres: true }]);
});

test("rings that only look come together, at the same tenth of a second", async () => {
  const { doorbell, ticks } = openDoorbell();
  vi.setSystemTime(0);
  await doorbell.ringAfter(40, { by: "held" });
  await doorbell.ringAfter(60, { failures: 2 });
  await vi.advanceTimersByTimeAsync(99);
  expect(ticks).toEqual([]);
  await vi.advanceTimersByTimeAsync(2);
  expect(ticks).toEqual([{ by: "held", failures: 2 }]);
});
