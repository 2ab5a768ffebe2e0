import { CACHED_DATA_LIMIT_BYTES, CACHED_ROW_LIMIT_BYTES, UNKNOWN_TYPE_MS, WINDOW_MS } from "../limits.ts";
import { BULK_TYPE } from "./filter.ts";
import type { Task, TaskStatus } from "./task.ts";
import { versionedType } from "./version.ts";

/**
 * Where a task stands at this `rev`: all that the gate has to know about it.
 *
 * - `waiting`: it is due within the window, at `atMs`
 * - `foreign`: the same, but another program runs it, it waits for code that nobody here has, it is paused, or it is in a
 *   lane; it is listed, and no tick starts it
 * - `laned`: some laned task may start at `atMs`, or may have been able to before. All of them are one for the gate, which has it as a
 *   waiting task with the id `LANES`; a claim says when there is really something to start
 * - `running`: its lease ends at `atMs`
 * - `gone`: it is finished, deleted, or due later than the window
 * - `missing`: Postgres shows no such row. It was deleted, or its transaction has not committed yet: so this outranks no
 *   row, and only what the cache already knows of the task is forgotten
 *
 * `inMs` is the time until then by Postgres's clock. It is set where the clock of the cache was seen to disagree.
 * `paused`: a pause was seen that may be over by now, so no refresh may go by the cache until one has read.
 * `untold`: nor may it where an operation on many tasks ended before it was through, for its worker may have died before it
 * told what its last batch had changed.
 * `json` is the task as JSON, where that was needed before.
 */
export type Standing =
  | {
      id: number;
      rev: number;
      kind: "waiting" | "foreign";
      atMs: number;
      inMs?: number;
      paused?: boolean;
      task?: Task;
      json?: string;
    }
  | { id: number; rev: number; kind: "running"; atMs: number; inMs?: number }
  | { id: number; rev: number; kind: "gone"; untold?: boolean }
  | { id: number; rev: 0; kind: "missing" }
  | { id: typeof LANES; rev: 0; kind: "laned"; atMs: number; inMs?: number };

/** The id that stands for all tasks in lanes. */
export const LANES = 0;

/** A waiting task, and when it is due, in epoch milliseconds. */
export interface Due {
  id: number;
  atMs: number;
}

/** What is rung for: a waiting task when it is due, a running one when its lease has ended. */
export interface Coming extends Due {
  kind: "waiting" | "running";
}

/** The types of a deployment, by who runs them, and how far ahead its cache reaches. */
export interface KnownTypes {
  /** This process has their code; each in the versions that it reads. */
  readonly ours: readonly string[];
  /** Other programs run them. */
  readonly foreign: readonly string[];
  /** Other processes of this deployment have the code of all others: this one only enqueues. */
  readonly open?: boolean;
  /** Tasks due within this time are cached, in milliseconds; default `WINDOW_MS`. */
  readonly windowMs?: number;
  /** Types whose tasks may fail more than once unless they say otherwise, and how often. */
  readonly retried?: ReadonlyMap<string, number>;
}

/** What a row says about where its task stands. Times are epoch milliseconds by Postgres's clock. */
export interface Facts {
  id: number;
  rev: number;
  status: TaskStatus;
  /** In its version: see `versionedType`. */
  type: string;
  paused?: boolean;
  laned?: boolean;
  due_ms: number;
  lease_ms: number | null;
}

/**
 * The one answer to "where does this task stand?".
 *
 * @param nowMs Postgres's time
 */
export function standingOf(
  { id, rev, status, type, paused = false, laned = false, due_ms, lease_ms }: Facts,
  nowMs: number,
  types: KnownTypes,
): Standing {
  if (status === "Running" && lease_ms !== null) return { id, rev, kind: "running", atMs: lease_ms };
  if (status !== "Not started" || due_ms > nowMs + (types.windowMs ?? WINDOW_MS))
    return gone(id, rev, type, status);
  // Another process may have the code, as in a deployment that is under way. The cache is everybody's: for a while its
  // ticks are to see the task. Then nobody here runs it, and it must not make a tick look again and again.
  const isLeft =
    paused ||
    laned ||
    (isKnown(type, types) ? hasType(types.foreign, type) : due_ms <= nowMs - UNKNOWN_TYPE_MS);
  return { id, rev, kind: isLeft ? "foreign" : "waiting", atMs: due_ms };
}

