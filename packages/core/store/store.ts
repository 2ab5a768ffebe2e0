import type { Moment } from "../clock.ts";
import { errors } from "../errors.ts";
import { CACHED_DATA_LIMIT_BYTES } from "../limits.ts";
import { type Facts, fromNow, type Standing, standingOf } from "../tasks/standing.ts";
import type {
  Lateness,
  NewTask,
  Outcome,
  Task,
  TaskChanges,
  TaskErrorData,
  TaskStatus,
} from "../tasks/task.ts";
import type { ListFilter } from "../tasks/tasks.ts";
import { type Database, PostgresError } from "./database.ts";
import type { Lease, LeaseRequest } from "./lease.ts";
import type { Sql } from "./sql.ts";

export type ClaimResult =
  | { kind: "claimed"; lease: Lease; buried: Standing[] }
  /** Nothing to have. `truth` is what the ids that looked due really are. */
  | { kind: "empty"; truth: Standing[]; next: Moment | undefined; buried: Standing[] }
  /** Somebody with a living lease is in the slot. */
  | { kind: "conflict"; leaseEndsInMs: number };

export interface SettleResult {
  /** Where the settled task stands now; undefined when the lease was lost and nothing was written. */
  settled: Standing | undefined;
  /** What was claimed in the same statement. */
  next: Lease | undefined;
}

export interface SettleOptions {
  /** A lease may have ended somewhere: that task goes first. */
  overdue?: boolean;
  /** Why the attempt started late. */
  lateness?: Lateness | undefined;
}

/** What Postgres says the window is. */
export interface Window {
  writes: Standing[];
  /** When Postgres read it, by its own clock. */
  nowMs: number;
  /** The first due time that was left out; undefined when all of the window is there. */
  cutAtMs: number | undefined;
}

export interface StoreOptions {
  leaseMs: number;
  maxCrashes: number;
  cacheLimit: number;
  /** Types that other programs run. */
  foreign: readonly string[];
}

/** Rows as SQL gives them: times are ISO in the session's zone, the rest is as in `Task`. */
type Row = Record<string, unknown> & { id: number };

export type Store = ReturnType<typeof createStore>;

/**
 * Tasks in Postgres: each method is one request, unless it says otherwise.
 * Every method throws PostgresError when Postgres does not answer or refuses.
 */
