import { type Clock, systemClock, type Task, TaskFailedError, type Tasks, TickworkError } from "#core";
import { mustBe, quote, refusal } from "../core/errors.ts";
import { RESULT_LIMIT_MS, RESULT_PAUSE_MAX_MS, RESULT_PAUSE_MS, RESULT_TIMEOUT_MS } from "../core/limits.ts";
import { backoffMs } from "../core/retry.ts";
import { ENCRYPTED } from "../core/tasks/encryption.ts";

/** How long to wait for a result. */
export interface ResultOptions {
  /** Milliseconds, up to a day; 0 looks once. Default 60,000. */
  timeoutMs?: number | undefined;
  /** Ends the waiting; the task goes on. */
  signal?: AbortSignal | undefined;
}

/**
 * The task that was waited for did not end in time. It waits or runs on: its result can be waited for again.
 *
 * @example
 * const late = await tickwork.result(7, { timeoutMs: 0 }).catch((error: unknown) => error);
 * if (late instanceof ResultTimeoutError) console.log(late.task.task_status, late.task.progress);
 */
export class ResultTimeoutError extends Error {
  override readonly name = "ResultTimeoutError";
  /** As it was when it was last looked at. */
  readonly task: Task;

  constructor(task: Task, timeoutMs: number) {
    super(
      `Task ${task.id} (${task.type}) did not end within ${timeoutMs} ms; it is ${quote(task.task_status)}`,
    );
    this.task = task;
  }
}

/** @throws TickworkError `encryption_key_missing` */
function resultOf({ id, type, result_data, encrypted }: Task): unknown {
  if (result_data !== ENCRYPTED || !encrypted?.includes("result_data")) return result_data;
  throw new TickworkError(
    "encryption_key_missing",
    `The result of task ${id} (${type}) is encrypted, and cannot be decrypted with the encryptionKeys of this connection.`,
  );
}

export interface ResultWait {
  timeoutMs?: number | undefined;
  /** Each ends the waiting. */
  signals: readonly AbortSignal[];
  clock?: Clock;
}

/** Looks at a task until it has ended; see `Connection.result`. */
export async function waitForResult<Result>(
  tasks: Pick<Tasks, "get">,
  id: number,
  { timeoutMs = RESULT_TIMEOUT_MS, signals, clock = systemClock }: ResultWait,
): Promise<Result> {
  if (!(timeoutMs >= 0 && timeoutMs <= RESULT_LIMIT_MS))
    throw refusal("timeoutMs", mustBe(`milliseconds from 0 to ${RESULT_LIMIT_MS}`, timeoutMs));
  const stop = new AbortController();
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener("abort", () => reject(stop.signal.reason as Error), { once: true });
  });
  const untilMs = clock.now() + timeoutMs;
  const look = async (): Promise<Result> => {
    for (let n = 1; ; n++) {
      stop.signal.throwIfAborted();
      const task = await tasks.get(id);
      if (task.task_status === "Completed") return resultOf(task) as Result;
      if (task.task_status === "Error") throw new TaskFailedError(task);
      const leftMs = untilMs - clock.now();
      if (leftMs <= 0) throw new ResultTimeoutError(task, timeoutMs);
      const dueInMs = task.task_status === "Not started" ? Date.parse(task.scheduled_time) - clock.now() : 0;
      // Nothing is to be seen before it is due; from then on the pauses grow anew.
      if (dueInMs > 0) n = 0;
      const pauseMs = n === 0 ? dueInMs : backoffMs(n, RESULT_PAUSE_MS, RESULT_PAUSE_MAX_MS);
      await clock.sleep(Math.min(pauseMs, RESULT_PAUSE_MAX_MS, leftMs), stop.signal);
    }
  };
  const abort = ({ target }: { target: EventTarget | null }) => stop.abort((target as AbortSignal).reason);
  for (const signal of signals) {
    if (signal.aborted) stop.abort(signal.reason);
    signal.addEventListener("abort", abort);
  }
  try {
    return await Promise.race([stopped, look()]);
  } finally {
    for (const signal of signals) signal.removeEventListener("abort", abort);
  }
}