/** Where a task stands that is not in the window any more. */
export function gone(id: number, rev: number, type: string, status: TaskStatus): Standing {
  const isUntold = type === BULK_TYPE && status !== "Completed";
  return { id, rev, kind: "gone", ...(isUntold && { untold: true }) };
}

/** Whether this deployment runs the type, or knows that another program does. */
export function isKnown(type: string, { ours, foreign, open = false }: KnownTypes): boolean {
  return open || hasType(ours, type) || hasType(foreign, type);
}

const sets = new WeakMap<readonly string[], ReadonlySet<string>>();

/** Whether a type is in a list that does not change. A refresh asks for each of its rows, and there may be thousands. */
export function hasType(types: readonly string[], type: string): boolean {
  let set = sets.get(types);
  if (!set) {
    set = new Set(types);
    sets.set(types, set);
  }
  return set.has(type);
}

/** Where a task stands of which there is no row. */
export function missing(id: number): Standing {
  return { id, rev: 0, kind: "missing" };
}

/** Where a task stands, with the row itself when it waits and is small enough to be cached. */
export function standingOfTask(task: Task, nowMs: number, types: KnownTypes): Standing {
  const facts = {
    id: task.id,
    rev: task.rev,
    status: task.task_status,
    type: versionedType(task.type, task.version),
    laned: isLaned(task),
    due_ms: Date.parse(task.scheduled_time),
    lease_ms: task.lease_expires_at === null ? null : Date.parse(task.lease_expires_at),
  };
  const standing = standingOf(facts, nowMs, types);
  if (standing.kind !== "waiting" && standing.kind !== "foreign") return standing;
  if (task.task_data === undefined) return standing;
  const json = JSON.stringify(task);
  // What its data takes is in it: mostly that is all to be asked.
  const fits =
    Buffer.byteLength(json) <= CACHED_DATA_LIMIT_BYTES ||
    (Buffer.byteLength(json) <= CACHED_ROW_LIMIT_BYTES &&
      Buffer.byteLength(JSON.stringify(task.task_data)) <= CACHED_DATA_LIMIT_BYTES);
  return fits ? { ...standing, task, json } : standing;
}

/** The same, as a time from now: for a cache whose clock disagrees with Postgres's. */
export function fromNow(standing: Standing, nowMs: number): Standing {
  return standing.kind === "gone" || standing.kind === "missing" || standing.kind === "laned"
    ? standing
    : { ...standing, inMs: standing.atMs - nowMs };
}

/** Whether it starts by its lane, and not by its due time alone. */
export const isLaned = ({ lane }: Pick<Task, "lane">): boolean => (lane ?? null) !== null;

/** Something laned may start at that time. */
export const lanedAt = (atMs: number, inMs?: number): Standing => ({
  id: LANES,
  rev: 0,
  kind: "laned",
  atMs,
  ...(inMs === undefined ? {} : { inMs }),
});

/**
 * What a claim that found nothing says of the lanes.
 *
 * @param nextMs when something may start; null: only when something has ended
 * @param rev what the cache had said before: whatever was told since outranks it. Undefined: it had said nothing
 */
export function standingOfLanes(nextMs: number | null, nowMs: number, rev: number | undefined): Standing[] {
  if (rev === undefined) return nextMs === null ? [] : [lanedAt(nextMs, nextMs - nowMs)];
  if (nextMs === null) return [{ id: LANES, rev, kind: "gone" }];
  return [{ id: LANES, rev, kind: "waiting", atMs: nextMs, inMs: nextMs - nowMs }];
}