export function createStore(database: Database, sql: Sql, options: StoreOptions) {
  const { leaseMs, maxCrashes, cacheLimit } = options;
  const foreign = textArray(options.foreign);
  const query = <R>(text: string, ...params: unknown[]) => database.query<R>({ text, params });
  /** For what is safe to do twice. */
  const again = <R>(text: string, ...params: unknown[]) =>
    database.query<R>({ text, params }, { repeatable: true });
  const tasksOf = (rows: { task: Row }[]) => rows.map(({ task }) => toTask(task));

  return {
    /** Makes tasks, all or none. Returns them in the order given, and Postgres's time. */
    async insert(tasks: readonly NewTask[]): Promise<{ tasks: Task[]; nowMs: number }> {
      const rows = await refusing(() => query<{ task: Row; now_ms: number }>(sql.insert, encode(tasks)));
      return { tasks: tasksOf(rows), nowMs: rows[0]?.now_ms ?? 0 };
    },

    /**
     * Makes tasks once for a key; the same key within 24 hours answers with the same tasks. A first use is one
     * request, a repetition two.
     *
     * @throws TickworkError `idempotency_key_reused` when the key came with another request
     */
    async insertOnce(
      tasks: readonly NewTask[],
      key: string,
      hash: string,
    ): Promise<{ tasks: Task[]; nowMs: number; made: boolean }> {
      for (;;) {
        try {
          const rows = await refusing(() =>
            query<{ task: Row; now_ms: number }>(sql.insertOnce, encode(tasks), key, hash),
          );
          return { tasks: tasksOf(rows), nowMs: rows[0]?.now_ms ?? 0, made: true };
        } catch (error) {
          if (!isUniqueViolation(error, "tickwork_requests_pkey")) throw error;
        }
        const [found] = await again<{ hash: string; expired: boolean; now_ms: number; tasks: Row[] }>(
          sql.findRequest,
          key,
        );
        if (found && !found.expired) {
          if (found.hash !== hash) throw errors.keyReused(key);
          return { tasks: found.tasks.map(toTask), nowMs: found.now_ms, made: false };
        }
        await again(sql.forgetRequest, key);
      }
    },

    async get(id: number): Promise<Task | undefined> {
      return tasksOf(await again(sql.get, id))[0];
    },

    /** Those that are there, and Postgres's time. */
    async getMany(ids: readonly number[]): Promise<{ tasks: Task[]; nowMs: number }> {
      const rows = await again<{ task: Row | null; now_ms: number }>(sql.getMany, arrayOf(ids));
      return {
        tasks: tasksOf(rows.flatMap(({ task }) => (task ? [{ task }] : []))),
        nowMs: rows[0]?.now_ms ?? 0,
      };
    },

    /** The newest first. */
    async list({ status, type, beforeId, limit }: ListFilter): Promise<Task[]> {
      const where: string[] = [];
      const params: unknown[] = [limit];
      const condition = (column: string, operator: string, value: unknown) => {
        if (value !== undefined) where.push(`${column} ${operator} $${params.push(value)}`);
      };
      if (status !== undefined) where.push(IS[status]);
      condition("type", "=", type);
      condition("id", "<", beforeId);
      return tasksOf(await again(sql.list(where.join(" and ")), ...params));
    },

    /** Changes a task that has not started; undefined when there is none. */
    async patch(id: number, changes: TaskChanges): Promise<{ task: Task; nowMs: number } | undefined> {
      const params: unknown[] = [id];
      const assignments = Object.entries(changes)
        .filter(([, value]) => value !== undefined)
        .map(
          ([column, value]) =>
            `${column} = $${params.push(column === "task_data" && value !== null ? JSON.stringify(value) : value)}`,
        );
      const [row] = await refusing(() =>
        query<{ task: Row; now_ms: number }>(sql.patch(assignments.join(", ")), ...params),
      );
      return row && { task: toTask(row.task), nowMs: row.now_ms };
    },

    /** Deletes a task that does not run; undefined when there is none. */
    async remove(id: number): Promise<Task | undefined> {
      return tasksOf(await query(sql.remove, id))[0];
    },

    /** A finished task starts anew; undefined when there is none. */
    async retry(id: number): Promise<{ task: Task; nowMs: number } | undefined> {
      const [row] = await query<{ task: Row; now_ms: number }>(sql.retry, id);
      return row && { task: toTask(row.task), nowMs: row.now_ms };
    },

    /** A waiting task ends in Error, a running one is asked to stop; undefined when it is finished or not there. */
    async cancel(id: number, error: TaskErrorData): Promise<Task | undefined> {
      return tasksOf(await query(sql.cancel, id, JSON.stringify(error)))[0];
    },

    /** Ends every running task, whoever runs it: the operator's reset. */
    async resetRunning(message: string): Promise<{ tasks: Task[]; nowMs: number }> {
      const rows = await query<{ task: Row; now_ms: number }>(sql.resetRunning, message);
      return { tasks: tasksOf(rows), nowMs: rows[0]?.now_ms ?? 0 };
    },

    /** Deletes finished tasks, a batch at a time; returns how many this batch had. */
    async deleteFinished(olderThanDays: number, batch: number, keepId: number): Promise<number> {
      const [row] = await again<{ deleted: number }>(sql.deleteFinished, olderThanDays, batch, keepId);
      return row?.deleted ?? 0;
    },

    /** Claims the task that is due first, expired leases before all. */
    async claim(request: LeaseRequest, seen: readonly number[]): Promise<ClaimResult> {
      const { slot, token } = request;
      type Answer = {
        task: Row | null;
        now_ms: number;
        next_ms: number | null;
        buried: { id: number; rev: number }[] | null;
        seen: Facts[] | null;
      };
      let answer: Answer | undefined;
      try {
        [answer] = await query<Answer>(sql.claim, slot, token, leaseMs, maxCrashes, arrayOf(seen), foreign);
      } catch (error) {
        if (!isUniqueViolation(error, "tickwork_running")) throw error;
        const [holder] = await again<{ lease_ms: number; now_ms: number }>(sql.slotHolder, slot);
        return { kind: "conflict", leaseEndsInMs: holder ? Math.max(0, holder.lease_ms - holder.now_ms) : 0 };
      }
      const buried = (answer?.buried ?? []).map(({ id, rev }): Standing => ({ id, rev, kind: "gone" }));
      if (answer?.task) return { kind: "claimed", lease: { ...request, task: toTask(answer.task) }, buried };
      const nowMs = answer?.now_ms ?? 0;
      const nextMs = answer?.next_ms ?? null;
      return {
        kind: "empty",
        truth: truthOf(seen, answer?.seen ?? [], nowMs, options.foreign),
        next: nextMs === null ? undefined : { atMs: nextMs, inMs: nextMs - nowMs },
        buried,
      };
    },

    /**
     * Writes how an attempt ended, if the lease still holds, and claims the next task in the same statement.
     */
    async settle(
      { task: { id, type }, token }: Lease,
      outcome: Outcome,
      next: LeaseRequest | undefined,
      { overdue = false, lateness }: SettleOptions = {},
    ): Promise<SettleResult> {
      const { statement, params, waits } = settlementOf(sql, outcome);
      const claim = [next?.slot ?? null, next?.token ?? null, leaseMs, foreign];
      const [row] = await query<{ rev: string | null; due_ms: number; now_ms: number; task: Row | null }>(
        overdue ? statement.thenOverdueOrDue : statement.thenDue,
        ...[
          id,
          token,
          ...params,
          lateness ? JSON.stringify(lateness) : null,
          ...claim,
          ...(overdue ? [maxCrashes] : []),
        ],
      );
      const claimed = next && row?.task ? { ...next, task: toTask(row.task) } : undefined;
      if (!row || row.rev === null) return { settled: undefined, next: claimed };
      const status = waits ? "Not started" : "Completed";
      const facts: Facts = { id, rev: Number(row.rev), status, type, due_ms: row.due_ms, lease_ms: null };
      return { settled: standingOf(facts, row.now_ms, options.foreign), next: claimed };
    },

    /** Makes the lease last longer; undefined when it is lost. */
    async renew(
      { task: { id }, token }: Lease,
      progress: number | undefined,
    ): Promise<{ standing: Standing; cancelRequested: boolean } | undefined> {
      const [row] = await again<{ rev: number; cancel_requested: boolean; lease_ms: number }>(
        sql.renew,
        id,
        token,
        leaseMs,
        progress ?? null,
      );
      if (!row) return undefined;
      return {
        standing: { id, rev: Number(row.rev), kind: "running", atMs: row.lease_ms },
        cancelRequested: row.cancel_requested,
      };
    },

    /** The lease that a request got: how one learns what a claim did whose answer was lost. */
    async heldBy(request: LeaseRequest): Promise<Lease | undefined> {
      const [task] = tasksOf(await again(sql.heldBy, request.token));
      return task && { ...request, task };
    },

    /** Where a task stands. */
    async standing(id: number): Promise<Standing> {
      const [row] = await again<Facts & { now_ms: number }>(sql.standing, arrayOf([id]));
      if (!row) return { id, rev: Number.MAX_SAFE_INTEGER, kind: "gone" };
      const facts = { ...row, id, rev: Number(row.rev) };
      return fromNow(standingOf(facts, row.now_ms, options.foreign), row.now_ms);
    },

    /** What the cache should hold. One request, in which old idempotency keys are forgotten too. */
    async window(): Promise<Window> {
      type Entry = Facts & { now_ms: number; task: Row | null };
      const [, , rows] = await database.transaction<{ [Column in keyof Entry]: Entry[Column] | null }>(
        [
          { text: sql.forgetOldRequests },
          { text: sql.giveTimes },
          { text: sql.window, params: [cacheLimit, CACHED_DATA_LIMIT_BYTES] },
        ],
        { repeatable: true },
      );
      const writes: Standing[] = [];
      let cutAtMs: number | undefined;
      let waiting = 0;
      let nowMs = 0;
      for (const row of rows ?? []) {
        nowMs = row.now_ms ?? 0;
        // One row has the time alone: a window may be empty.
        if (row.id === null) continue;
        const facts = { ...row, id: Number(row.id), rev: Number(row.rev) } as Entry;
        const standing = standingOf(facts, nowMs, options.foreign);
        if (facts.status === "Not started" && waiting++ === cacheLimit) cutAtMs = facts.due_ms;
        else if (row.task && standing.kind !== "gone" && standing.kind !== "running")
          writes.push({ ...standing, task: toTask(row.task) });
        else writes.push(standing);
      }
      return { writes, nowMs, cutAtMs };
    },

    /** The window's tasks, whole, by due time. */
    async readWindow(): Promise<Task[]> {
      return tasksOf(await again(sql.readWindow, cacheLimit));
    },

    /** Ends the leases of workers that are known to be dead. */
    async endLeases(): Promise<void> {
      await again(sql.endLeases);
    },
  };
}

