/** What an attempt's end means for its row. Pure, but for a warning in the log. */
import type { Clock } from "../clock.ts";
import { messageOf, PermanentError, RetryAfter, type TaskErrorCode } from "../errors.ts";
import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS, RESULT_LIMIT_BYTES, RETRY_LIMIT_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import { backoffMs } from "../retry.ts";
import type { PostgresError } from "../store/database.ts";
import type { TaskDefinition } from "../tasks/define-task.ts";
import {
  type AttemptRecord,
  failuresOf,
  type Outcome,
  type Task,
  type TaskErrorData,
} from "../tasks/task.ts";
import { ABORT_MESSAGES, type AbortCode } from "./abort.ts";
import { describeThrown } from "./thrown.ts";

export interface OutcomeDeps {
  clock: Pick<Clock, "now">;
  log: Logger;
}

/** A worker has to stop, or lost its lease: the task waits again, and it is not its fault. */
export const GIVEN_BACK: Outcome = { kind: "given_back", crashed: false };

/** The handler returned. A result that is not JSON fails the task; one that is too large is cut, with a warning. */
export function completed(deps: OutcomeDeps, task: Task, result: unknown): Outcome {
  let json: string | undefined;
  try {
    json = JSON.stringify(result);
  } catch (error) {
    return failedForGood(deps, task, `the result is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const bytes = Buffer.byteLength(json ?? "");
  if (bytes <= RESULT_LIMIT_BYTES) return { kind: "completed", result };
  deps.log.warn("a result is too large and was cut", { task: task.id, bytes, limit: RESULT_LIMIT_BYTES });
  return {
    kind: "completed",
    result: { truncated: true, bytes, limit_bytes: RESULT_LIMIT_BYTES, start: json?.slice(0, 1_000) },
  };
}

/** The handler threw after its signal was aborted, as it was asked to. */
export function aborted(
  deps: OutcomeDeps,
  task: Task,
  definition: TaskDefinition,
  code: AbortCode,
  options: { thrown: unknown; timeoutMs: number; hadWholeInvocation: boolean },
): Outcome {
  switch (code) {
    case "shutdown":
    case "lease_lost":
      return GIVEN_BACK;
    case "time_limit":
      // It used up a whole invocation, and would do so for ever.
      return { kind: "given_back", crashed: options.hadWholeInvocation };
    case "cancelled":
      return failedForGood(deps, task, ABORT_MESSAGES.cancelled, { name: "CancelledError", code });
    case "timeout": {
      const message = `the task took longer than ${options.timeoutMs / 1000} s`;
      const error = new Error(message, { cause: options.thrown });
      return failed(deps, task, definition, Object.assign(error, { name: "TimeoutError", code }));
    }
  }
}

/** Postgres refused to store the outcome: a rule of the table does not accept what the handler returned. */
export function refused(deps: OutcomeDeps, task: Task, error: PostgresError): Outcome {
  const message = `the result could not be written: ${error.message}`;
  return failedForGood(deps, task, message, { cause: error, code: "result_refused" });
}

/** A failure that no further attempt can mend. */
export function failedForGood(
  deps: OutcomeDeps,
  task: Task,
  message: string,
  { name, ...options }: { code?: TaskErrorCode; name?: string; cause?: unknown } = {},
): Outcome {
  const error = new PermanentError(message, options);
  return failed(deps, task, undefined, name ? Object.assign(error, { name }) : error);
}

/** The handler threw: it is tried again while attempts are left. */
export function failed(
  { clock }: Pick<OutcomeDeps, "clock">,
  task: Task,
  definition: TaskDefinition | undefined,
  thrown: unknown,
): Outcome {
  const failures = failuresOf(task);
  const allowed = task.max_attempts ?? definition?.maxAttempts ?? 1;
  const description = describeThrown(thrown);
  const record: AttemptRecord = {
    attempt: task.attempts,
    started_at: task.started_at,
    ended_at: new Date(clock.now()).toISOString(),
    outcome: "failed",
    message: description.message,
    ...(description.code ? { code: description.code } : {}),
  };
  const history = task.history ?? [];
  const error: TaskErrorData = {
    ...description,
    attempts: task.attempts,
    ...(history.length > 0 ? { history } : {}),
  };
  if (!definition || thrown instanceof PermanentError || failures >= allowed)
    return { kind: "failed", error, record };
  return { kind: "retried", error, record, delayMs: delayOf(definition, failures, thrown) };
}

/** The delay that the handler or its type asks for, if it is usable; else exponential backoff. */
function delayOf(definition: TaskDefinition, failures: number, thrown: unknown): number {
  try {
    const asked = thrown instanceof RetryAfter ? thrown.delayMs : definition.backoffMs?.(failures);
    if (asked !== undefined && !Number.isNaN(asked)) return Math.min(Math.max(0, asked), RETRY_LIMIT_MS);
  } catch {
    // The handler's own error is the one that people have to see.
  }
  return backoffMs(failures, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
}
