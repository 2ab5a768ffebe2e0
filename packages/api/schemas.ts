/** What the API takes and answers; core has the schemas of new tasks and of changes. */
import * as v from "valibot";
import { TASK_STATUSES } from "#core";
import { mustBe, quote } from "../core/errors.ts";
import { accepts, NewTaskSchema, storable, TaskChangesSchema } from "../core/tasks/new-task.ts";

/** How many tasks a page of the list has. */
const LIST_LIMIT = { default: 50, max: 200 };

const onlyThese = (names: string) => (issue: v.StrictObjectIssue) => {
  if (issue.expected === "never") return `is not known here; ${names} can be given`;
  return issue.path ? "is missing" : `the body ${mustBe(`an object with ${names}`, issue.input)}`;
};

export { NewTaskSchema, TaskChangesSchema };

export const NewTasksSchema = v.union([NewTaskSchema, v.array(NewTaskSchema)]);

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
    limit: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^\d+$/, limit),
        v.transform(Number),
        v.minValue(1, limit),
        v.maxValue(LIST_LIMIT.max, limit),
      ),
      String(LIST_LIMIT.default),
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

export const TaskSchema = v.looseObject({
  id: v.number(),
  task_status: v.picklist(TASK_STATUSES),
  type: v.string(),
  scheduled_time: time,
  attachment_id: v.nullable(v.string()),
  task_data: v.unknown(),
  result_data: v.unknown(),
  error_data: v.unknown(),
  userCreated_Id: v.nullable(v.string()),
  userUpdated_Id: v.nullable(v.string()),
  createdAt: time,
  updatedAt: time,
  attempts: v.number(),
  max_attempts: v.nullable(v.number()),
  crashes: v.number(),
  excused: v.number(),
  progress: v.nullable(v.number()),
  cancel_requested: v.boolean(),
  started_at: v.nullable(time),
  finished_at: v.nullable(time),
});

export const TaskListSchema = v.object({ tasks: v.array(TaskSchema), next_cursor: v.nullable(v.string()) });
export const TasksSchema = v.array(TaskSchema);
export const CreatedSchema = v.union([TaskSchema, TasksSchema]);

export const ResetSchema = v.object({ reset: TasksSchema, isRunning: v.boolean() });

export const StatsSchema = v.object({
  cachedTasksCount: v.number(),
  isTaskRunning: v.boolean(),
  refreshInterval: v.number(),
  refreshIntervalSeconds: v.number(),
  maxRefreshIntervalSeconds: v.number(),
  taskTimeWindow: v.string(),
  initialized: v.boolean(),
  lastRefreshed: v.nullable(time),
  waitingForCode: v.optional(v.number()),
  error: v.optional(v.string()),
});
export const HealthSchema = v.object({
  healthy: v.boolean(),
  stats: StatsSchema,
  last: v.object({
    postgres: v.nullable(time),
    redis: v.nullable(time),
    refresh: v.nullable(time),
    write: v.nullable(time),
  }),
});
export const HookAnswerSchema = v.object({ ran: v.number(), failed: v.number() });

export const ErrorSchema = v.object({
  error: v.object({
    code: v.string(),
    message: v.string(),
    issues: v.optional(v.array(v.object({ path: v.string(), message: v.string() }))),
  }),
});
