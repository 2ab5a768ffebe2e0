/** The statements of a batch: tasks that one statement leases together, and whose ends one statement writes. */
import { RUN_BATCH_BYTES } from "../limits.ts";
import { type Standing, standingOf } from "../tasks/standing.ts";
import type { Lateness, Outcome, Task, TaskStatus } from "../tasks/task.ts";
import { versionedType } from "../tasks/version.ts";
import type { StoreDeps } from "./deps.ts";
import { needsWhole, noteColumns, type PlainRow, taskOfPlain } from "./plain-row.ts";
import { typesToSend } from "./registered-types.ts";
import { type Row, toTask } from "./rows.ts";
import { endOf, statusAfter } from "./settle.ts";
import { statement } from "./statement.ts";

/** How the attempt of a task of a batch ended. Times are milliseconds before the statement is sent. */
export interface BatchEnd {
  task: Task;
  outcome: Outcome;
  /** What a handler returned, as it was then. */
  json?: string | undefined;
  lateness: Lateness | undefined;
  /** Undefined: its handler was not started. */
  startedAgoMs: number | undefined;
  endedAgoMs: number;
}

/** The part of a batch that a worker still holds, and what it asks for. */
export interface BatchRequest {
  slot: number;
  /** The tokens of the leases that the worker holds; one of them is on every row that it may write to. */
  tokens: readonly string[];
  ends: readonly BatchEnd[];
  /** Of the tasks that stay leased, the one that has the slot from now on; undefined when none stays. */
  leader: number | undefined;
  /** What to lease as well: so many tasks, under a token made beforehand; so many stay leased. */
  next: { token: string; count: number; held: number } | undefined;
}

export interface BatchResult {
  /** Where the tasks stand whose ends were written; a task that is not here was not ours any more. */
  settled: Map<number, Standing>;
  /** Those of them that would have waited again, but were to stop: they have ended, as cancelled. */
  cancelled: Set<number>;
  /** Leased under the token of `next`, in the order of their due times. */
  leased: Task[];
  /** False: a leader was named, and its lease is lost. */
  led: boolean;
  /** Postgres's time. */
  nowMs: number;
}

/** Writes ends, and leases more; `batch-function.ts` says how. Results and lateness are JSON, or empty. */
export const BATCH = statement({
  tokens: "text[]",
  ids: "bigint[]",
  results: "text[]",
  lateness: "text[]",
  started: "float8[]",
  finished: "float8[]",
  others: "json",
  leader: "bigint?",
  slot: "int",
  slots: "int",
  newToken: "text?",
  leaseMs: "float8",
  count: "int",
  held: "int",
  types: "text[]",
  sizes: "bigint[]",
  bytes: "bigint",
  ours: "text[]",
  whole: "boolean",
})`select * from tickwork_batch(now(), :tokens, :ids, :results, :lateness, :started, :finished, :others, :leader, :slot, :slots,
  :newToken, :leaseMs, :count, :held, :types, :sizes, :bytes, :ours, :whole)`;

interface BatchRow {
  /** Of those that completed, in the same order. */
  ids: number[] | null;
  revs: number[] | null;
  others: [id: number, rev: number, dueMs: number, status: TaskStatus][] | null;
  tasks: (Row | PlainRow)[] | null;
  led: boolean;
  now_ms: number;
}

/** The types that run in batches, and how many of each at most. */
export interface BatchTypes {
  types: readonly string[];
  sizes: readonly number[];
}

/** Writes ends, and leases more. */
export async function settleBatch(
  deps: StoreDeps,
  { slot, tokens, ends, leader, next }: BatchRequest,
  batches: BatchTypes,
): Promise<BatchResult> {
  const { database, leaseMs, slots, types } = deps;
  const done = { ids: [], results: [], lateness: [], started: [], finished: [] } as Completed;
  const others: unknown[] = [];
  // The order in which an operation on many tasks locks them. Ends of several kinds are written one kind after the other:
  // should the two wait for each other, Postgres refuses one of them, and it is tried again.
  const inOrder = [...ends].sort((a, b) => a.task.id - b.task.id);
  for (const { task, outcome, json, lateness, startedAgoMs, endedAgoMs } of inOrder)
    if (outcome.kind === "completed") {
      done.ids.push(task.id);
      done.results.push(json ?? "");
      done.lateness.push(lateness ? JSON.stringify(lateness) : "");
      done.started.push(startedAgoMs ?? endedAgoMs);
      done.finished.push(endedAgoMs);
    } else {
      const { error, ...end } = endOf(outcome);
      const columns = { id: task.id, task_status: statusAfter(outcome), error_data: error, lateness };
      others.push({ columns, ...end, started: startedAgoMs, finished: endedAgoMs });
    }
  const [row] = await database.query<BatchRow>(
    BATCH({
      ...done,
      tokens,
      others,
      leader: leader ?? null,
      slot,
      slots,
      newToken: next?.token ?? null,
      leaseMs,
      count: next?.count ?? 0,
      held: next?.held ?? 0,
      types: batches.types,
      sizes: batches.sizes,
      bytes: RUN_BATCH_BYTES,
      ours: await typesToSend(deps),
      whole: needsWhole(database),
    }),
  );
  if (!row) throw new Error("a batch's statement must answer one row, got none");
  const nowMs = row.now_ms;
  const settled = new Map<number, Standing>();
  const cancelled = new Set<number>();
  row.ids?.forEach((id, n) => {
    settled.set(id, { id, rev: row.revs?.[n] ?? 0, kind: "gone" });
  });
  const standing = new Map(row.others?.map((one) => [one[0], one]));
  for (const { task, outcome } of standing.size > 0 ? ends : []) {
    const other = standing.get(task.id);
    if (!other) continue;
    const [id, rev, due_ms, status] = other;
    const facts = {
      id,
      rev,
      status,
      type: versionedType(task.type, task.version),
      due_ms,
      lease_ms: null,
    };
    settled.set(id, standingOf(facts, nowMs, types));
    if (status !== statusAfter(outcome)) cancelled.add(id);
  }
  const now = new Date(nowMs).toISOString();
  const leaseEnd = new Date(nowMs + leaseMs).toISOString();
  const leased = (row.tasks ?? []).map((one) => {
    if (Array.isArray(one)) return started(taskOfPlain(one), now, leaseEnd);
    noteColumns(database, one);
    return started(toTask(one), now, leaseEnd);
  });
  const [first] = leased;
  if (first && leader === undefined) first.slot = slot;
  return { settled, cancelled, leased, led: row.led, nowMs };
}

/** Ends of attempts that completed, as columns. */
interface Completed {
  ids: number[];
  results: string[];
  lateness: string[];
  started: number[];
  finished: number[];
}

/** A row as the statement that leased it left it; it answers with the rows as they were. */
function started(task: Task, now: string, leaseEnd: string): Task {
  task.task_status = "Running";
  task.slot = null;
  task.lease_expires_at = leaseEnd;
  task.attempts++;
  task.started_at = now;
  task.finished_at = null;
  task.progress = null;
  task.cancel_requested = false;
  task.updatedAt = now;
  task.rev++;
  return task;
}
