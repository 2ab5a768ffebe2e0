import type { Laning, NewTask } from "../tasks/task.ts";

/** New tasks as rows, for `json_populate_recordset`. */
export function columnsOf(tasks: readonly NewTask[], userId: string | undefined) {
  return tasks.map(
    ({ type, scheduled_time, attachment_id, task_data, max_attempts, version, ...others }) => ({
      type,
      scheduled_time,
      attachment_id,
      task_data,
      max_attempts,
      version,
      userCreated_Id: userId,
      ...lineOf(others),
    }),
  );
}

/** Where it stands in line; nothing where it does not say, as most do not. */
function lineOf({ priority, queue, concurrency_key }: Laning): Laning | undefined {
  if (!priority && queue == null && concurrency_key == null) return undefined;
  return { priority: priority || null, queue, concurrency_key };
}

/** Its lane is given by the table. */
export const hasLine = (task: Laning): boolean => lineOf(task) !== undefined;