/** What the ids that looked due really are; those that are not there at all can only be forgotten. */
function truthOf(
  seen: readonly number[],
  found: readonly Facts[],
  nowMs: number,
  foreign: readonly string[],
): Standing[] {
  const rows = new Map(found.map((row) => [row.id, row]));
  return seen.map((id): Standing => {
    const row = rows.get(id);
    if (!row) return { id, rev: Number.MAX_SAFE_INTEGER, kind: "gone" };
    return fromNow(standingOf(row, nowMs, foreign), nowMs);
  });
}

/** The statement that writes an outcome, its own parameters, and whether the task waits again afterwards. */
function settlementOf(sql: Sql, outcome: Outcome) {
  const json = (value: unknown) => (value === undefined || value === null ? null : JSON.stringify(value));
  switch (outcome.kind) {
    case "completed":
      return { statement: sql.complete, params: [json(outcome.result)], waits: false };
    case "failed":
      return {
        statement: sql.settle,
        params: ["Error", json(outcome.error), json(outcome.record), null, 0, 0],
        waits: false,
      };
    case "retried": {
      const params = ["Not started", json(outcome.error), json(outcome.record), outcome.delayMs, 0, 0];
      return { statement: sql.settle, params, waits: true };
    }
    case "given_back":
      return {
        statement: sql.settle,
        params: ["Not started", null, null, null, ...(outcome.crashed ? [0, 1] : [-1, 0])],
        waits: true,
      };
  }
}

