import { expect, test } from "vitest";
import { type Duration, millisecondsOf } from "../../packages/core/duration.ts";

test.each<[Duration, number]>([
  [0, 0],
  [1_500, 1_500],
  [0.2, 1],
  ["1 millisecond", 1],
  ["90 seconds", 90_000],
  ["1 minute", 60_000],
  ["1.5 hours", 5_400_000],
  ["3 days", 259_200_000],
  ["2 weeks", 1_209_600_000],
])("%j is %d ms", (duration, ms) => {
  expect(millisecondsOf(duration)).toBe(ms);
});

test.each([
  "3",
  "3days",
  "three days",
  "-3 days",
  "3 fortnights",
  "3 dayss",
  "",
  "1 constructor",
  -1,
  Number.POSITIVE_INFINITY,
  undefined,
  null,
  {},
])("%j is refused", (duration) => {
  expect(() => millisecondsOf(duration as Duration)).toThrow(
    /^duration must be milliseconds, or a number and a unit \(millisecond, second, minute, hour, day, week\), such as "3 days", got/,
  );
});

// @ts-expect-error the unit is unknown
const _wrong: Duration = "3 fortnights";
