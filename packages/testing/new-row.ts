import type { Task } from "#core";

/** The row of a task that was just created, with other values where they are given. */
export function newRow(given: Partial<Task>): Task {
  const now = new Date().toISOString();
  return {
    id: 1,
    task_status: "Not started",
    type: "test",
    scheduled_time: now,
    attachment_id: null,
    task_data: null,
    result_data: null,
    error_data: null,
    userCreated_Id: null,
    userUpdated_Id: null,
    createdAt: now,
    updatedAt: now,
    attempts: 0,
    max_attempts: null,
    version: null,
    crashes: 0,
    excused: 0,
    schedule: null,
    schedule_time: null,
    priority: null,
    queue: null,
    concurrency_key: null,
    lane: null,
    progress: null,
    cancel_requested: false,
    started_at: null,
    finished_at: null,
    slot: null,
    lease_expires_at: null,
    history: null,
    lateness: null,
    rev: 1,
    unique_key: null,
    unique_for: null,
    ...given,
  };
}
