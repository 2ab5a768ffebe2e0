import { CACHED_DATA_LIMIT_BYTES, WINDOW_MS } from "../limits.ts";
import type { Task, TaskStatus } from "./task.ts";

/**
 * Where a task stands at this `rev`: all that the gate has to know about it.
 *
 * - `waiting`: it is due within the window, at `atMs`
 * - `foreign`: the same, but another program runs it; it is listed, and no tick starts it
 * - `running`: its lease ends at `atMs`
 * - `gone`: it is finished, deleted, or due later than the window
 *
 * `inMs` is the time until then by Postgres's clock. It is set where the clock of the cache was seen to disagree.
 */
export type Standing =
  | { id: number; rev: number; kind: "waiting" | "foreign"; atMs: number; inMs?: number; task?: Task }
  | { id: number; rev: number; kind: "running"; atMs: number; inMs?: number }
  | { id: number; rev: number; kind: "gone" };

/** What a row says about where its task stands. Times are epoch milliseconds by Postgres's clock. */
export interface Facts {
  id: number;
  rev: number;
  status: TaskStatus;
  type: string;
  due_ms: number;
  lease_ms: number | null;
}

/**
 * The one answer to "where does this task stand?".
 *
 * @param nowMs Postgres's time
 * @param foreign the types that other programs run
 */
export function standingOf(
  { id, rev, status, type, due_ms, lease_ms }: Facts,
  nowMs: number,
  foreign: readonly string[],
): Standing {
  if (status === "Running" && lease_ms !== null) return { id, rev, kind: "running", atMs: lease_ms };
  if (status !== "Not started" || due_ms > nowMs + WINDOW_MS) return { id, rev, kind: "gone" };
  return { id, rev, kind: foreign.includes(type) ? "foreign" : "waiting", atMs: due_ms };
}

/** Where a task stands, with the row itself when it waits and is small enough to be cached. */
export function standingOfTask(task: Task, nowMs: number, foreign: readonly string[]): Standing {
  const facts = {
    id: task.id,
    rev: task.rev,
    status: task.task_status,
    type: task.type,
    due_ms: Date.parse(task.scheduled_time),
    lease_ms: task.lease_expires_at === null ? null : Date.parse(task.lease_expires_at),
  };
  const standing = standingOf(facts, nowMs, foreign);
  if (standing.kind !== "waiting" && standing.kind !== "foreign") return standing;
  const bytes = Buffer.byteLength(JSON.stringify(task.task_data ?? null));
  return bytes <= CACHED_DATA_LIMIT_BYTES ? { ...standing, task } : standing;
}

/** The same, as a time from now: for a cache whose clock disagrees with Postgres's. */
export function fromNow(standing: Standing, nowMs: number): Standing {
  return standing.kind === "gone" ? standing : { ...standing, inMs: standing.atMs - nowMs };
}
