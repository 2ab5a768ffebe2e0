/** What the API takes and answers; core has the schemas of new tasks and of changes. */
import * as v from "valibot";
import { TASK_STATUSES } from "#core";
import { mustBe } from "../../core/errors.ts";
import { BATCH_LIMIT, IDEMPOTENCY_HOURS, NAME_LIMIT } from "../../core/limits.ts";
import { accepts, noList } from "../../core/tasks/accepts.ts";
import { NewTaskSchema, TaskChangesSchema } from "../../core/tasks/new-task.ts";
import { CONTENT, UNIQUE_FOR, UNIQUE_OUTCOMES } from "../../core/tasks/task.ts";
import { encryptedField } from "./encrypted-schema.ts";
import { HoldsSchema, laneFields } from "./limit-schemas.ts";
import { PausesSchema } from "./pause-schemas.ts";
import { onlyThese } from "./query-schemas.ts";

export { NewTaskSchema, TaskChangesSchema };

export const NewTasksSchema = v.union([
  NewTaskSchema,
  v.pipe(v.array(NewTaskSchema), v.minLength(1), v.maxLength(BATCH_LIMIT)),
]);

export const RunningSchema = noList(
  v.strictObject(
    { isRunning: v.pipe(v.boolean(accepts("true or false")), v.description("Whether a task is running.")) },
    onlyThese("isRunning"),
  ),
);

// Headers are read where they are used; here they are described.

const header = (description: string) =>
  v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(NAME_LIMIT), v.description(description)));

export const UserHeadersSchema = v.object({
  "Tickwork-User": header(
    "Who asks, as the caller says: kept in userCreated_Id or userUpdated_Id. It is not checked.",
  ),
});

export const CreateHeadersSchema = v.object({
  "Idempotency-Key": header(
    `The same key with the same body answers within ${IDEMPOTENCY_HOURS} hours with the same tasks, and creates none.`,
  ),
  ...UserHeadersSchema.entries,
});

export const HookSchema = noList(
  v.looseObject(
    {
      data: v.pipe(
        noList(v.record(v.string(), v.unknown(), accepts("an object: the item"))),
        v.description("The item that was created, changed or deleted."),
      ),
    },
    (issue) =>
      issue.path ? "is missing" : `the body ${mustBe("an object with the item in data", issue.input)}`,
  ),
);

// What the API answers with.

export const time = v.pipe(v.string(), v.isoTimestamp());
const whole = v.pipe(v.number(), v.integer());
export const positive = v.pipe(whole, v.minValue(1));
export const fromZero = v.pipe(whole, v.minValue(0));

const AttemptSchema = v.pipe(
  v.object({
    attempt: fromZero,
    started_at: v.nullable(time),
    ended_at: time,
    outcome: v.picklist(["failed", "crashed", "interrupted"]),
    message: v.string(),
    code: v.exactOptional(v.string()),
  }),
  v.description("An attempt that did not complete the task."),
);

const LatenessSchema = v.object({
  ms: v.number(),
  reason: v.picklist(["flag_held", "in_line", "wake_up", "crash", "cache_miss", "worker_down"]),
  task: v.exactOptional(whole),
});

