/** One attempt: the handler, the heart that beats beside it, and what its end means. */
import { inspect } from "node:util";
import type { Clock } from "../clock.ts";
import { messageOf, PermanentError, RetryAfter } from "../errors.ts";
import type { CacheWrite } from "../gate/redis-gate.ts";
import {
  ABORT_GRACE_MS,
  BACKOFF_FIRST_MS,
  BACKOFF_MAX_MS,
  PROGRESS_INTERVAL_MS,
  RESULT_LIMIT_BYTES,
  RETRY_LIMIT_MS,
  STACK_LIMIT,
} from "../limits.ts";
import type { Logger } from "../log.ts";
import { backoffMs } from "../retry.ts";
import type { TasksService } from "../services/service.ts";
import type { PostgresError } from "../store/database.ts";
import type { Lease, Store } from "../store/store.ts";
import { checkData, type Registry, type TaskDefinition } from "../tasks/define-task.ts";
import {
  type AttemptRecord,
  failuresOf,
  type Outcome,
  type Task,
  type TaskErrorData,
} from "../tasks/task.ts";

/** Why a handler's signal was aborted. */
export type AbortCode = "timeout" | "cancelled" | "lease_lost" | "shutdown" | "time_limit";

const ABORT_MESSAGES: Record<AbortCode, string> = {
  timeout: "the time limit of the task is reached",
  cancelled: "the task was cancelled",
  lease_lost: "the lease of the task is lost: another worker may have it",
  shutdown: "the process is asked to stop",
  time_limit: "the time of the function is up",
};

/** `signal.reason` of an aborted handler. */
export class TaskAborted extends Error {
  override readonly name = "TaskAborted";
  readonly code: AbortCode;

  constructor(code: AbortCode) {
    super(ABORT_MESSAGES[code]);
    this.code = code;
  }
}

export interface AttemptDeps {
  store: Pick<Store, "renew">;
  registry: Registry;
  clock: Clock;
  log: Logger;
  service: TasksService;
  leaseMs: number;
  /** Gives the process up: a handler goes on although it was told to stop. */
  exit(reason: string): never | Promise<never>;
}

export interface Attempt {
  task: Task;
  lease: Lease;
  /** The latest moment of which it is known that the lease began no earlier. By the process's clock. */
  leasedAt: number;
  /** Aborts when the handler has to stop: its reason is `shutdown` or `time_limit`. */
  interrupt: AbortSignal;
  /** It began with the invocation, so that being interrupted means that it used all of it. */
  hadWholeInvocation: boolean;
  /** Told after each renewal, so that the flag is renewed too. The heart does not wait for it: the lease is what counts. */
  renewed(write: CacheWrite): void;
}

/** Runs the handler of a claimed task and says what becomes of the row. Never throws. */
export async function runAttempt(deps: AttemptDeps, attempt: Attempt): Promise<Outcome> {
  const { task } = attempt;
  const definition = deps.registry.get(task.type);
  if (!definition) {
    const known = deps.registry.types.join(", ") || "none";
    const error = Object.assign(
      new PermanentError(`No handler is registered for type "${task.type}" (known: ${known}).`),
      { code: "unknown_type" },
    );
    return failed(deps, task, undefined, error);
  }
  const checked = await checkData(definition, task.task_data);
  if ("issues" in checked) {
    const text = checked.issues
      .map(({ path, message }) => (path ? `task_data.${path}: ${message}` : `task_data: ${message}`))
      .join("; ");
    return failed(deps, task, definition, Object.assign(new PermanentError(text), { code: "invalid_data" }));
  }
  // The answer took as long as the lease, or the process stood still: somebody else may have the task. Or nobody wants
  // it begun any more.
  if (deps.clock.now() >= attempt.leasedAt + deps.leaseMs || attempt.interrupt.aborted)
    return { kind: "given_back", crashed: false };

  const aborter = new AbortController();
  let ignore: (end: typeof IGNORED) => void = () => {};
  const ignored = new Promise<typeof IGNORED>((resolve) => {
    ignore = resolve;
  });
  let endGrace = () => {};
  /** Asks the handler to stop; one that has not stopped after a while never will. */
  const abort = (code: AbortCode) => {
    if (aborter.signal.aborted) return;
    aborter.abort(new TaskAborted(code));
    endGrace = deps.clock.after(ABORT_GRACE_MS, () => ignore(IGNORED));
  };
  const onInterrupt = () => abort((attempt.interrupt.reason as TaskAborted).code);
  attempt.interrupt.addEventListener("abort", onInterrupt, { once: true });

  const timeoutMs = deps.registry.timeoutMsOf(definition);
  const deadlineMs = deps.clock.now() + timeoutMs;
  const heart = startHeart(deps, attempt, deadlineMs, abort);
  const work = startHandler(definition, checked.value, {
    task,
    attempt: task.attempts,
    signal: aborter.signal,
    deadline: new Date(deadlineMs),
    progress: heart.progress,
    log: deps.log.with({ task: task.id, type: task.type, attempt: task.attempts }),
    tasks: deps.service,
  });

  try {
    const end = await Promise.race([work, ignored]);
    if (end === IGNORED) {
      const reason = `the handler of task ${task.id} (${task.type}) goes on ${ABORT_GRACE_MS} ms after its signal: ${messageOf(aborter.signal.reason)}`;
      await deps.exit(reason);
      return { kind: "given_back", crashed: true };
    }
    if ("value" in end) return completed(deps, task, end.value);
    return ended(deps, attempt, definition, end.error, aborter.signal);
  } finally {
    heart.stop();
    endGrace();
    attempt.interrupt.removeEventListener("abort", onInterrupt);
  }
}

