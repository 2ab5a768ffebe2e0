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
  /** How often a worker may die while it runs a task; then the task ends in `Error`. */
  maxCrashes: number;
  /** The jitter of a backoff, from 0 to 1. Default `Math.random`. */
  random?: (() => number) | undefined;
}

/** The handler was not started, for the worker has to stop or its lease has ended: the task waits again. */
export const GIVEN_BACK: Outcome = { kind: "given_back" };

/** The handler returned. A result that is not JSON fails the task; one that is too large is cut, with a warning. */
export function completed(deps: OutcomeDeps, task: Task, result: unknown): Outcome {
  let json: string | undefined;
  try {
    json = JSON.stringify(result);
  } catch (error) {
    return failedForGood(deps, task, `the result is not JSON: ${messageOf(error)}`);
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
  options: { timeoutMs: number; hadWholeInvocation: boolean },
): Outcome {
  switch (code) {
    case "shutdown":
    case "lease_lost":
      return interrupted(deps, task, code);
    case "time_limit":
      // If it used up a whole invocation, it would do so for ever.
      return options.hadWholeInvocation ? crashed(deps, task, code) : interrupted(deps, task, code);
    case "stalled":
      // Whoever finds the lease ended counts a crash. So does its own worker, when it is the first to notice.
      return crashed(deps, task, code);
    case "cancelled":
      return cancelled(deps, task);
    case "timeout": {
      const message = `the task took longer than ${options.timeoutMs / 1000} s`;
      const error = Object.assign(new Error(message), { name: "TimeoutError", code });
      return failed(deps, task, definition, error);
    }
  }
}

function interrupted(deps: OutcomeDeps, task: Task, code: AbortCode): Outcome {
  return { kind: "interrupted", record: recordOf(deps, task, "interrupted", ABORT_MESSAGES[code], code) };
}

/** The attempt counts as a crash. With too many of them the task ends. */
export function crashed(deps: OutcomeDeps, task: Task, code: AbortCode): Outcome {
  const record = recordOf(deps, task, "crashed", ABORT_MESSAGES[code], code);
  if (task.crashes < deps.maxCrashes) return { kind: "crashed", record };
  const message = `its worker died ${task.crashes + 1} times while it ran`;
  const history = [...(task.history ?? []), record];
  const error = { message, name: "CrashedError", code: "crashed", attempts: task.attempts, history };
  return { kind: "failed", error, record };
}

/** Postgres refused to store the outcome: a rule of the table does not accept what the handler returned. */
export function refused(deps: OutcomeDeps, task: Task, error: PostgresError): Outcome {
  const message = `the result could not be written: ${error.message}`;
  return failedForGood(deps, task, message, { code: "result_refused" });
}

/** The task was to stop. */
export function cancelled(deps: OutcomeDeps, task: Task): Outcome {
  return failedForGood(deps, task, ABORT_MESSAGES.cancelled, { name: "CancelledError", code: "cancelled" });
}

/** A failure that no further attempt can mend. */
export function failedForGood(
  deps: OutcomeDeps,
  task: Task,
  message: string,
  { name, ...options }: { code?: TaskErrorCode; name?: string } = {},
): Outcome {
  const error = new PermanentError(message, options);
  return failed(deps, task, undefined, name ? Object.assign(error, { name }) : error);
}

/** The handler threw: it is tried again while attempts are left. */
export function failed(
  { clock, random }: Pick<OutcomeDeps, "clock" | "random">,
  task: Task,
  definition: TaskDefinition | undefined,
  thrown: unknown,
): Outcome {
  const failures = failuresOf(task);
  const allowed = task.max_attempts ?? definition?.maxAttempts ?? 1;
  const description = describeThrown(thrown);
  const record = recordOf({ clock }, task, "failed", description.message, description.code);
  const history = task.history ?? [];
  const error: TaskErrorData = {
    ...description,
    attempts: task.attempts,
    ...(history.length > 0 ? { history } : {}),
  };
  if (!definition || thrown instanceof PermanentError || failures >= allowed)
    return { kind: "failed", error, record };
  return { kind: "retried", error, record, delayMs: delayOf(definition, failures, thrown, random) };
}

function recordOf(
  { clock }: Pick<OutcomeDeps, "clock">,
  task: Task,
  outcome: AttemptRecord["outcome"],
  message: string,
  code: string | undefined,
): AttemptRecord {
  return {
    attempt: task.attempts,
    started_at: task.started_at,
    ended_at: new Date(clock.now()).toISOString(),
    outcome,
    message,
    ...(code ? { code } : {}),
  };
}

/** The delay that the handler or its type asks for, if it is usable; else exponential backoff. */
function delayOf(
  definition: TaskDefinition,
  failures: number,
  thrown: unknown,
  random: OutcomeDeps["random"],
): number {
  try {
    const asked = thrown instanceof RetryAfter ? thrown.delayMs : definition.backoffMs?.(failures);
    if (asked !== undefined && !Number.isNaN(asked)) return Math.min(Math.max(0, asked), RETRY_LIMIT_MS);
  } catch {
    // The handler's own error is the one that people have to see.
  }
  return backoffMs(failures, BACKOFF_FIRST_MS, BACKOFF_MAX_MS, random);
}
