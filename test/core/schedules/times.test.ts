import { describe, expect, test } from "vitest";
import { timeAfter, timesAfter, timesUpTo } from "../../../packages/core/tasks/schedule-times.ts";

const from = (cron: string, time_zone: string, start: string, n: number) =>
  timesAfter({ cron, every_seconds: null, time_zone }, Date.parse(start), n).map((ms) =>
    new Date(ms).toISOString().slice(0, 16),
  );

describe("where clocks skip an hour, what falls into it occurs when it ends", () => {
  test.each([
    ["Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00", "2026-03-30T00:30"]],
    ["America/New_York", "30 2 * * *", "2026-03-07T12:00:00Z", ["2026-03-08T07:00", "2026-03-09T06:30"]],
    // Half an hour only.
    ["Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00Z", ["2026-10-03T15:30", "2026-10-04T15:15"]],
  ])("%s", (zone, cron, start, times) => expect(from(cron, zone, start, 2)).toEqual(times));
});

describe("where clocks have an hour twice, a time of day occurs once, at the first of the two", () => {
  test.each([
    ["Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30", "2026-10-26T01:30"]],
    ["America/New_York", "30 1 * * *", "2026-10-31T12:00:00Z", ["2026-11-01T05:30", "2026-11-02T06:30"]],
    ["Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00:00Z", ["2026-04-04T14:45", "2026-04-05T15:15"]],
  ])("%s", (zone, cron, start, times) => expect(from(cron, zone, start, 2)).toEqual(times));

  test("and what recurs within the hour does so in both", () => {
    expect(from("30 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z", 3)).toEqual([
      "2026-10-25T00:30",
      "2026-10-25T01:30",
      "2026-10-25T02:30",
    ]);
  });
});

test("so many seconds are counted from 1970, whenever one asks", () => {
  const times = { cron: null, every_seconds: 90, time_zone: "UTC" };
  expect(timesAfter(times, 100_000, 2)).toEqual([180_000, 270_000]);
  expect(timeAfter(times, 180_000)).toBe(270_000);
  expect(timesUpTo(times, 180_000, 2)).toEqual([180_000, 90_000]);
});

test("the latest ones up to a time include that time", () => {
  const noon = Date.parse("2026-11-24T12:00:00Z");
  const times = { cron: "0 12 * * *", every_seconds: null, time_zone: "UTC" };
  expect(timesUpTo(times, noon, 2)).toEqual([noon, noon - 86_400_000]);
  expect(timesUpTo(times, noon - 1, 1)).toEqual([noon - 86_400_000]);
});