const IGNORED = Symbol("the handler ignores its signal");
type End = { value: unknown } | { error: unknown };

/** The handler's end as a value; what it throws synchronously is an end like any other. */
async function startHandler(
  definition: TaskDefinition,
  data: unknown,
  context: Parameters<TaskDefinition["run"]>[1],
): Promise<End> {
  try {
    return { value: await definition.run(data, context) };
  } catch (error) {
    return { error };
  }
}

/**
 * Renews the lease every third of its life while the handler runs. The signal is aborted at the deadline, when the lease
 * is known to be lost, and also when it cannot be known: Postgres did not answer until the lease may have ended.
 */
function startHeart(
  deps: AttemptDeps,
  attempt: Attempt,
  deadlineMs: number,
  abort: (code: AbortCode) => void,
) {
  const { clock, store, leaseMs, log } = deps;
  let validUntil = attempt.leasedAt + leaseMs;
  let nextBeat = attempt.leasedAt + leaseMs / 3;
  let inTime = true;
  let beating = false;
  let over = false;
  let cancel = () => {};
  let reported: number | undefined;
  let written = 0;

  /** One renewal. Never throws: while the lease holds, the next one may succeed. */
  const beat = async (): Promise<void> => {
    const sentAt = clock.now();
    const progress = reported;
    reported = undefined;
    try {
      const renewal = await store.renew(attempt.lease, progress);
      // The attempt is over: what the answer says is of no interest, and the flag may have been given back.
      if (over) return;
      if (!renewal) {
        cancel();
        return abort("lease_lost");
      }
      validUntil = sentAt + leaseMs;
      written = sentAt;
      if (renewal.cancelRequested) abort("cancelled");
      attempt.renewed(renewal.write);
    } catch (error) {
      if (over) return;
      log.warn("a lease could not be renewed", { task: attempt.task.id, error: messageOf(error) });
    }
  };

  const wait = () => {
    const wake = Math.min(nextBeat, validUntil, inTime ? deadlineMs : Number.POSITIVE_INFINITY);
    cancel = clock.after(Math.max(0, wake - clock.now()), look);
  };
  const look = () => {
    const now = clock.now();
    if (now >= validUntil) return abort("lease_lost");
    if (inTime && now >= deadlineMs) {
      inTime = false;
      abort("timeout");
    }
    if (now >= nextBeat) {
      nextBeat = now + leaseMs / 3;
      // Not awaited: somebody has to see when the lease ends meanwhile.
      if (!beating)
        void beat().finally(() => {
          beating = false;
        });
      beating = true;
    }
    wait();
  };
  wait();

  return {
    async progress(fraction: number) {
      if (!(fraction >= 0 && fraction <= 1))
        throw new RangeError(`progress is ${fraction}; it must be from 0 to 1`);
      reported = fraction;
      if (over || clock.now() - written < PROGRESS_INTERVAL_MS) return;
      written = clock.now();
      await beat();
    },
    /** A beat that is under way is not awaited: the outcome is to be written now, and its answer will be ignored. */
    stop() {
      over = true;
      cancel();
    },
  };
}

