/**
 * What callers may give: one set of schemas, which checks every way in before anything is written, gives the HTTP
 * client its types, and is what `/openapi.json` shows.
 */
import * as v from "valibot";
import { errors, type Issue, quote, TickworkError } from "../errors.ts";
import { BATCH_LIMIT, MAX_ATTEMPTS_LIMIT, NAME_LIMIT, TASK_DATA_LIMIT_BYTES } from "../limits.ts";
import { checkData, type Registry } from "./define-task.ts";
import type { NewTask, TaskChanges } from "./task.ts";
import { parseTime, TIME_FORMAT } from "./time.ts";

const accepts = (what: string) => (issue: v.BaseIssue<unknown>) =>
  `${quote(issue.input)} is not accepted; ${what} is`;
const name = accepts(`a string of 1 to ${NAME_LIMIT} characters`);
const count = accepts(`a whole number from 1 to ${MAX_ATTEMPTS_LIMIT}`);

const fields = {
  type: v.pipe(
    v.string(name),
    v.minLength(1, name),
    v.maxLength(NAME_LIMIT, name),
    v.description("Which handler runs it."),
  ),
  scheduled_time: v.pipe(
    v.nullish(
      v.pipe(
        v.union([v.string(), v.date()], accepts(TIME_FORMAT)),
        v.check((time) => parseTime(time) !== undefined, accepts(TIME_FORMAT)),
      ),
    ),
    v.description("When it is due, ISO 8601 with a zone; absent or null means now."),
  ),
  task_data: v.pipe(
    v.optional(v.unknown()),
    v.description("Any JSON, up to 256 KB; its type says what it must look like."),
  ),
  attachment_id: v.pipe(
    v.nullish(v.pipe(v.string(name), v.minLength(1, name), v.maxLength(NAME_LIMIT, name))),
    v.description("A file that belongs to it."),
  ),
  max_attempts: v.pipe(
    v.nullish(
      v.pipe(v.number(count), v.integer(count), v.minValue(1, count), v.maxValue(MAX_ATTEMPTS_LIMIT, count)),
    ),
    v.description(
      "How often it may fail before it ends in Error; absent or null means the default of its type.",
    ),
  ),
};

const onlyTheseFields = (issue: v.StrictObjectIssue) =>
  issue.expected === "never"
    ? `is not a field that can be set; these can: ${Object.keys(fields).join(", ")}`
    : issue.path
      ? "is missing"
      : `${quote(issue.input)} is not accepted; an object with a type is`;

/** A task to be made. */
export const NewTaskSchema = v.strictObject(fields, onlyTheseFields);
/** Changes of a task that has not started. */
export const TaskChangesSchema = v.strictObject(
  { ...fields, type: v.optional(fields.type) },
  onlyTheseFields,
);

/**
 * Checks tasks that somebody wants to make: all are good, or none is made.
 *
 * @throws TickworkError `invalid_request`, `unknown_type`, `task_data_too_large` or `too_many_tasks`, with an issue for each value
 */
export async function checkNewTasks(registry: Registry, tasks: readonly NewTask[]): Promise<NewTask[]> {
  if (tasks.length > BATCH_LIMIT)
    throw errors.tooLarge(
      "too_many_tasks",
      `There are ${tasks.length} tasks in the array; at most ${BATCH_LIMIT} are accepted at once.`,
    );
  if (tasks.length === 0)
    throw errors.invalid([
      { path: "", message: `the array is empty; 1 to ${BATCH_LIMIT} tasks are accepted` },
    ]);
  const issues: Issue[] = [];
  const checked: NewTask[] = [];
  for (const [n, given] of tasks.entries()) {
    const at = tasks.length === 1 ? "" : `[${n}]`;
    const task = checkShape(NewTaskSchema, given, at, issues);
    if (!task) continue;
    await checkTypeAndData(registry, task, at, issues);
    checked.push(normal(task));
  }
  if (issues.length > 0) throw refusal(issues);
  return checked;
}

/**
 * Checks changes of a task that is `current` so far.
 *
 * @throws TickworkError as `checkNewTasks`
 */
export async function checkChanges(
  registry: Registry,
  current: NewTask,
  given: TaskChanges,
): Promise<TaskChanges> {
  const issues: Issue[] = [];
  const changes = checkShape(TaskChangesSchema, given, "", issues);
  if (changes && Object.keys(changes).length === 0)
    issues.push({
      path: "",
      message: `there is nothing to change; ${Object.keys(fields).join(", ")} are accepted`,
    });
  if (changes && ("type" in changes || "task_data" in changes))
    await checkTypeAndData(
      registry,
      {
        type: changes.type ?? current.type,
        task_data: "task_data" in changes ? changes.task_data : current.task_data,
      },
      "",
      issues,
    );
  if (!changes || issues.length > 0) throw refusal(issues);
  return normal(changes);
}

function checkShape<Schema extends v.GenericSchema>(
  schema: Schema,
  given: unknown,
  at: string,
  issues: Issue[],
): v.InferOutput<Schema> | undefined {
  const result = v.safeParse(schema, given);
  if (result.success) return result.output;
  for (const issue of result.issues)
    issues.push({ path: join(at, v.getDotPath(issue) ?? ""), message: issue.message });
  return undefined;
}

async function checkTypeAndData(
  registry: Registry,
  { type, task_data }: NewTask,
  at: string,
  issues: Issue[],
): Promise<void> {
  const bytes = Buffer.byteLength(JSON.stringify(task_data ?? null));
  if (bytes > TASK_DATA_LIMIT_BYTES)
    throw errors.tooLarge(
      "task_data_too_large",
      `${join(at, "task_data")} has ${bytes} bytes as JSON; at most ${TASK_DATA_LIMIT_BYTES} are accepted. Store the data foreign and give its address.`,
    );
  const definition = registry.get(type);
  if (!definition) {
    const known = registry.types.map(quote).join(", ") || "none";
    issues.push({
      path: join(at, "type"),
      message: `${quote(type)} has no handler; these have one: ${known}`,
    });
    return;
  }
  const checked = await checkData(definition, task_data);
  if (!("issues" in checked)) return;
  for (const { path, message } of checked.issues)
    issues.push({ path: join(at, join("task_data", path)), message });
}

/** Times as they are stored; Postgres's own clock fills in those that are absent. */
function normal<Fields extends TaskChanges>(task: Fields): Fields {
  return task.scheduled_time ? { ...task, scheduled_time: parseTime(task.scheduled_time) } : task;
}

function join(at: string, path: string): string {
  return at && path ? `${at}.${path}` : at || path;
}

function refusal(issues: Issue[]): TickworkError {
  const unknownType = issues.every(
    ({ message, path }) => path.endsWith("type") && message.includes("has no handler"),
  );
  const error = errors.invalid(issues);
  return unknownType ? new TickworkError("invalid", "unknown_type", error.message, { issues }) : error;
}
