import type { TickEvent } from "../doorbell/doorbell.ts";
import { LATE_MS, WAKE_UP_MS } from "../limits.ts";
import type { Lateness, Task } from "../tasks/task.ts";

/** What a tick knows of the time before it started a task. */
export interface Before {
  /** The task that ran in the same slot just before, and when it ended, by Postgres's clock. */
  previous: { id: number; endedAtMs: number } | undefined;
  /** The cache had to be rebuilt before anything was found. */
  cacheMissed: boolean;
  /** A ring that met a held flag brought this tick. */
  flagWasHeld: boolean;
  /** A refresh found the task overdue: whoever should have woken for it did not. */
  foundByRefresh: boolean;
}

/** What a tick knows, from what it remembers. */
export function beforeOf(tick: {
  event: TickEvent;
  previous: Before["previous"];
  refreshed: boolean;
}): Before {
  const { by } = tick.event;
  return {
    previous: tick.previous,
    cacheMissed: tick.refreshed,
    flagWasHeld: by === "held",
    foundByRefresh: by === "refresh",
  };
}

/**
 * Why a task started more than a second after it was due; undefined when it did not. A task that was made with a
 * time in the past is due when it was made.
 */
export function whyLate(task: Task, before: Before): Lateness | undefined {
  const startedAtMs = Date.parse(task.started_at ?? "");
  const dueAtMs = Math.max(Date.parse(task.scheduled_time), Date.parse(task.createdAt));
  const ms = startedAtMs - dueAtMs;
  if (!(ms > LATE_MS)) return undefined;
  if (task.history?.at(-1)?.outcome === "crashed") return { ms, reason: "crash" };
  const { previous } = before;
  if (previous && previous.endedAtMs > dueAtMs) return { ms, reason: "flag_held", task: previous.id };
  if (task.lane !== null) return { ms, reason: "in_line" };
  if (before.cacheMissed) return { ms, reason: "cache_miss" };
  if (before.foundByRefresh) return { ms, reason: "worker_down" };
  if (before.flagWasHeld) return { ms, reason: "flag_held" };
  return { ms, reason: ms <= WAKE_UP_MS ? "wake_up" : "worker_down" };
}
