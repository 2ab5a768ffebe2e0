import type { Task } from "#core";
import type { Lease } from "../../../packages/core/store/lease.ts";

/** A running task, at its first attempt. */
export function aTask(differences: Partial<Task> = {}): Task {
  return {
    id: 7,
    task_status: "Running",
    type: "any",
    scheduled_time: "2026-11-24T09:00:00.000Z",
    attachment_id: null,
    task_data: null,
    result_data: null,
    error_data: null,
    userCreated_Id: null,
    userUpdated_Id: null,
    createdAt: "2026-11-24T09:00:00.000Z",
    updatedAt: "2026-11-24T09:00:00.000Z",
    attempts: 1,
    max_attempts: null,
    crashes: 0,
    excused: 0,
    progress: null,
    cancel_requested: false,
    started_at: "2026-11-24T09:00:00.000Z",
    finished_at: null,
    slot: 0,
    lease_expires_at: "2026-11-24T09:01:00.000Z",
    history: null,
    lateness: null,
    rev: 2,
    ...differences,
  };
}

/** The lease on it, asked for at `leasedAt`. */
export function aLease(leasedAt: number, task: Task = aTask()): Lease {
  return { task, token: `token of ${task.id}`, slot: 0, leasedAt };
}
