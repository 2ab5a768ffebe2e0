import type { Task } from "#core";

export const hasEnded = ({ task_status }: Task): boolean =>
  task_status === "Completed" || task_status === "Error";

const BAR = 10;
const ERROR_LENGTH = 40;
/** A task from the past is not late by years: nobody waited for it. */
const LATE_LIMIT_MS = 60_000;

/**
 * The state of a task in one line of the demo.
 *
 * @example lineOf(task, "asks for the health", Date.now()); // "    7 ██████████ Completed       12 ms late  asks …"
 */
export function lineOf(task: Task, about: string, nowMs: number): string {
  const filled = Math.round(doneOf(task) * BAR);
  const columns = [
    String(task.id).padStart(5),
    "█".repeat(filled).padEnd(BAR, "·"),
    stateOf(task, nowMs).padEnd(12),
    latenessOf(task).padStart(12),
    ` ${about}${reasonOf(task)}`,
  ];
  return columns.join(" ");
}

function doneOf({ task_status, progress }: Task): number {
  if (task_status === "Completed") return 1;
  return progress ?? (task_status === "Running" ? 0.5 : 0);
}

function stateOf({ task_status, scheduled_time, attempts }: Task, nowMs: number): string {
  if (task_status !== "Not started") return task_status;
  const untilMs = Date.parse(scheduled_time) - nowMs;
  const wait = untilMs > 0 ? `in ${Math.ceil(untilMs / 1000)} s` : "due";
  return attempts > 0 ? `again ${wait}` : wait;
}

/** How late it started, which only its first attempt tells: a retry moves the time that it is due at. */
function latenessOf({ task_status, attempts, started_at, scheduled_time }: Task): string {
  if (task_status === "Not started" || attempts !== 1 || !started_at) return "";
  const lateMs = Date.parse(started_at) - Date.parse(scheduled_time);
  return lateMs < LATE_LIMIT_MS ? `${lateMs} ms late` : "";
}

function reasonOf({ task_status, error_data }: Task): string {
  const { message } = (error_data ?? {}) as { message?: string };
  return task_status === "Error" && message ? ` (${message.slice(0, ERROR_LENGTH)})` : "";
}
