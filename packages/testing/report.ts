import type { Task, TaskErrorData } from "#core";
import type { AttemptEnd } from "../core/run/tally.ts";

/** One attempt that ended. */
export interface RunReport {
  /** The task's id. */
  task: number;
  type: string;
  /** 1 for the first start of the task. */
  attempt: number;
  /** When it started, by the clock of the test: ISO 8601, UTC. */
  at: string;
  /**
   * - `completed`: the handler returned
   * - `failed`: it threw, and the task ended in `Error`
   * - `retried`: it threw, and is tried again after `retryInMs`
   * - `interrupted`, `crashed`, `given_back`, `lost`: it was stopped, or ignored its signal; it waits again
   */
  outcome: "completed" | "failed" | "retried" | "interrupted" | "crashed" | "given_back" | "lost";
  /** What the handler returned. */
  result?: unknown;
  /** What it threw, as it is in the row. */
  error?: TaskErrorData;
  /** Milliseconds. */
  retryInMs?: number;
}

/** What happened while time passed. */
export interface DueReport {
  /** The attempts, in the order in which they ended. */
  ran: RunReport[];
  /** Those of them whose handlers threw, or that were stopped. */
  failures: RunReport[];
}

export function reportOf(task: Task, { outcome }: AttemptEnd): RunReport {
  return {
    task: task.id,
    type: task.type,
    attempt: task.attempts,
    at: task.started_at ?? "",
    outcome: outcome?.kind ?? "lost",
    ...(outcome?.kind === "completed" ? { result: outcome.result } : {}),
    ...(outcome && "error" in outcome ? { error: outcome.error } : {}),
    ...(outcome?.kind === "retried" ? { retryInMs: outcome.delayMs } : {}),
  };
}
