/** What happened to a task, in words. */
import type { LimitHold, Pause, Task, TaskErrorData } from "#client";
import { durationOf, fromNow, plural } from "./format.ts";

export interface Chapter {
  at: string;
  kind: "plain" | "running" | "completed" | "failed" | "waiting";
  title: string;
  detail?: string;
}

export function errorMessageOf({ error_data }: Pick<Task, "error_data">): string {
  const { message } = Object(error_data) as Partial<TaskErrorData>;
  return typeof message === "string" ? message : error_data ? JSON.stringify(error_data) : "";
}

const took = (from: string | null, to: string | null) =>
  from && to ? durationOf(Date.parse(to) - Date.parse(from)) : undefined;

const OUTCOMES = {
  failed: ["failed", "failed"],
  crashed: ["failed", "was cut off: its worker died"],
  interrupted: ["plain", "was interrupted: its process had to stop"],
} as const;

/** The story of a task, in the order in which it happened. */
export function storyOf(task: Task, nowMs: number): Chapter[] {
  const chapters: Chapter[] = [
    {
      at: task.createdAt,
      kind: "plain",
      title: "Created",
      ...(task.userCreated_Id && { detail: `by ${task.userCreated_Id}` }),
    },
  ];
  for (const { attempt, started_at, ended_at, outcome, message, code } of task.history ?? []) {
    const [kind, what] = OUTCOMES[outcome];
    const lasted = took(started_at, ended_at);
    chapters.push({
      at: ended_at,
      kind,
      title: `Attempt ${attempt} ${what}${lasted ? ` after ${lasted}` : ""}`,
      detail: code ? `${message} (${code})` : message,
    });
  }
  if (task.task_status === "Not started") {
    const isDue = Date.parse(task.scheduled_time) <= nowMs;
    chapters.push({
      at: task.scheduled_time,
      kind: "waiting",
      title: isDue ? "Due" : `Due ${fromNow(task.scheduled_time, nowMs)}`,
      ...(isDue && {
        detail: task.paused
          ? "It starts when it is resumed."
          : task.waiting_for_code
            ? "It starts when code for it is deployed."
            : task.limited
              ? "It starts when its limits let it."
              : "It starts as soon as a worker is free.",
      }),
    });
  }
  // Of an attempt that failed, the history tells; so the last one is told of when it is not in there.
  const isTold = task.history?.some(({ attempt }) => attempt === task.attempts);
  if (task.started_at && task.task_status !== "Not started" && !isTold)
    chapters.push({ at: task.started_at, kind: "running", title: `Attempt ${task.attempts} started` });
  if (task.task_status === "Running" && task.cancel_requested)
    chapters.push({ at: task.updatedAt, kind: "plain", title: "Asked to stop" });
  if (task.finished_at && task.task_status === "Completed") {
    const lasted = took(task.started_at, task.finished_at);
    chapters.push({
      at: task.finished_at,
      kind: "completed",
      title: `Completed${lasted ? ` after ${lasted}` : ""}`,
    });
  }
  if (task.finished_at && task.task_status === "Error") {
    const message = errorMessageOf(task);
    // What the last attempt said is not said again.
    const detail = task.history?.at(-1)?.message === message ? undefined : message;
    chapters.push({
      at: task.finished_at,
      kind: "failed",
      title: "Ended in Error",
      ...(detail && { detail }),
    });
  }
  return chapters;
}

/** Why it started late, in a sentence; undefined when it did not. */
export function whyLate({ lateness }: Pick<Task, "lateness">): string | undefined {
  if (!lateness) return undefined;
  const { ms, reason, task } = lateness;
  const why = {
    flag_held: task ? `task ${task} was still running` : "another task was still running",
    in_line: "its limits had no room for it, it was paused, or others of its line came first",
    wake_up: "the doorbell that wakes a worker is precise to a minute only",
    crash: "the worker of an earlier attempt had died, and its lease had to end first",
    cache_miss: "it was missing from the cache until a refresh found it",
    worker_down: "no worker was there to start it or was told of it, or its type was paused",
  }[reason];
  return `It started ${durationOf(ms)} late: ${why}.`;
}

/** @example pausedOf({ queue: "mail", … }); // "the queue mail" */
export function pausedOf({ type, queue, concurrency_key }: Pause): string {
  if (queue !== undefined) return `the queue ${queue}`;
  return type ?? (concurrency_key === undefined ? "everything" : `the key ${concurrency_key}`);
}

/** @example heldBy({ queue: "mail", by: "concurrency", until: null }, now); // "as many of the queue mail run as may" */
function heldBy({ type, queue, concurrency_key, by, until }: LimitHold, nowMs: number): string {
  const whose =
    queue !== undefined
      ? `the queue ${queue}`
      : type !== undefined
        ? `the type ${type}`
        : concurrency_key === "*"
          ? "its key"
          : `the key ${concurrency_key}`;
  if (by === "concurrency") return `as many tasks of ${whose} run as may at once`;
  const next = until === null ? "" : `, the next may ${fromNow(until, nowMs)}`;
  return `as many tasks of ${whose} have started as may in their time${next}`;
}

/** Where it stands, in a sentence. */
export function standingOf(task: Task, nowMs: number): string {
  const tries = task.max_attempts === null ? "" : ` of ${task.max_attempts}`;
  switch (task.task_status) {
    case "Not started": {
      const [pause] = task.paused ?? [];
      if (pause) {
        return `It waits, because ${pausedOf(pause)} is paused${pause.reason ? `: ${pause.reason}` : ""}.`;
      }
      const overdueMs = nowMs - Date.parse(task.scheduled_time);
      if (overdueMs <= 0) return `It waits for its time, ${fromNow(task.scheduled_time, nowMs)}.`;
      const due = overdueMs < 2_000 ? "It is due" : `It has been due for ${durationOf(overdueMs)}`;
      if (task.waiting_for_code)
        return `${due}, and waits for code: no process here runs its type${task.version === null ? "" : ` in version ${task.version}`}.`;
      const holds = (task.limited ?? []).map((hold) => heldBy(hold, nowMs));
      return holds.length === 0 ? `${due}.` : `${due}, and is held back: ${holds.join("; ")}.`;
    }
    case "Running":
      return task.cancel_requested
        ? "It was asked to stop, and stops when its handler heeds that."
        : `Attempt ${task.attempts}${tries} runs.`;
    case "Completed":
      return task.attempts > 1
        ? `It completed in attempt ${task.attempts}.`
        : "It completed at the first attempt.";
    default:
      return task.attempts === 0
        ? "It never started."
        : `It failed, and has no attempts left after ${plural(task.attempts, "attempt")}.`;
  }
}
