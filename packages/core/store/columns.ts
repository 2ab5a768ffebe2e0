import type { NewTask } from "../tasks/task.ts";

/** New tasks as rows, for `json_populate_recordset`. */
export function columnsOf(tasks: readonly NewTask[], userId: string | undefined) {
  return tasks.map(({ type, scheduled_time, attachment_id, task_data, max_attempts, version }) => ({
    type,
    scheduled_time,
    attachment_id,
    task_data,
    max_attempts,
    version,
    userCreated_Id: userId,
  }));
}
