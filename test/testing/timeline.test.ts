import fc from "fast-check";
import { expect, test } from "vitest";
import { createTimeline } from "../../packages/testing/timeline.ts";

test("what is set happens once, in the order of time, and of one moment in the order in which it was set", () => {
  const timers = fc.array(fc.record({ afterMs: fc.nat(20), prevented: fc.boolean() }), { maxLength: 60 });
  fc.assert(
    fc.property(timers, (given) => {
      const timeline = createTimeline(1_000);
      const happened: { n: number; atMs: number }[] = [];
      given.forEach(({ afterMs, prevented }, n) => {
        const prevent = timeline.after(afterMs, () => void happened.push({ n, atMs: timeline.nowMs }));
        if (prevented) prevent();
      });
      while (timeline.nextMs !== undefined) timeline.step();
      const expected = given
        .map(({ afterMs, prevented }, n) => ({ n, atMs: 1_000 + afterMs, prevented }))
        .filter(({ prevented }) => !prevented)
        .sort((a, b) => a.atMs - b.atMs)
        .map(({ n, atMs }) => ({ n, atMs }));
      expect(happened).toEqual(expected);
    }),
  );
});

test("time never goes back, and what is set for the past happens next", () => {
  const timeline = createTimeline(1_000);
  timeline.moveTo(500);
  expect(timeline.nowMs).toBe(1_000);
  timeline.at(10, () => {});
  timeline.after(-5, () => {});
  expect(timeline.nextMs).toBe(1_000);
  timeline.step();
  timeline.step();
  expect([timeline.nowMs, timeline.nextMs]).toEqual([1_000, undefined]);
  timeline.step();
  expect(timeline.nowMs).toBe(1_000);
});