export const TaskSchema = v.pipe(
  v.looseObject({
    id: v.pipe(positive, v.description("Opaque.")),
    task_status: v.picklist(TASK_STATUSES),
    type: v.string(),
    scheduled_time: v.pipe(time, v.description("When it is due. A retry moves it.")),
    attachment_id: v.nullable(v.string()),
    task_data: v.unknown(),
    result_data: v.unknown(),
    error_data: v.pipe(v.unknown(), v.description("Why it failed; null unless it did.")),
    userCreated_Id: v.nullable(v.string()),
    userUpdated_Id: v.nullable(v.string()),
    createdAt: time,
    updatedAt: time,
    attempts: v.pipe(fromZero, v.description("How often its handler was started.")),
    max_attempts: v.pipe(
      v.nullable(positive),
      v.description("How often it may fail before it ends in Error; null means the default of its type."),
    ),
    version: v.pipe(
      v.nullable(positive),
      v.description(
        "Of its type, when it was created; null is 1. Code that does not read this version leaves it alone.",
      ),
    ),
    crashes: v.pipe(fromZero, v.description("How often a worker died while it ran the task.")),
    excused: v.pipe(fromZero, v.description("How many of its attempts do not count against max_attempts.")),
    progress: v.pipe(
      v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
      v.description("As the handler reported it; null before it did."),
    ),
    cancel_requested: v.pipe(v.boolean(), v.description("Whether the running task was asked to stop.")),
    started_at: v.nullable(time),
    finished_at: v.nullable(time),
    slot: v.pipe(v.nullable(fromZero), v.description("Where it runs; null unless it does.")),
    lease_expires_at: v.pipe(
      v.nullable(time),
      v.description("When its worker is taken for dead unless it says that it lives; null unless it runs."),
    ),
    history: v.pipe(
      v.nullable(v.array(AttemptSchema)),
      v.description("Attempts that failed or died, oldest first; null when there were none."),
    ),
    lateness: v.pipe(
      v.nullable(LatenessSchema),
      v.description("Why its last finished attempt started late; null when it started in time."),
    ),
    schedule: v.pipe(
      v.nullable(v.string()),
      v.description("The schedule whose occurrence it is; null where it is none."),
    ),
    schedule_time: v.pipe(
      v.nullable(time),
      v.description("Which occurrence: when it was to start. A retry moves scheduled_time, not this."),
    ),
    ...laneFields,
    rev: v.pipe(whole, v.description("Grows with each write to the task.")),
    paused: v.exactOptional(PausesSchema),
    limited: v.exactOptional(HoldsSchema),
    waiting_for_code: v.exactOptional(
      v.pipe(
        v.literal(true),
        v.description(
          "It is due, and no process here has code for its type in its version. Only where one task is asked for; absent when one has.",
        ),
      ),
    ),
    unique_key: v.pipe(
      v.nullable(v.string()),
      v.description("What it has in common with no other task of its type for as long as unique_for says."),
    ),
    unique_for: v.pipe(
      v.nullable(v.union([v.picklist(UNIQUE_FOR), positive])),
      v.description(
        "How long its key is taken, as it was given; null when it has none, or when its seconds were over and another task has taken the key.",
      ),
    ),
    ...encryptedField,
    unique_outcome: v.exactOptional(
      v.pipe(
        v.picklist(UNIQUE_OUTCOMES),
        v.description(
          "Only in the answer to a request that gave it a unique_key: whether it was created, or had the key already, and was kept as it is, replaced or postponed.",
        ),
      ),
    ),
  }),
  v.description("A task. A table that is older than Tickwork may have more columns."),
);

/** Where all tasks of an answer together would be too large for it. */
export const OmittingTaskSchema = v.pipe(
  v.looseObject({
    ...v.omit(v.looseObject(TaskSchema.entries), CONTENT).entries,
    omitted: v.pipe(v.array(v.picklist(CONTENT)), v.description("The fields that were left out.")),
  }),
  v.description("A task without what it holds: those of this answer together would have been too large."),
);

export const TaskListSchema = v.object({
  tasks: v.array(TaskSchema),
  next_cursor: v.pipe(v.nullable(v.string()), v.description("Of the next page; null on the last.")),
});
export const TasksSchema = v.array(TaskSchema);
const WrittenSchema = v.union([TaskSchema, OmittingTaskSchema]);
export const CreatedSchema = v.union([WrittenSchema, v.array(WrittenSchema)]);

export const BulkCountSchema = v.object({
  count: v.pipe(fromZero, v.description("How many tasks would be taken now.")),
  exact: v.pipe(
    v.boolean(),
    v.description("False: counting stopped after some seconds, and there are more."),
  ),
});

export const ResetSchema = v.object({ reset: v.array(WrittenSchema), isRunning: v.boolean() });

export const StatsSchema = v.object({
  cachedTasksCount: v.pipe(fromZero, v.description("Waiting tasks in the cache.")),
  isTaskRunning: v.boolean(),
  refreshInterval: v.pipe(positive, v.description("Milliseconds between two refreshes.")),
  refreshIntervalSeconds: positive,
  maxRefreshIntervalSeconds: positive,
  taskTimeWindow: v.string(),
  initialized: v.pipe(v.boolean(), v.description("Whether a refresh has succeeded.")),
  lastRefreshed: v.nullable(time),
  lastRead: v.exactOptional(
    v.pipe(
      v.nullable(time),
      v.description("When a refresh last read Postgres; absent where every refresh does."),
    ),
  ),
  waitingForCode: v.exactOptional(
    v.pipe(
      fromZero,
      v.description(
        "Tasks that were due and of a type, or a version of it, that nobody here runs; absent when there were none.",
      ),
    ),
  ),
  waitingForCodeSince: v.exactOptional(
    v.pipe(
      v.nullable(time),
      v.description("Since when the first of them has been due; absent when there are none."),
    ),
  ),
  paused: v.exactOptional(PausesSchema),
  error: v.exactOptional(v.pipe(v.string(), v.description("What is wrong; absent when nothing is."))),
});
export const HealthSchema = v.object({
  healthy: v.boolean(),
  stats: StatsSchema,
  last: v.pipe(
    v.object({
      postgres: v.nullable(time),
      redis: v.nullable(time),
      refresh: v.nullable(time),
      write: v.nullable(time),
    }),
    v.description("When each of them last succeeded, as far as this process knows."),
  ),
});
export const HookAnswerSchema = v.pipe(
  v.object({ ran: fromZero, failed: fromZero }),
  v.description("How many hooks ran, and how many of them failed."),
);

/** Of OpenAPI itself. */
export const DocumentSchema = v.record(v.string(), v.unknown());
