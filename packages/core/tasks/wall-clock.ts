/**
 * The clock on the wall of a time zone, which is put forward and back. Its times are milliseconds too, as if it hung in
 * UTC: 02:30 is 02:30, whatever the offset is.
 */
import { keeping } from "./keeping.ts";

const DAY_MS = 86_400_000;
const two = "2-digit";
const formatOf = keeping(
  (zone) =>
    new Intl.DateTimeFormat("en-US", {
      ...{ timeZone: zone, calendar: "iso8601", numberingSystem: "latn", hourCycle: "h23" },
      ...{ year: "numeric", month: two, day: two, hour: two, minute: two, second: two },
    }),
);

/** By how much the clock is ahead of UTC at a moment. */
export function offsetAt(zone: string, ms: number): number {
  if (zone === "UTC") return 0;
  const wholeMs = Math.floor(ms / 1000) * 1000;
  const at: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(wholeMs)) at[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = at;
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeMs;
}

/** The first moment after `from`, and up to `to`, at which the offset is not what it was at `from`. There must be one. */
export function changeBetween(zone: string, from: number, to: number): number {
  const before = offsetAt(zone, from);
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

/** The moment at which the clock first shows a time, or when it skips it, the one at which it does. */
export function firstMomentOf(zone: string, wallMs: number): number {
  const [before, after] = [offsetAt(zone, wallMs - DAY_MS), offsetAt(zone, wallMs + DAY_MS)];
  if (before === after) return wallMs - before;
  const changeMs = changeBetween(zone, wallMs - DAY_MS, wallMs + DAY_MS);
  if (wallMs < changeMs + before) return wallMs - before;
  return Math.max(wallMs - after, changeMs);
}

/** The latest time that the clock has shown up to a moment: one that was put back shows earlier ones again. */
export function latestShownAt(zone: string, ms: number): number {
  const [before, now] = [offsetAt(zone, ms - DAY_MS), offsetAt(zone, ms)];
  if (before <= now) return ms + now;
  return Math.max(ms + now, changeBetween(zone, ms - DAY_MS, ms) - 1 + before);
}
