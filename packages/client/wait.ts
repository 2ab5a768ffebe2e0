import type { Task } from "#core";
import { TickworkTimeoutError } from "./errors.ts";
import { jittered, pause } from "./pause.ts";
import { isTransient } from "./repetition.ts";
import type { SendOptions } from "./request.ts";

const DEFAULT_TIMEOUT_MS = 15 * 60_000;
/** What the first look may take: it tells whether there is such a task, and a server. */
const FIRST_LOOK_LIMIT_MS = 60_000;
/** The pauses between looks grow from the first to the longest. */
const FIRST_PAUSE_MS = 100;
const GROWTH = 1.5;
const LONGEST_PAUSE_MS = 3_000;
/** A task that is not due yet may be changed or cancelled, and clocks differ: it is looked at all the same. */
const LONGEST_PAUSE_BEFORE_DUE_MS = 30_000;
/** The last look begins so long before the time is over. */
const LAST_LOOK_MS = 250;

/** What `waitFor` takes. */
export interface WaitOptions<Waited extends Task = Task> {
  /** Ends the wait at once; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Milliseconds that the wait may take. Default: 15 minutes. */
  timeoutMs?: number | undefined;
  /** Gets the task when it is first seen, and whenever it has changed since. */
  onProgress?: ((task: Waited) => void) | undefined;
}

/**
 * Looks at a task until it has ended. Once it has been seen, looks that fail are repeated until the time is over, so a
 * server that restarts does not end the wait.
 */
export async function waitForEnd<Waited extends Task>(
  id: number,
  get: (options: SendOptions) => Promise<Waited>,
  { signal, timeoutMs = DEFAULT_TIMEOUT_MS, onProgress }: WaitOptions<Waited>,
): Promise<Waited> {
  const untilMs = Date.now() + timeoutMs;
  const look = (seen: Waited | undefined) => {
    const leftMs = untilMs - Date.now();
    const patience: SendOptions = seen
      ? { timeoutMs: leftMs, retries: Number.POSITIVE_INFINITY }
      : { timeoutMs: Math.min(leftMs, FIRST_LOOK_LIMIT_MS) };
    return get({ signal, ...patience }).catch((error: unknown) => {
      throw seen && isTransient(error) ? late(seen, reasonOf(error)) : error;
    });
  };
  const late = ({ task_status }: Waited, cause?: unknown) =>
    new TickworkTimeoutError(
      `Task ${id} did not end within ${timeoutMs} ms; it was "${task_status}" when it was last seen.`,
      { cause },
    );
  let seen: Waited | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const task = await look(seen);
    if (task.rev !== seen?.rev) onProgress?.(task);
    if (hasEnded(task)) return task;
    if (task.task_status !== seen?.task_status) pauseMs = FIRST_PAUSE_MS;
    seen = task;
    const leftMs = untilMs - Date.now() - LAST_LOOK_MS;
    if (leftMs <= 0) throw late(task);
    const dueInMs = task.task_status === "Not started" ? Date.parse(task.scheduled_time) - Date.now() : 0;
    const isEarly = dueInMs > pauseMs;
    const untilLookMs = isEarly
      ? Math.min(dueInMs + jittered(FIRST_PAUSE_MS), LONGEST_PAUSE_BEFORE_DUE_MS)
      : jittered(pauseMs);
    if (!isEarly) pauseMs = Math.min(pauseMs * GROWTH, LONGEST_PAUSE_MS);
    await pause(Math.min(untilLookMs, leftMs), signal);
  }
}

/** A look that was cut off at the end of the time says little: what failed before it in that look says why. */
const reasonOf = (error: unknown) => (error instanceof TickworkTimeoutError && error.cause) || error;

const hasEnded = ({ task_status }: Task) => task_status === "Completed" || task_status === "Error";
