/** Checks what callers say about a schedule. */
import * as v from "valibot";
import { invalidRequest } from "../errors.ts";
import { checked, issuesOf } from "./accepts.ts";
import { flawsOfName, flawsOfTimes } from "./check-times.ts";
import { checkNewTasks } from "./new-task.ts";
import type { Registry } from "./registry.ts";
import type { ScheduleChanges, ScheduleTimes } from "./schedule.ts";
import { ScheduleSchema } from "./schedule-schema.ts";

/** What callers call the times of a schedule. */
const NAMES = { cron: "cron", every: "every_seconds", zone: "time_zone" };

/**
 * Checks a schedule as a whole.
 *
 * @throws TickworkError `invalid_request`, `unknown_type` or `task_data_too_large`
 */
export async function checkSchedule(
  registry: Registry,
  name: string,
  given: ScheduleChanges,
  nowMs: number,
): Promise<ScheduleChanges & { type: string; version: number | null }> {
  const result = v.safeParse(ScheduleSchema, given);
  if (!result.success) throw invalidRequest([...flawsOfName(name), ...issuesOf(result.issues)]);
  const { output } = result;
  const issues = [...flawsOfName(name), ...flawsOfTimes(output, NAMES, nowMs)];
  if (output.type === undefined) issues.push({ path: "type", message: "is missing" });
  if (issues.length > 0 || output.type === undefined) throw invalidRequest(issues);
  const [task] = await checkNewTasks(registry, [{ type: output.type, task_data: output.task_data }]);
  return { ...output, type: output.type, version: task?.version ?? null };
}

/** Checks when a schedule would have its occurrences. @throws TickworkError `invalid_request` */
export function checkTimes(given: unknown, nowMs: number): ScheduleTimes {
  const { cron = null, every_seconds = null, time_zone = "UTC" } = checked(ScheduleSchema, given);
  const times = { cron, every_seconds, time_zone };
  const issues = flawsOfTimes(times, NAMES, nowMs);
  if (issues.length > 0) throw invalidRequest(issues);
  return times;
}

/** Whether only `paused` is said. @throws TickworkError `invalid_request` when that is neither true nor false */
export function pauseAlone(given: unknown): boolean | undefined {
  const names = Object.keys(Object(given) as object);
  if (names.length !== 1 || names[0] !== "paused") return undefined;
  return checked(ScheduleSchema, given).paused;
}
