/** What the API takes and answers about lines and limits. */
import * as v from "valibot";
import {
  BURST_MAX,
  CONCURRENCY_MAX,
  PERIOD_SECONDS_MAX,
  RATE_MAX,
  WEIGHT_MAX,
} from "../../core/lane-limits.ts";
import { NAME_LIMIT } from "../../core/limits.ts";
import { accepts, noList } from "../../core/tasks/accepts.ts";
import { LIMIT_KINDS } from "../../core/tasks/limit.ts";
import { onlyThese } from "./query-schemas.ts";
import { mustNameOne, namesOne, oneOfThese, textUpTo } from "./target-schema.ts";

/** Of a task. */
export const laneFields = {
  priority: v.pipe(v.nullable(v.number()), v.description("From -100 to 100; null is 0.")),
  queue: v.pipe(v.nullable(v.string()), v.description("The named line in which it stands.")),
  concurrency_key: v.pipe(v.nullable(v.string()), v.description("Whose task it is.")),
  lane: v.pipe(
    v.nullable(v.string()),
    v.description("Opaque. Tasks with the same one start in order; null: it starts by its due time alone."),
  ),
};

const KINDS = LIMIT_KINDS.join(", ");
const name = textUpTo(NAME_LIMIT);
const whole = (max: number) => {
  const message = accepts(`a whole number from 1 to ${max}`);
  return v.pipe(v.number(message), v.integer(message), v.minValue(1, message), v.maxValue(max, message));
};
const within = (what: string, max: number) => {
  const message = accepts(`${what} from 0.001 to ${max}`);
  return v.pipe(v.number(message), v.minValue(0.001, message), v.maxValue(max, message));
};

const targets = {
  type: v.optional(name),
  queue: v.optional(name),
  concurrency_key: v.optional(
    v.pipe(name, v.description("A key, or * for each key that has no limit of its own.")),
  ),
};

const burst = v.pipe(
  v.optional(v.boolean(accepts("true or false"))),
  v.description(
    "True: all of them may start at once, then none until the first is a period ago. Otherwise evenly, one after the other.",
  ),
);

export const LimitRequestSchema = v.pipe(
  noList(
    v.strictObject(
      {
        ...targets,
        concurrency: v.pipe(
          v.nullish(whole(CONCURRENCY_MAX)),
          v.description("How many run at once. TASK_CONCURRENCY stays the roof."),
        ),
        rate: v.pipe(
          v.nullish(
            noList(
              v.strictObject(
                {
                  starts: v.pipe(whole(RATE_MAX), v.description(`With burst, at most ${BURST_MAX}.`)),
                  period_seconds: within("seconds", PERIOD_SECONDS_MAX),
                  burst,
                },
                onlyThese(
                  "starts, period_seconds and burst",
                  accepts("starts and period_seconds, and perhaps burst"),
                ),
              ),
            ),
          ),
          v.description("How many start in how much time."),
        ),
        weight: v.pipe(
          v.nullish(within("a number", WEIGHT_MAX)),
          v.description(
            "How many turns a group gets where others get one. Only with a concurrency_key without * and /.",
          ),
        ),
      },
      onlyThese(`${KINDS}, concurrency, rate and weight`),
    ),
  ),
  v.check(namesOne(LIMIT_KINDS), mustNameOne(LIMIT_KINDS)),
  v.metadata({ oneOf: oneOfThese(LIMIT_KINDS) }),
);

export const LimitQuerySchema = v.pipe(
  v.strictObject(targets, `is not known here; one of ${KINDS} can be given`),
  v.check(namesOne(LIMIT_KINDS), mustNameOne(LIMIT_KINDS)),
);

/** Of a task. */
export const HoldsSchema = v.pipe(
  v.array(
    v.object({
      type: v.exactOptional(v.string()),
      queue: v.exactOptional(v.string()),
      concurrency_key: v.exactOptional(v.string()),
      by: v.picklist(["concurrency", "rate"]),
      until: v.nullable(v.pipe(v.string(), v.isoTimestamp())),
    }),
  ),
  v.description("Of a task that is due, the limits that hold it back."),
);

export const LimitSchema = v.pipe(
  v.object({
    type: v.exactOptional(v.string()),
    queue: v.exactOptional(v.string()),
    concurrency_key: v.exactOptional(v.string()),
    concurrency: v.nullable(v.number()),
    rate: v.nullable(v.object({ starts: v.number(), period_seconds: v.number(), burst: v.boolean() })),
    weight: v.nullable(v.number()),
    running: v.pipe(
      v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))),
      v.description("How many tasks of it run now; null for *, which is about each key."),
    ),
    source: v.pipe(
      v.picklist(["code", "api"]),
      v.description("Whether it is what code declares, or was made or changed over HTTP."),
    ),
    updated_at: v.pipe(v.string(), v.isoTimestamp()),
  }),
  v.description("How many tasks of a type, a queue or a key may run or start."),
);
export const LimitsSchema = v.array(LimitSchema);
export const LimitRemovedSchema = v.object({
  removed: v.pipe(v.boolean(), v.description("Whether there was one.")),
});
