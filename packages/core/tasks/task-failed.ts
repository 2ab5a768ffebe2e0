import { quote } from "../errors.ts";
import type { Task, TaskErrorData } from "./task.ts";

/**
 * The task that was waited for ended in `Error`.
 *
 * @example
 * const failure = await connection.result(7).catch((error: unknown) => error);
 * if (failure instanceof TaskFailedError && failure.code === "account_closed") console.log(failure.task.attempts);
 */
export class TaskFailedError extends Error {
  override readonly name = "TaskFailedError";
  /** Its `error_data.code`: one of Tickwork's own, such as `timeout` or `cancelled`, or of the error that was thrown. */
  readonly code: string | undefined;
  /** Its `error_data`: what was thrown. */
  readonly errorData: TaskErrorData;
  readonly task: Task;

  constructor(task: Task) {
    const errorData = errorDataOf(task);
    super(`Task ${task.id} (${task.type}) ended in Error: ${errorData.message}`);
    this.code = errorData.code;
    this.errorData = errorData;
    this.task = task;
  }
}

/** Other programs may have written anything there. */
function errorDataOf({ error_data: given, attempts }: Task): TaskErrorData {
  const data = typeof given === "object" && given !== null ? given : { message: given };
  const { message, code } = data as { message?: unknown; code?: unknown };
  const said = message ?? "nothing says why";
  return {
    name: "Error",
    attempts,
    ...data,
    message: typeof said === "string" ? said : quote(said),
    ...(code === undefined ? {} : { code: String(code) }),
  };
}
