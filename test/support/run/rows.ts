import type { Task } from "#core";
import type { Lease } from "../../../packages/core/store/lease.ts";
import { newRow } from "../../../packages/testing/new-row.ts";

const BEGAN = "2026-11-24T09:00:00.000Z";

/** A running task, at its first attempt. */
export function aTask(differences: Partial<Task> = {}): Task {
  return newRow({
    id: 7,
    task_status: "Running",
    type: "any",
    scheduled_time: BEGAN,
    createdAt: BEGAN,
    updatedAt: BEGAN,
    attempts: 1,
    started_at: BEGAN,
    slot: 0,
    lease_expires_at: "2026-11-24T09:01:00.000Z",
    rev: 2,
    ...differences,
  });
}

/** The lease on it, asked for at `leasedAt`. */
export function aLease(leasedAt: number, task: Task = aTask()): Lease {
  return { task, token: `token of ${task.id}`, slot: 0, leasedAt };
}
