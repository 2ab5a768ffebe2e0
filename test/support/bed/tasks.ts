/** Types of task that tests use, and when they recur. */
import { defineTask, PermanentError, RetryAfter, type TaskContext } from "#core";

/** A cron that is due on leap days alone: no occurrence is made, at whatever time of the day a test runs. */
export const ON_LEAP_DAYS = "0 3 29 2 *";

/** Notes what ran, in order. */
export function noting(type = "note") {
  const ran: { id: number; attempt: number; data: unknown }[] = [];
  const definition = defineTask({
    type,
    run: async (data, { task, attempt }) => {
      ran.push({ id: task.id, attempt, data });
      return { ran: task.id };
    },
  });
  return { ran, definition };
}

/** Waits until the test says how it ends. */
export function gated(type = "gated", options: { timeoutSeconds?: number; maxAttempts?: number } = {}) {
  const starts: {
    context: TaskContext;
    finish: (result?: unknown) => void;
    fail: (error: unknown) => void;
  }[] = [];
  const definition = defineTask({
    type,
    ...options,
    run: (_, context) =>
      new Promise((finish, fail) => {
        starts.push({ context, finish, fail });
      }),
  });
  return { starts, definition };
}

/** Waits until its signal aborts, and then gives up as it should. */
export function obedient(type = "obedient", options: { timeoutSeconds?: number; maxAttempts?: number } = {}) {
  const started: TaskContext[] = [];
  const definition = defineTask({
    type,
    ...options,
    run: (_, context) =>
      new Promise((_finish, fail) => {
        started.push(context);
        context.signal.addEventListener("abort", () => fail(context.signal.reason), { once: true });
      }),
  });
  return { started, definition };
}

/** Fails so often, in the way that its data says. */
export const failing = defineTask({
  type: "failing",
  maxAttempts: 3,
  backoffMs: () => 20,
  run: async (data, { attempt }) => {
    const { how = "plain", times = Number.POSITIVE_INFINITY } = (data ?? {}) as {
      how?: string;
      times?: number;
    };
    if (attempt > times) return { attempt };
    if (how === "permanent")
      throw Object.assign(new PermanentError("no use in trying again"), { code: "hopeless" });
    if (how === "later") throw new RetryAfter(30, "not yet");
    if (how === "tomorrow") throw new RetryAfter(86_400_000);
    if (how === "string") throw "a string";
    throw Object.assign(new TypeError("it broke \0 here"), { code: 42 });
  },
});
