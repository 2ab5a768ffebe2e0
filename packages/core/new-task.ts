/** What callers may give: checked here for every way in, before anything is written. */
import { checkData, type Registry } from "./define-task.ts";
import { errors, type Issue, quote, TickworkError } from "./errors.ts";
import { BATCH_LIMIT, TASK_DATA_LIMIT_BYTES } from "./limits.ts";
import type { NewTask, TaskChanges } from "./task.ts";
import { parseTime, TIME_FORMAT } from "./time.ts";

const FIELDS = ["type", "scheduled_time", "task_data", "attachment_id", "max_attempts"];
const MAX_ATTEMPTS_LIMIT = 1_000;

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
    throw errors.invalid([{ path: "", message: "the array is empty; 1 to 1000 tasks are accepted" }]);
  const issues: Issue[] = [];
  const checked: NewTask[] = [];
  for (const [n, task] of tasks.entries()) {
    const at = tasks.length === 1 ? "" : `[${n}].`;
    const normal = checkFields(task, at, issues);
    if (typeof task?.type !== "string")
      issues.push({ path: `${at}type`, message: `${quote(task?.type)} is not the name of a type` });
    else await checkTypeAndData(registry, task.type, task.task_data, at, issues);
    checked.push(normal as NewTask);
  }
  throwAny(registry, issues, tasks);
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
  changes: TaskChanges,
): Promise<TaskChanges> {
  const issues: Issue[] = [];
  if (Object.keys(changes).length === 0)
    issues.push({ path: "", message: `there is nothing to change; ${FIELDS.join(", ")} are accepted` });
  const normal = checkFields(changes, "", issues);
  const merged = { ...current, ...changes };
  if (changes.type !== undefined || changes.task_data !== undefined)
    await checkTypeAndData(registry, merged.type, merged.task_data, "", issues);
  throwAny(registry, issues, [merged]);
  return normal;
}

/** The fields but `type`, in the form in which they are stored. */
function checkFields(task: TaskChanges, at: string, issues: Issue[]): TaskChanges {
  const refuse = (field: string, message: string) => void issues.push({ path: `${at}${field}`, message });
  if (typeof task !== "object" || task === null || Array.isArray(task)) {
    issues.push({
      path: at.slice(0, -1),
      message: `${quote(task)} is not a task; an object with a type is accepted`,
    });
    return {};
  }
  for (const field of Object.keys(task))
    if (!FIELDS.includes(field))
      refuse(field, `is not a field that can be set; these can: ${FIELDS.join(", ")}`);

  const { scheduled_time, attachment_id, max_attempts, task_data } = task;
  const normal: TaskChanges = { ...task };
  if (scheduled_time !== undefined && scheduled_time !== null) {
    const time = parseTime(scheduled_time);
    if (time === undefined)
      refuse("scheduled_time", `${quote(scheduled_time)} is not a time; ${TIME_FORMAT} is accepted`);
    else normal.scheduled_time = time;
  }
  if (
    attachment_id !== undefined &&
    attachment_id !== null &&
    (typeof attachment_id !== "string" || attachment_id.length > 255)
  )
    refuse(
      "attachment_id",
      `${quote(attachment_id)} is not an id; a string of up to 255 characters is accepted`,
    );
  if (
    max_attempts !== undefined &&
    max_attempts !== null &&
    !(Number.isInteger(max_attempts) && max_attempts >= 1 && max_attempts <= MAX_ATTEMPTS_LIMIT)
  )
    refuse(
      "max_attempts",
      `${quote(max_attempts)} is not a number of attempts; 1 to ${MAX_ATTEMPTS_LIMIT} is accepted`,
    );
  const bytes = Buffer.byteLength(JSON.stringify(task_data ?? null));
  if (bytes > TASK_DATA_LIMIT_BYTES)
    throw errors.tooLarge(
      "task_data_too_large",
      `${at}task_data has ${bytes} bytes as JSON; at most ${TASK_DATA_LIMIT_BYTES} are accepted. Store the data elsewhere and give its address.`,
    );
  return normal;
}

async function checkTypeAndData(
  registry: Registry,
  type: string,
  data: unknown,
  at: string,
  issues: Issue[],
): Promise<void> {
  const definition = registry.get(type);
  if (!definition) {
    issues.push(...(errors.unknownType(type, registry.types, `${at}type`).issues ?? []));
    return;
  }
  const checked = await checkData(definition, data);
  if (!("issues" in checked)) return;
  for (const { path, message } of checked.issues)
    issues.push({ path: `${at}task_data${path && `.${path}`}`, message });
}

function throwAny(registry: Registry, issues: Issue[], tasks: readonly { type: string }[]): void {
  if (issues.length === 0) return;
  const unknown = tasks.find(({ type }) => typeof type === "string" && !registry.get(type));
  const code =
    unknown && issues.every(({ path }) => path.endsWith("type")) ? "unknown_type" : "invalid_request";
  throw new TickworkError("invalid", code, errors.invalid(issues).message, { issues });
}
