import { describe, expect, test } from "vitest";
import { PermanentError, RetryAfter } from "#core";
import {
  BACKOFF_FIRST_MS,
  BACKOFF_MAX_MS,
  RESULT_LIMIT_BYTES,
  RETRY_LIMIT_MS,
} from "../../../packages/core/limits.ts";
import {
  aborted,
  completed,
  crashed,
  failed,
  failedForGood,
  refused,
} from "../../../packages/core/run/outcome.ts";
import { PostgresError } from "../../../packages/core/store/database.ts";
import { noteLog } from "../../support/run/noted-log.ts";
import { aTask } from "../../support/run/rows.ts";

const ENDED_MS = Date.UTC(2026, 10, 24, 9, 0, 30);
const deps = { ...noteLog(), clock: { now: () => ENDED_MS }, maxCrashes: 2 };
const definition = { type: "any", maxAttempts: 3, run: async () => {} };

describe("a handler that returned", () => {
  test.each([[{ rows: 3 }], [null], [undefined], [0], ["done"]])("completes its task with %o", (result) => {
    expect(completed(deps, aTask(), result)).toEqual({ kind: "completed", result });
  });

  test("fails for good when its result is not JSON", () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    expect(completed(deps, aTask({ max_attempts: 5 }), circular)).toMatchObject({
      kind: "failed",
      error: { message: expect.stringMatching(/^the result is not JSON: .*circular/) },
    });
  });

  test("has a result above the limit cut, with a warning", () => {
    const { log, lines } = noteLog();
    const largest = "x".repeat(RESULT_LIMIT_BYTES - 2);
    expect(completed({ ...deps, log }, aTask(), largest)).toEqual({ kind: "completed", result: largest });
    expect(lines).toEqual([]);
    expect(completed({ ...deps, log }, aTask(), `${largest}x`)).toEqual({
      kind: "completed",
      result: {
        truncated: true,
        bytes: RESULT_LIMIT_BYTES + 1,
        limit_bytes: RESULT_LIMIT_BYTES,
        start: `"${"x".repeat(999)}`,
      },
    });
    expect(lines).toMatchObject([{ level: "warn", task: 7, bytes: RESULT_LIMIT_BYTES + 1 }]);
  });
});

describe("a handler that threw", () => {
  const thrown = new Error("it broke");

  test("is tried again while attempts are left", () => {
    const outcomes = [1, 2, 3].map((attempts) => failed(deps, aTask({ attempts }), definition, thrown).kind);
    expect(outcomes).toEqual(["retried", "retried", "failed"]);
  });

  test("has as many attempts as its task says, whatever its type says", () => {
    expect(failed(deps, aTask({ max_attempts: 1 }), definition, thrown).kind).toBe("failed");
    expect(failed(deps, aTask({ attempts: 3, max_attempts: 4 }), definition, thrown).kind).toBe("retried");
  });

  test("has one attempt when nobody says more", () => {
    expect(failed(deps, aTask(), { type: "any", run: async () => {} }, thrown).kind).toBe("failed");
  });

  test("is not charged for attempts that died with their worker", () => {
    expect(failed(deps, aTask({ attempts: 4, crashes: 2 }), definition, thrown).kind).toBe("retried");
    expect(failed(deps, aTask({ attempts: 5, crashes: 2 }), definition, thrown).kind).toBe("failed");
  });

  test("is not charged for attempts that were interrupted, or belong to the time before a retry", () => {
    expect(failed(deps, aTask({ attempts: 6, crashes: 1, excused: 3 }), definition, thrown).kind).toBe(
      "retried",
    );
    expect(failed(deps, aTask({ attempts: 7, crashes: 1, excused: 3 }), definition, thrown).kind).toBe(
      "failed",
    );
  });

  test("is not tried again after a PermanentError", () => {
    const outcome = failed(deps, aTask(), definition, new PermanentError("no use in trying again"));
    expect(outcome).toMatchObject({ kind: "failed", error: { name: "PermanentError" } });
  });

  test("leaves a record of this attempt, and the records of earlier ones", () => {
    const earlier = {
      attempt: 1,
      started_at: "2026-11-24T08:59:00.000Z",
      ended_at: "2026-11-24T08:59:30.000Z",
      outcome: "failed" as const,
      message: "the first time",
    };
    const task = aTask({ attempts: 2, history: [earlier] });
    expect(failed(deps, task, definition, Object.assign(new Error("again"), { code: "E" }))).toMatchObject({
      error: { name: "Error", message: "again", code: "E", attempts: 2, history: [earlier] },
      record: {
        attempt: 2,
        started_at: task.started_at,
        ended_at: "2026-11-24T09:00:30.000Z",
        outcome: "failed",
        message: "again",
        code: "E",
      },
    });
  });
});

