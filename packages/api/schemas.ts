/** What the API takes and answers; core has the schemas of new tasks and of changes. */
import * as v from "valibot";
import { type ErrorCode, TASK_STATUSES } from "#core";
import { mustBe, quote } from "../core/errors.ts";
import { BATCH_LIMIT, IDEMPOTENCY_HOURS, NAME_LIMIT } from "../core/limits.ts";
import { accepts, NewTaskSchema, storable, TaskChangesSchema } from "../core/tasks/new-task.ts";

/** How many tasks a page of the list has. */
const LIST_LIMIT = { default: 50, max: 200 };

const onlyThese = (names: string) => (issue: v.StrictObjectIssue) => {
  if (issue.expected === "never") return `is not known here; ${names} can be given`;
  return issue.path ? "is missing" : `the body ${mustBe(`an object with ${names}`, issue.input)}`;
};

export { NewTaskSchema, TaskChangesSchema };

export const NewTasksSchema = v.union([
  NewTaskSchema,
  v.pipe(v.array(NewTaskSchema), v.minLength(1), v.maxLength(BATCH_LIMIT)),
]);

const limit = accepts(`a whole number from 1 to ${LIST_LIMIT.max}`);
const cursor = accepts("a next_cursor of an earlier answer");

/** Cursors are opaque to callers: the id before which the next page begins. */
export const cursorOf = (id: number): string => Buffer.from(`before:${id}`).toString("base64url");
const idOf = (text: string): number =>
  Number(/^before:([1-9]\d{0,15})$/.exec(Buffer.from(text, "base64url").toString())?.[1] ?? Number.NaN);

export const ListQuerySchema = v.strictObject(
  {
    status: v.optional(v.picklist(TASK_STATUSES, accepts(`one of ${TASK_STATUSES.map(quote).join(", ")}`))),
    type: v.optional(v.pipe(v.string(), storable)),
    limit: v.pipe(
      v.optional(
        v.pipe(
          v.string(),
          v.check((text) => /^\d+$/.test(text), limit),
          v.transform(Number),
          v.minValue(1, limit),
          v.maxValue(LIST_LIMIT.max, limit),
        ),
        String(LIST_LIMIT.default),
      ),
      // A parameter is a text; this is what the text says.
      v.metadata({ type: "integer", minimum: 1, maximum: LIST_LIMIT.max, default: LIST_LIMIT.default }),
    ),
    cursor: v.optional(
      v.pipe(
        v.string(),
        v.check((text) => Number.isSafeInteger(idOf(text)), cursor),
        v.transform(idOf),
      ),
    ),
  },
  onlyThese("status, type, limit and cursor"),
);

export const RunningSchema = v.strictObject(
  { isRunning: v.pipe(v.boolean(accepts("true or false")), v.description("Whether a task is running.")) },
  onlyThese("isRunning"),
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

export const HookSchema = v.looseObject(
  {
    data: v.pipe(
      v.record(v.string(), v.unknown(), accepts("an object: the item")),
      v.description("The item that was created, changed or deleted."),
    ),
  },
  (issue) =>
    issue.path ? "is missing" : `the body ${mustBe("an object with the item in data", issue.input)}`,
);

// What the API answers with.

const time = v.pipe(v.string(), v.isoTimestamp());
const whole = v.pipe(v.number(), v.integer());
const positive = v.pipe(whole, v.minValue(1));
const fromZero = v.pipe(whole, v.minValue(0));

const AttemptSchema = v.pipe(
  v.object({
    attempt: positive,
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
  reason: v.picklist(["flag_held", "wake_up", "crash", "cache_miss", "worker_down"]),
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
    rev: v.pipe(whole, v.description("Grows with each write to the task.")),
  }),
  v.description("A task. A table that is older than Tickwork may have more columns."),
);

export const TaskListSchema = v.object({
  tasks: v.array(TaskSchema),
  next_cursor: v.pipe(v.nullable(v.string()), v.description("Of the next page; null on the last.")),
});
export const TasksSchema = v.array(TaskSchema);
export const CreatedSchema = v.union([TaskSchema, TasksSchema]);

export const ResetSchema = v.object({ reset: TasksSchema, isRunning: v.boolean() });

export const StatsSchema = v.object({
  cachedTasksCount: v.pipe(fromZero, v.description("Waiting tasks in the cache.")),
  isTaskRunning: v.boolean(),
  refreshInterval: v.pipe(positive, v.description("Milliseconds between two refreshes.")),
  refreshIntervalSeconds: positive,
  maxRefreshIntervalSeconds: positive,
  taskTimeWindow: v.string(),
  initialized: v.pipe(v.boolean(), v.description("Whether a refresh has succeeded.")),
  lastRefreshed: v.nullable(time),
  waitingForCode: v.exactOptional(
    v.pipe(
      fromZero,
      v.description("Tasks that were due and of a type that nobody here runs; absent when there were none."),
    ),
  ),
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

/** An error with one of these codes. */
export const errorSchema = (codes: ErrorCode[]) =>
  v.object({
    error: v.object({
      code: v.picklist(codes),
      message: v.pipe(v.string(), v.description("For people; its words may change.")),
      issues: v.pipe(
        v.optional(v.array(v.object({ path: v.string(), message: v.string() }))),
        v.description("Each value that is not acceptable, and what it must be."),
      ),
    }),
  });
