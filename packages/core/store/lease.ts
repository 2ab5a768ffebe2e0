import type { Task } from "../tasks/task.ts";

/** A worker's claim on a running task, as it stands on the row. It ends by itself when its worker dies. */
export interface Lease {
  task: Task;
  /** Whoever writes about the task has to name it. */
  token: string;
  slot: number;
  /** When it was asked for, in milliseconds by the worker's clock: it began no earlier. */
  leasedAt: number;
}

/** A lease that is asked for. Its token is made beforehand, so that one can ask what became of it. */
export type LeaseRequest = Omit<Lease, "task">;
