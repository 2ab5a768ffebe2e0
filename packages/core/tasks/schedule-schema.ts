/** What callers may say about a schedule, for checks and `/openapi.json`; no library of times is loaded for that. */
import * as v from "valibot";
import { mustBe, quote } from "../errors.ts";
import { CRON_LIMIT, EVERY_SECONDS_LIMIT } from "../limits.ts";
import { accepts, noList } from "./accepts.ts";
import { NewTaskSchema } from "./new-task.ts";
import { CATCH_UPS, OVERLAPS } from "./schedule.ts";

const FIELDS = "cron, every_seconds, time_zone, type, task_data, catch_up, overlap, paused";
const { type, task_data } = NewTaskSchema.entries;
const oneOf = (values: readonly string[]) => accepts(`one of ${values.map(quote).join(", ")}`);
const seconds = accepts(`a whole number from 1 to ${EVERY_SECONDS_LIMIT}`);

export const ScheduleSchema = noList(
  v.strictObject(
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
  ),
);
