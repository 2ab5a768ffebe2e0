import { expect, test } from "vitest";
import { parseTime } from "../../../packages/core/tasks/time.ts";

test.each([
  ["2026-11-24T09:00:00Z", "2026-11-24T09:00:00.000Z"],
  ["2026-11-24T10:00:00+01:00", "2026-11-24T09:00:00.000Z"],
  ["2026-11-24T04:30:00-0430", "2026-11-24T09:00:00.000Z"],
  ["2026-11-24 09:00Z", "2026-11-24T09:00:00.000Z"],
  ["2026-11-24t09:00:00.123456789z", "2026-11-24T09:00:00.123Z"],
  ["2026-12-01T00:00:00Z", "2026-12-01T00:00:00.000Z"],
  ["2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"],
  [new Date(0), "1970-01-01T00:00:00.000Z"],
])("%s is %s", (given, time) => {
  expect(parseTime(given)).toBe(time);
});

test.each([
  ["without a zone", "2026-11-24T09:00:00"],
  ["without a time of day", "2026-11-24"],
  ["on a day that its month does not have", "2026-11-31T09:00:00Z"],
  ["on 29 February of an ordinary year", "2026-02-29T09:00:00Z"],
  ["on day 0", "2026-11-00T09:00:00Z"],
  ["in month 13", "2026-13-01T09:00:00Z"],
  ["at 25 o'clock", "2026-11-24T25:00:00Z"],
  ["with something after it", "2026-11-24T09:00:00Z, roughly"],
  ["with something before it", "on 2026-11-24T09:00:00Z"],
  ["in words", "tomorrow"],
  ["as a number", 1_795_510_800_000],
  ["in an array", ["2026-11-24T09:00:00Z"]],
  ["that is an invalid Date", new Date(Number.NaN)],
  ["that is missing", undefined],
])("a time %s is none", (_, given) => {
  expect(parseTime(given)).toBeUndefined();
});
