import fc from "fast-check";
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

describe("so it is for each of several times", () => {
  const BERLIN = "Europe/Berlin";
  test.each([
    [BERLIN, "0,30 2 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00", "2026-03-30T00:00"]],
    [
      BERLIN,
      "0 2,14 * * *",
      "2026-03-28T12:30:00Z",
      ["2026-03-28T13:00", "2026-03-29T01:00", "2026-03-29T12:00"],
    ],
    [
      BERLIN,
      "30 2,3 * * *",
      "2026-03-28T12:00:00Z",
      ["2026-03-29T01:00", "2026-03-29T01:30", "2026-03-30T00:30"],
    ],
    [BERLIN, "0 2,3 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00", "2026-03-30T00:00"]],
    ["America/New_York", "15,45 2 * * 0", "2026-03-07T12:00:00Z", ["2026-03-08T07:00", "2026-03-15T06:15"]],
    [BERLIN, "0 2,14 * * *", "2026-10-24T13:00:00Z", ["2026-10-25T00:00", "2026-10-25T13:00"]],
    [
      BERLIN,
      "0 1-3 * * *",
      "2026-10-24T12:00:00Z",
      ["2026-10-24T23:00", "2026-10-25T00:00", "2026-10-25T02:00"],
    ],
    [
      BERLIN,
      "0,30 2 * * *",
      "2026-10-24T12:00:00Z",
      ["2026-10-25T00:00", "2026-10-25T00:30", "2026-10-26T01:00"],
    ],
    [BERLIN, "@daily", "2026-10-24T12:00:00Z", ["2026-10-24T22:00", "2026-10-25T23:00"]],
    // What recurs within the hour has no more to do when it is skipped.
    [
      BERLIN,
      "*/30 * * * *",
      "2026-03-29T00:20:00Z",
      ["2026-03-29T00:30", "2026-03-29T01:00", "2026-03-29T01:30"],
    ],
    [BERLIN, "@hourly", "2026-10-25T00:30:00Z", ["2026-10-25T01:00", "2026-10-25T02:00"]],
  ])("%s %s from %s", (zone, cron, start, times) =>
    expect(from(cron, zone, start, times.length)).toEqual(times),
  );
});

describe("looking back finds what looking ahead found, each once", () => {
  const CHANGES = [
    ["Europe/Berlin", "2026-03-29T01:00:00Z"],
    ["Europe/Berlin", "2026-10-25T01:00:00Z"],
    ["America/New_York", "2026-03-08T07:00:00Z"],
    ["America/New_York", "2026-11-01T06:00:00Z"],
    ["Australia/Lord_Howe", "2026-04-04T15:00:00Z"],
    ["Australia/Lord_Howe", "2026-10-03T15:30:00Z"],
    // A day that never was.
    ["Pacific/Apia", "2011-12-30T10:00:00Z"],
  ] as const;
  const hour = fc.integer({ min: 0, max: 4 }).map(String);
  const cron = fc
    .tuple(
      fc.constantFrom("0", "30", "*/20", "15,45", "*"),
      fc.oneof(
        hour,
        fc.constant("*"),
        fc.constant("*/2"),
        fc.tuple(hour, hour).map((two) => two.join(",")),
      ),
    )
    .map(([minute, hours]) => `${minute} ${hours} * * *`);
  test.each(CHANGES)("%s at %s", (time_zone, change) => {
    const changeMs = Date.parse(change);
    const aroundMs = fc.integer({ min: -5 * 3_600_000, max: 5 * 3_600_000 });
    fc.assert(
      fc.property(cron, aroundMs, aroundMs, (expression, a, b) => {
        const times = { cron: expression, every_seconds: null, time_zone };
        const [startMs, endMs] = [changeMs + Math.min(a, b), changeMs + Math.max(a, b)];
        const ahead: number[] = [];
        for (let at = timeAfter(times, startMs); at !== undefined && at <= endMs; at = timeAfter(times, at))
          ahead.push(at);
        const back = timesUpTo(times, endMs, ahead.length);
        expect(back.toReversed()).toEqual(ahead);
        expect(ahead).toEqual([...new Set(ahead)].toSorted((one, other) => one - other));
      }),
    );
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
