/** Checks what callers say about a schedule. */
import * as v from "valibot";
import { invalidRequest } from "../errors.ts";
import { checked, issuesOf } from "./accepts.ts";
import { flawsOfName, flawsOfTimes } from "./check-times.ts";
import { checkNewTasks } from "./new-task.ts";
import type { Registry } from "./registry.ts";
import type { ScheduleChanges } from "./schedule.ts";
import { ScheduleSchema } from "./schedule-schema.ts";

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
  const issues = [
    ...flawsOfName(name),
    ...flawsOfTimes(output, { cron: "cron", every: "every_seconds", zone: "time_zone" }, nowMs),
  ];
  if (output.type === undefined) issues.push({ path: "type", message: "is missing" });
  if (issues.length > 0 || output.type === undefined) throw invalidRequest(issues);
  const [task] = await checkNewTasks(registry, [{ type: output.type, task_data: output.task_data }]);
  return { ...output, type: output.type, version: task?.version ?? null };
}

/** Whether only `paused` is said. @throws TickworkError `invalid_request` when that is neither true nor false */
export function pauseAlone(given: unknown): boolean | undefined {
  const names = Object.keys(Object(given) as object);
  if (names.length !== 1 || names[0] !== "paused") return undefined;
  return checked(ScheduleSchema, given).paused;
}
