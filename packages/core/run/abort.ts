/** Why a handler's signal was aborted. */
export type AbortCode = "timeout" | "cancelled" | "lease_lost" | "stalled" | "shutdown" | "time_limit";

export const ABORT_MESSAGES: Record<AbortCode, string> = {
  timeout: "the task reached its time limit",
  cancelled: "the task was cancelled",
  lease_lost: "the task's lease was lost: another worker may be running it",
  stalled: "the process stood still for longer than the task's lease",
  shutdown: "the process is shutting down",
  time_limit: "the function is about to reach its own time limit",
};

/**
 * The `signal.reason` of an aborted handler.
 *
 * @example
 * if (signal.reason instanceof TaskAborted && signal.reason.code === "cancelled") console.log("clean up");
 */
export class TaskAborted extends Error {
  override readonly name = "TaskAborted";
  readonly code: AbortCode;

  constructor(code: AbortCode) {
    super(ABORT_MESSAGES[code]);
    this.code = code;
  }
}
