import type { Task } from "#core";
import { plainTask } from "../core/store/plain-row.ts";

/** The row of a task that was just created, with other values where they are given. */
export function newRow(given: Partial<Task>): Task {
  const now = new Date().toISOString();
  const row = plainTask({
    id: 1,
    type: "test",
    scheduled_time: now,
    task_data: null,
    createdAt: now,
    updatedAt: now,
    userCreated_Id: null,
    userUpdated_Id: null,
    max_attempts: null,
    rev: 1,
    version: null,
  });
  return { ...row, ...given };
}