function completed(deps: AttemptDeps, task: Task, value: unknown): Outcome {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    return failed(
      deps,
      task,
      undefined,
      new PermanentError(`the result is not JSON: ${messageOf(error)}`, { cause: error }),
    );
  }
  const bytes = Buffer.byteLength(json ?? "");
  if (bytes <= RESULT_LIMIT_BYTES) return { kind: "completed", result: value };
  deps.log.warn("a result is too large to keep", { task: task.id, bytes, limit: RESULT_LIMIT_BYTES });
  return {
    kind: "completed",
    result: { truncated: true, bytes, limit_bytes: RESULT_LIMIT_BYTES, start: json?.slice(0, 1_000) },
  };
}

/** What becomes of a task whose outcome Postgres refused: a rule of the table does not take what the handler returned. */
export function refused(deps: Pick<AttemptDeps, "clock">, task: Task, error: PostgresError): Outcome {
  const message = `the result could not be written: ${error.message}`;
  const code = "result_refused";
  return failed(
    deps,
    task,
    undefined,
    Object.assign(new PermanentError(message, { cause: error }), { code }),
  );
}

/** What it means that the handler threw, which after an abort is what it was asked to do. */
function ended(
  deps: AttemptDeps,
  attempt: Attempt,
  definition: TaskDefinition,
  error: unknown,
  signal: AbortSignal,
): Outcome {
  const { task, hadWholeInvocation } = attempt;
  const code = signal.aborted ? (signal.reason as TaskAborted).code : undefined;
  switch (code) {
    case "shutdown":
    case "lease_lost":
      return { kind: "given_back", crashed: false };
    case "time_limit":
      return { kind: "given_back", crashed: hadWholeInvocation };
    case "cancelled":
      return failed(
        deps,
        task,
        undefined,
        Object.assign(new PermanentError(ABORT_MESSAGES.cancelled), { name: "CancelledError", code }),
      );
    case "timeout": {
      const message = `the task took longer than ${deps.registry.timeoutMsOf(definition) / 1000} s`;
      return failed(
        deps,
        task,
        definition,
        Object.assign(new Error(message, { cause: error }), { name: "TimeoutError", code }),
      );
    }
    case undefined:
      return failed(deps, task, definition, error);
  }
}

/** A failure: tried again while attempts are left, else the end. */
function failed(
  deps: Pick<AttemptDeps, "clock">,
  task: Task,
  definition: TaskDefinition | undefined,
  thrown: unknown,
): Outcome {
  const failures = failuresOf(task);
  const allowed = task.max_attempts ?? definition?.maxAttempts ?? 1;
  const description = describe(thrown);
  const record: AttemptRecord = {
    attempt: task.attempts,
    started_at: task.started_at,
    ended_at: new Date(deps.clock.now()).toISOString(),
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
  return { kind: "retried", error, record, delayMs: pauseMs(definition, failures, thrown) };
}

/** The pause that the handler or its type asks for, if that is one; else the usual. */
function pauseMs(definition: TaskDefinition, failures: number, thrown: unknown): number {
  try {
    const asked = thrown instanceof RetryAfter ? thrown.delayMs : definition.backoffMs?.(failures);
    if (asked !== undefined && !Number.isNaN(asked)) return Math.min(Math.max(0, asked), RETRY_LIMIT_MS);
  } catch {
    // The error of the handler is the one that people have to see.
  }
  return backoffMs(failures, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
}

function textOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  try {
    return JSON.stringify(thrown) ?? inspect(thrown);
  } catch {
    return inspect(thrown);
  }
}

/** Anything can be thrown; Postgres's JSON takes no zero byte and no half of a surrogate pair. */
function describe(thrown: unknown): { message: string; name: string; code?: string; stack?: string } {
  const clean = (text: string) =>
    text
      .replaceAll("\0", "")
      .replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, "\uFFFD");
  if (!(thrown instanceof Error)) {
    return { message: clean(textOf(thrown).slice(0, STACK_LIMIT)), name: "NonError" };
  }
  const { code } = thrown as { code?: unknown };
  return {
    message: clean(String(thrown.message || thrown.name).slice(0, STACK_LIMIT)),
    name: clean(String(thrown.name)),
    ...(typeof code === "string" || typeof code === "number" ? { code: clean(String(code)) } : {}),
    ...(thrown.stack ? { stack: clean(String(thrown.stack).slice(0, STACK_LIMIT)) } : {}),
  };
}
