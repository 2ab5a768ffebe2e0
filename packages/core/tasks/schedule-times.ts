/** When schedules have their occurrences. */
import { Cron } from "croner";
import type { ScheduleTimes } from "./schedule.ts";

/** Cron expressions that are kept ready: making one takes as long as asking it. */
const KEPT = 1_000;
const kept = new Map<string, Cron>();

function cronOf(cron: string, time_zone: string): Cron {
  const key = `${time_zone} ${cron}`;
  let one = kept.get(key);
  if (!one) {
    one = new Cron(cron, { timezone: time_zone, paused: true });
    if (kept.size >= KEPT) kept.clear();
    kept.set(key, one);
  }
  return one;
}

/**
 * The first occurrence after a time, in epoch milliseconds; undefined when there is none any more.
 *
 * Where clocks skip an hour, what falls into it occurs when it ends. Where they have an hour twice, a time of day occurs
 * once, at the first of the two; what recurs within the hour does so in both.
 *
 * @throws Error of croner when the expression or the zone is none
 * @example timeAfter({ cron: "0 9 * * *", every_seconds: null, time_zone: "UTC" }, 0); // 32,400,000
 */
export function timeAfter({ cron, every_seconds, time_zone }: ScheduleTimes, ms: number): number | undefined {
  if (cron === null) {
    const everyMs = (every_seconds ?? 0) * 1000;
    return (Math.floor(ms / everyMs) + 1) * everyMs;
  }
  return cronOf(cron, time_zone).nextRun(new Date(ms))?.getTime();
}

/** The latest so many occurrences up to a time, the latest first. */
export function timesUpTo(
  { cron, every_seconds, time_zone }: ScheduleTimes,
  ms: number,
  n: number,
): number[] {
  if (cron !== null)
    return cronOf(cron, time_zone)
      .previousRuns(n, new Date(ms + 1))
      .map((time) => time.getTime());
  const everyMs = (every_seconds ?? 0) * 1000;
  const latest = Math.floor(ms / everyMs) * everyMs;
  return Array.from({ length: n }, (_, k) => latest - k * everyMs);
}

/** @example timesAfter({ cron: null, every_seconds: 60, time_zone: "UTC" }, 0, 2); // [60,000, 120,000] */
export function timesAfter(times: ScheduleTimes, ms: number, n: number): number[] {
  const found: number[] = [];
  for (let at = timeAfter(times, ms); at !== undefined && found.length < n; at = timeAfter(times, at))
    found.push(at);
  return found;
}
