import type { Task } from "#core";
import { ANSWER_LIMIT_BYTES } from "../core/limits.ts";
import { CONTENT, type OmittingTask } from "../core/tasks/task.ts";

/**
 * Tasks that were written, as an answer that Lambda can give: where they are too large together, without what they
 * hold. They must be answered in any case, for they cannot be written again.
 */
export function answerable(tasks: readonly (Task | OmittingTask)[]): (Task | OmittingTask)[] {
  let bytes = 0;
  for (const task of tasks) {
    bytes += Buffer.byteLength(JSON.stringify(task));
    if (bytes > ANSWER_LIMIT_BYTES) return tasks.map(omitting);
  }
  return [...tasks];
}

function omitting(task: Task | OmittingTask): OmittingTask {
  const { task_data: _, result_data: __, error_data: ___, history: ____, ...rest } = task as Task;
  return { ...rest, omitted: [...CONTENT] };
}
