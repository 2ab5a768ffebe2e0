import type { Task, TaskErrorData } from "#core";

/**
 * The task whose result was asked for ended in `Error`.
 *
 * @example
 * const failure = await tickwork.result(7).catch((error: unknown) => error);
 * if (failure instanceof TaskFailedError) console.log(failure.code, failure.task.attempts);
 */
export class TaskFailedError extends Error {
  override readonly name = "TaskFailedError";
  /** Its `error_data.code`: one of Tickwork's own, such as `timeout` or `cancelled`, or of the error that was thrown. */
  readonly code: string | undefined;
  /** Its `error_data`: what was thrown, with the stack of the handler. */
  readonly errorData: TaskErrorData;
  readonly task: Task;

  constructor(task: Task) {
    const errorData = task.error_data as TaskErrorData;
    super(`Task ${task.id} (${task.type}) ended in Error: ${errorData.message}`);
    this.code = errorData.code;
    this.errorData = errorData;
    this.task = task;
  }
}