describe("the pause before the next attempt", () => {
  const pauseAfter = (thrown: unknown, more: object = {}, attempts = 1) => {
    const outcome = failed(deps, aTask({ attempts }), { ...definition, maxAttempts: 99, ...more }, thrown);
    return outcome.kind === "retried" ? outcome.delayMs : Number.NaN;
  };
  /** Exponential, with jitter. */
  const expectBackoff = (delayMs: number, failures = 1) => {
    const ceilingMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1));
    expect(delayMs).toBeGreaterThanOrEqual(ceilingMs / 2);
    expect(delayMs).toBeLessThanOrEqual(ceilingMs);
  };

  test("grows with the failures, to an hour", () => {
    for (const failures of [1, 2, 3, 10, 50]) expectBackoff(pauseAfter(new Error(), {}, failures), failures);
  });

  test("has the jitter that is given", () => {
    const delays = [0, 0.5, 1].map((fraction) => {
      const outcome = failed({ ...deps, random: () => fraction }, aTask(), definition, new Error());
      return outcome.kind === "retried" && outcome.delayMs;
    });
    expect(delays).toEqual([BACKOFF_FIRST_MS / 2, BACKOFF_FIRST_MS * 0.75, BACKOFF_FIRST_MS]);
  });

  test("is what the type says", () => {
    expect(pauseAfter(new Error(), { backoffMs: (failures: number) => 10 * failures }, 3)).toBe(30);
  });

  test("is what the handler asks for, before what the type says", () => {
    expect(pauseAfter(new RetryAfter(30), { backoffMs: () => 5 })).toBe(30);
  });

  test("is bounded", () => {
    expect(pauseAfter(new RetryAfter(Number.POSITIVE_INFINITY))).toBe(RETRY_LIMIT_MS);
    expect(pauseAfter(new RetryAfter(-1))).toBe(0);
  });

  test("is the usual one when what was asked for is not a number, or the type cannot say", () => {
    expectBackoff(pauseAfter(new RetryAfter(Number.NaN)));
    const broken = () => {
      throw new Error("the pause cannot be told");
    };
    expectBackoff(pauseAfter(new Error(), { backoffMs: broken }));
  });
});

describe("a handler that was told to stop", () => {
  const stopped = (code: Parameters<typeof aborted>[3], options = {}) =>
    aborted(deps, aTask(), definition, code, {
      timeoutMs: 50,
      hadWholeInvocation: false,
      ...options,
    });

  /** What is kept of the attempt. */
  const recorded = (outcome: "interrupted" | "crashed", code: string, message: string) => ({
    kind: outcome,
    record: {
      attempt: 1,
      started_at: aTask().started_at,
      ended_at: "2026-11-24T09:00:30.000Z",
      outcome,
      code,
      message,
    },
  });

  test("shutdown: its task was interrupted", () => {
    expect(stopped("shutdown", { hadWholeInvocation: true })).toEqual(
      recorded("interrupted", "shutdown", "the process is shutting down"),
    );
  });

  test("lease_lost: its task was interrupted, if it is still its own", () => {
    const message = "the task's lease was lost: another worker may be running it";
    expect(stopped("lease_lost")).toEqual(recorded("interrupted", "lease_lost", message));
  });

  test("stalled: it counts as a crash, as if another worker had found the lease ended", () => {
    const message = "the process stood still for longer than the task's lease";
    expect(stopped("stalled")).toEqual(recorded("crashed", "stalled", message));
  });

  test("time_limit: its task was interrupted; using up a whole invocation counts as a crash", () => {
    const message = "the function is about to reach its own time limit";
    expect(stopped("time_limit")).toEqual(recorded("interrupted", "time_limit", message));
    expect(stopped("time_limit", { hadWholeInvocation: true })).toEqual(
      recorded("crashed", "time_limit", message),
    );
  });

  test("too many crashes end its task, with the history of them", () => {
    const crash = crashed(deps, aTask({ attempts: 2, crashes: 1 }), "time_limit");
    expect(crash).toMatchObject({ kind: "crashed" });
    const history = "record" in crash ? [crash.record] : [];
    expect(crashed(deps, aTask({ attempts: 3, crashes: 2, history }), "stalled")).toMatchObject({
      kind: "failed",
      error: {
        name: "CrashedError",
        code: "crashed",
        message: "its worker died 3 times while it ran",
        attempts: 3,
        history: [{ code: "time_limit" }, { code: "stalled" }],
      },
    });
  });

  test("cancelled: its task ends, whatever attempts are left", () => {
    expect(stopped("cancelled")).toMatchObject({
      kind: "failed",
      error: { name: "CancelledError", code: "cancelled", message: "the task was cancelled" },
    });
  });

  test("timeout: it failed, and is tried again while attempts are left", () => {
    expect(stopped("timeout")).toMatchObject({
      kind: "retried",
      error: { name: "TimeoutError", code: "timeout", message: "the task took longer than 0.05 s" },
    });
  });
});

test("an outcome that Postgres refuses ends its task, with what Postgres says", () => {
  const error = new PostgresError({ code: "22P05", message: "unsupported Unicode escape sequence" });
  expect(refused(deps, aTask(), error)).toMatchObject({
    kind: "failed",
    error: { code: "result_refused", message: expect.stringContaining("unsupported Unicode escape") },
  });
});

test("a failure for good keeps its code", () => {
  const outcome = failedForGood(deps, aTask(), "it cannot be", { code: "invalid_data" });
  expect(outcome).toMatchObject({ kind: "failed", error: { code: "invalid_data", message: "it cannot be" } });
});
