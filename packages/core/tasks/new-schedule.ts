/** What callers may say about a schedule, for checks and `/openapi.json`. */
import * as v from "valibot";
import { invalidRequest, mustBe, quote } from "../errors.ts";
import { CRON_LIMIT, EVERY_SECONDS_LIMIT } from "../limits.ts";
import { accepts } from "./accepts.ts";
import { flawsOfName, flawsOfTimes } from "./check-times.ts";
import { checkNewTasks, NewTaskSchema } from "./new-task.ts";
import type { Registry } from "./registry.ts";
import { CATCH_UPS, OVERLAPS, type ScheduleChanges } from "./schedule.ts";

const FIELDS = "cron, every_seconds, time_zone, type, task_data, catch_up, overlap, paused";
const { type, task_data } = NewTaskSchema.entries;
const oneOf = (values: readonly string[]) => accepts(`one of ${values.map(quote).join(", ")}`);
const seconds = accepts(`a whole number from 1 to ${EVERY_SECONDS_LIMIT}`);

export const ScheduleSchema = v.strictObject(
  {
    cron: v.pipe(
      v.nullish(
        v.pipe(
          v.string(accepts("a cron expression")),
          v.maxLength(CRON_LIMIT, accepts(`a cron expression of at most ${CRON_LIMIT} characters`)),
        ),
      ),
      v.description("Five fields, or six with seconds first. Either this or every_seconds."),
      v.examples(["0 9 * * MON-FRI", "*/10 * * * * *"]),
    ),
    every_seconds: v.pipe(
      v.nullish(
        v.pipe(
          v.number(seconds),
          v.integer(seconds),
          v.minValue(1, seconds),
          v.maxValue(EVERY_SECONDS_LIMIT, seconds),
        ),
      ),
      v.description("At whole multiples of so many seconds since 1970, in UTC."),
    ),
    time_zone: v.pipe(
      v.optional(v.string(accepts("a time zone of the IANA database"))),
      v.description("Of the cron expression: a name of the IANA database. Default UTC."),
      v.examples(["Europe/Berlin"]),
    ),
    type: v.optional(type),
    task_data,
    catch_up: v.pipe(
      v.optional(v.picklist(CATCH_UPS, oneOf(CATCH_UPS))),
      v.description("Which occurrences run that could not start within 15 minutes. Default last."),
    ),
    overlap: v.pipe(
      v.optional(v.picklist(OVERLAPS, oneOf(OVERLAPS))),
      v.description("What becomes of one that comes while the one before has not ended. Default allow."),
    ),
    paused: v.pipe(
      v.optional(v.boolean(accepts("true or false"))),
      v.description("Whether it has no occurrences for now. It may be given alone. Default false."),
    ),
  },
  (issue) =>
    issue.expected === "never"
      ? `is not a field that can be set; these can: ${FIELDS}`
      : `the schedule ${mustBe(`an object with ${FIELDS}`, issue.input)}`,
);

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
  const result = v.safeParse(ScheduleSchema, given);
  if (!result.success) throw invalidRequest(issuesOf(result.issues));
  return result.output.paused;
}

const issuesOf = (issues: readonly v.BaseIssue<unknown>[]) =>
  issues.map((issue) => ({ path: v.getDotPath(issue) ?? "", message: issue.message }));
