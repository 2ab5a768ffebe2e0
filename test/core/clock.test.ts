/** The clock of the system. */
import { expect, test } from "vitest";
import { systemClock } from "#core";

test("a sleep never ends before its time", async () => {
  const early: number[] = [];
  for (let n = 1; n <= 100; n++) {
    const ms = (n % 10) / 2 + 0.3;
    const beganMs = performance.now();
    await systemClock.sleep(ms);
    const leftMs = ms - (performance.now() - beganMs);
    if (leftMs > 0) early.push(leftMs);
  }
  expect(early).toEqual([]);
});
