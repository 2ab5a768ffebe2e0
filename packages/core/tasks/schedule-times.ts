/** When schedules have their occurrences. */
import { Cron } from "croner";
import { keeping } from "./keeping.ts";
import type { ScheduleTimes } from "./schedule.ts";
import { changeBetween, firstMomentOf, latestShownAt, offsetAt } from "./wall-clock.ts";

/** The expression on a clock that is never put forward or back; what zones do is for `wall-clock.ts`. */
const cronOf = keeping((cron) => new Cron(cron, { timezone: "UTC", paused: true }));

/** Whether it has any hour: then it recurs within the hour, and is no time of day. */
function hasAnyHour(cron: string): boolean {
  if (cron.startsWith("@")) return cron.toLowerCase() === "@hourly";
  const fields = cron.trim().split(/\s+/);
  return /^(\*|\*\/1|0-23)$/.test(fields[fields.length > 5 ? 2 : 1] ?? "");
}

/**
 * The first occurrence after a time, in epoch milliseconds; undefined when there is none any more.
 *
 * Where clocks skip an hour, what falls into it occurs when it ends, once. Where they have an hour twice, a time of day
 * occurs once, at the first of the two. What recurs within the hour goes by the hours that there are.
 *
 * @throws Error of croner when the expression is none, RangeError when the zone is none
 * @example timeAfter({ cron: "0 9 * * *", every_seconds: null, time_zone: "UTC" }, 0); // 32,400,000
 */
export function timeAfter({ cron, every_seconds, time_zone }: ScheduleTimes, ms: number): number | undefined {
  if (cron === null) {
    const everyMs = (every_seconds ?? 0) * 1000;
    return (Math.floor(ms / everyMs) + 1) * everyMs;
  }
  const wallAfter = (wallMs: number) => cronOf(cron).nextRun(new Date(wallMs))?.getTime();
  if (!hasAnyHour(cron)) {
    const wallMs = wallAfter(latestShownAt(time_zone, ms));
    return wallMs === undefined ? undefined : firstMomentOf(time_zone, wallMs);
  }
  for (let fromMs = ms; ; ) {
    const offset = offsetAt(time_zone, fromMs + 1);
    const wallMs = wallAfter(fromMs + offset);
    if (wallMs === undefined) return undefined;
    if (offsetAt(time_zone, wallMs - offset) === offset) return wallMs - offset;
    fromMs = changeBetween(time_zone, fromMs + 1, wallMs - offset) - 1;
  }
}

/** The latest so many occurrences up to a time, the latest first. */
export function timesUpTo(
  { cron, every_seconds, time_zone }: ScheduleTimes,
  ms: number,
  n: number,
): number[] {
  if (cron === null) {
    const everyMs = (every_seconds ?? 0) * 1000;
    const latest = Math.floor(ms / everyMs) * everyMs;
    return Array.from({ length: n }, (_, k) => latest - k * everyMs);
  }
  const wallsUpTo = (wallMs: number) =>
    cronOf(cron)
      .previousRuns(n, new Date(wallMs + 1))
      .map((time) => time.getTime());
  const found = new Set<number>();
  if (!hasAnyHour(cron)) {
    for (let untilMs = latestShownAt(time_zone, ms); found.size < n; ) {
      const walls = wallsUpTo(untilMs);
      for (const wallMs of walls) found.add(firstMomentOf(time_zone, wallMs));
      if (walls.length < n) break;
      untilMs = (walls.at(-1) ?? 0) - 1;
    }
    return [...found].slice(0, n);
  }
  for (let untilMs = ms; found.size < n; ) {
    const offset = offsetAt(time_zone, untilMs);
    const walls = wallsUpTo(untilMs + offset);
    const beyond = walls.find((wallMs) => offsetAt(time_zone, wallMs - offset) !== offset);
    for (const wallMs of walls) {
      if (wallMs === beyond) break;
      found.add(wallMs - offset);
    }
    if (beyond === undefined) break;
    untilMs = changeBetween(time_zone, beyond - offset, untilMs) - 1;
  }
  return [...found].slice(0, n);
}

/** @example timesAfter({ cron: null, every_seconds: 60, time_zone: "UTC" }, 0, 2); // [60,000, 120,000] */
export function timesAfter(times: ScheduleTimes, ms: number, n: number): number[] {
  const found: number[] = [];
  for (let at = timeAfter(times, ms); at !== undefined && found.length < n; at = timeAfter(times, at))
    found.push(at);
  return found;
}