/** In the text and no parameter: only then does the planner know that a partial index will do. */
const IS: Record<TaskStatus, string> = {
  "Not started": "task_status = 'Not started'",
  Running: "task_status = 'Running'",
  Completed: "task_status = 'Completed'",
  Error: "task_status = 'Error'",
};

/** Postgres's text for an array: the HTTP driver sends parameters as text. */
function arrayOf(ids: readonly number[]): string {
  return `{${ids.join(",")}}`;
}

/** Postgres's text for an array of texts. */
export function textArray(texts: readonly string[]): string {
  return `{${texts.map((text) => JSON.stringify(text)).join(",")}}`;
}

function encode(tasks: readonly NewTask[]): string {
  return JSON.stringify(
    tasks.map((task) => ({
      type: task.type,
      scheduled_time: task.scheduled_time ?? null,
      attachment_id: task.attachment_id ?? null,
      task_data: task.task_data ?? null,
      max_attempts: task.max_attempts ?? null,
    })),
  );
}

const TIMES = [
  "scheduled_time",
  "createdAt",
  "updatedAt",
  "started_at",
  "finished_at",
  "lease_expires_at",
] as const;

/** As Postgres writes a time of UTC in JSON, with at least three digits of a second. */
const IN_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}\+00:00$/;

/** What is no time (`infinity`) stays as it is. */
function toIso(text: string): string {
  // Nearly all of them, and every task has several: these need not be read and written again.
  if (IN_UTC.test(text)) return `${text.slice(0, 23)}Z`;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text : time.toISOString();
}

/** A row as the world sees it: times in UTC, and nothing that only the holder of a lease may know. */
export function toTask({ lease_token: _, ...row }: Row): Task {
  for (const column of TIMES) {
    const value = row[column];
    if (typeof value !== "string") continue;
    row[column] = toIso(value);
  }
  return row as unknown as Task;
}

/** A value that Postgres cannot store (a uuid that is none, a zero byte) is the caller's error, not an outage. */
async function refusing<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof PostgresError && error.sqlState?.startsWith("22"))
      throw errors.invalid([
        { path: "", message: `Postgres cannot store this: ${(error.cause as Error).message}` },
      ]);
    throw error;
  }
}

const UNIQUE_VIOLATION = "23505";

export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return (
    error instanceof PostgresError && error.sqlState === UNIQUE_VIOLATION && error.constraint === constraint
  );
}
