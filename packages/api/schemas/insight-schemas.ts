/** What the API takes and answers where it shows what is there. */
import * as v from "valibot";
import { storable } from "../../core/tasks/accepts.ts";
import { limitFrom, onlyThese } from "./query-schemas.ts";
import { fromZero, positive, time } from "./schemas.ts";

/** How far back an overview looks, in minutes. */
const OVERVIEW_MINUTES = { default: 180, max: 1_440 };
export const OverviewQuerySchema = v.strictObject(
  { minutes: limitFrom(OVERVIEW_MINUTES) },
  onlyThese("minutes"),
);

/** How many types a page has. */
const TYPES_LIMIT = { default: 50, max: 100 };
export const TypesQuerySchema = v.strictObject(
  {
    limit: limitFrom(TYPES_LIMIT),
    after: v.optional(v.pipe(v.string(), storable, v.description("The last type of the page before."))),
  },
  onlyThese("limit and after"),
);

const CountSchema = v.pipe(
  v.object({ count: fromZero, exact: v.boolean() }),
  v.description("Exact up to 10,000; above that, Postgres's estimate."),
);
export const OverviewSchema = v.object({
  now: time,
  counts: v.object({
    "Not started": CountSchema,
    Running: CountSchema,
    Completed: CountSchema,
    Error: CountSchema,
  }),
  flag: v.object({
    held_by: v.pipe(
      v.nullable(v.picklist(["tick", "operator"])),
      v.description("Who holds the running flag."),
    ),
  }),
  finished: v.pipe(
    v.object({
      bucket_seconds: v.number(),
      counted_since: v.pipe(
        v.nullable(time),
        v.description("What ended before was too much to be counted; null when all was counted."),
      ),
      buckets: v.array(
        v.object({
          completed: fromZero,
          failed: fromZero,
          late: v.pipe(fromZero, v.description("Those of them that started more than a second late.")),
          latest_ms: v.pipe(v.number(), v.description("By how much the latest of them was late.")),
        }),
      ),
    }),
    v.description("What ended, in parts of the time that was asked for: the oldest first."),
  ),
  upcoming: v.pipe(
    v.object({
      bucket_seconds: v.number(),
      overdue: v.pipe(fromZero, v.description("Waiting tasks that are due.")),
      cut: v.pipe(v.boolean(), v.description("Whether there were more than were counted.")),
      buckets: v.array(fromZero),
    }),
    v.description("How many waiting tasks become due, in parts of the next four hours."),
  ),
});

const TYPE_FIELDS = {
  type: v.string(),
  runs: v.pipe(
    v.picklist(["here", "elsewhere", "nowhere"]),
    v.description("Who runs it: this deployment, another program, or nobody, so that its tasks wait."),
  ),
  max_attempts: v.nullable(positive),
  timeout_seconds: v.nullable(v.number()),
  batch_size: v.nullable(positive),
  waiting: v.pipe(fromZero, v.description("Waiting tasks; at most 100 are counted.")),
  due: v.pipe(fromZero, v.description("Those of them that are due.")),
  running: fromZero,
  recent: v.pipe(
    v.array(v.object({ id: positive, completed: v.boolean() })),
    v.description("Its last finished tasks, the newest first, at most 20."),
  ),
  median_ms: v.pipe(
    v.nullable(v.number()),
    v.description("The median of how long those of them took that completed."),
  ),
};

export const TypesSchema = v.object({
  types: v.array(v.object(TYPE_FIELDS)),
  next: v.pipe(v.nullable(v.string()), v.description("What `after` of the next page is; null on the last.")),
});
export const TypeWithSchemaSchema = v.object({
  ...TYPE_FIELDS,
  schema: v.pipe(
    v.nullable(v.record(v.string(), v.unknown())),
    v.description("JSON Schema of task_data; null when it takes any, or its library cannot describe it."),
  ),
});
