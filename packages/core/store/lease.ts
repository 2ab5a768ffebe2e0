import type { Task } from "../tasks/task.ts";

/** A worker's claim on a running task, as it stands on the row. It ends by itself when its worker dies. */
export interface Lease {
  task: Task;
  /** Every write to the running task must name it. */
  token: string;
  slot: number;
  /** When it was asked for, in epoch milliseconds by the worker's clock: it began no earlier. */
  leasedAt: number;
}

/** A lease that is asked for. Its token is made beforehand: when the answer is lost, it tells what became of the request. */
export type LeaseRequest = Omit<Lease, "task">;
