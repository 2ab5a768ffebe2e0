/** What the API takes and answers about schedules; core has the schema of a schedule that is put. */
import * as v from "valibot";
import { TASK_STATUSES } from "#core";
import { EVERY_SECONDS_LIMIT } from "../../core/limits.ts";
import { accepts } from "../../core/tasks/accepts.ts";
import { named } from "../../core/tasks/filter-schema.ts";
import { CATCH_UPS, OVERLAPS } from "../../core/tasks/schedule.ts";
import { ScheduleSchema as SchedulePutSchema } from "../../core/tasks/schedule-schema.ts";
import { encoded } from "../cursors.ts";
import { encryptedField } from "./encrypted-schema.ts";
import { LIST_LIMIT, limitFrom, onlyThese } from "./query-schemas.ts";

export { SchedulePutSchema };

/** Of the list: the name after which the next page begins. Cursors are opaque to callers. */
export const cursorAfterName = (name: string): string => encoded(`name:${name}`);
const nameOf = (cursor: string): string | undefined =>
  /^name:(.+)$/s.exec(Buffer.from(cursor, "base64url").toString())?.[1];

export const ScheduleListQuerySchema = v.strictObject(
  {
    name: v.optional(v.pipe(named, v.description("Only the schedule with this name."))),
    limit: limitFrom(LIST_LIMIT),
    cursor: v.optional(
      v.pipe(
        v.string(),
        v.check((cursor) => nameOf(cursor) !== undefined, accepts("a next_cursor of an earlier answer")),
        v.transform((cursor) => nameOf(cursor) as string),
      ),
    ),
  },
  onlyThese("name, limit and cursor"),
);

/** Parameters are texts; core checks what they say. */
export const ScheduleTimesQuerySchema = v.strictObject(
  {
    cron: v.optional(v.pipe(v.string(), v.description("Five fields, or six with seconds first."))),
    every_seconds: v.optional(
      v.pipe(
        v.string(),
        v.check(
          (text) => /^\d{1,15}$/.test(text),
          accepts(`a whole number from 1 to ${EVERY_SECONDS_LIMIT}`),
        ),
        v.transform(Number),
        v.metadata({ type: "integer", minimum: 1, maximum: EVERY_SECONDS_LIMIT }),
      ),
    ),
    time_zone: v.optional(
      v.pipe(v.string(), v.description("Of the cron expression: a name of the IANA database. Default UTC.")),
    ),
  },
  onlyThese("cron, every_seconds and time_zone"),
);

const time = v.pipe(v.string(), v.isoTimestamp());

export const ScheduleTimesSchema = v.object({ next_times: v.array(time) });

export const ScheduleSchema = v.object({
  name: v.string(),
  source: v.pipe(
    v.picklist(["code", "api"]),
    v.description("Where it was made: with defineSchedule, or over HTTP."),
  ),
  cron: v.nullable(v.string()),
  every_seconds: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1))),
  time_zone: v.string(),
  type: v.string(),
  task_data: v.unknown(),
  version: v.pipe(
    v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1))),
    v.description("Of its type, as its tasks have it; null is 1."),
  ),
  catch_up: v.picklist(CATCH_UPS),
  overlap: v.picklist(OVERLAPS),
  paused: v.boolean(),
  next_times: v.pipe(v.array(time), v.description("The next five times; none while it is paused.")),
  last: v.pipe(
    v.nullable(
      v.object({
        task: v.pipe(v.number(), v.integer(), v.minValue(1), v.description("Its id.")),
        task_status: v.picklist(TASK_STATUSES),
        schedule_time: time,
        started_at: v.nullable(time),
        finished_at: v.nullable(time),
      }),
    ),
    v.description("Its latest occurrence that has begun or ended; null when there is none."),
  ),
  created_at: time,
  updated_at: time,
  ...encryptedField,
});

export const ScheduleListSchema = v.object({
  schedules: v.array(ScheduleSchema),
  next_cursor: v.pipe(v.nullable(v.string()), v.description("Of the next page; null on the last.")),
});
