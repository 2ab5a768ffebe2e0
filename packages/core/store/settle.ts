/** What a worker writes about the task that it holds: each statement names the token of its lease. */
import { type Facts, type Standing, standingOf } from "../tasks/standing.ts";
import type { Lateness, Outcome } from "../tasks/task.ts";
import type { ClaimOptions } from "./claim.ts";
import type { Statement } from "./database.ts";
import { claiming, epochMs, interval, withHistory } from "./fragments.ts";
import type { Lease, LeaseRequest } from "./lease.ts";
import { type Connection, type Row, toTask } from "./rows.ts";
import { json, statement, textArray, type Value } from "./statement.ts";

export interface SettleResult {
  /** Where the settled task stands now; undefined when the lease was lost and nothing was written. */
  settled: Standing | undefined;
  /** What was claimed in the same statement. */
  next: Lease | undefined;
}

export interface SettleOptions {
  /** Some lease may have ended: that task goes first. */
  overdue?: boolean;
  /** Why the attempt started late. */
  lateness?: Lateness | undefined;
}

type Held = { id: number; token: string; lateness: string | null };
type Next = { slot: number | null; next_token: string | null; lease_ms: number; foreign: string };
type Completed = Held & Next & { result: string | null };
type Ended = Held &
  Next & {
    status: "Error" | "Not started";
    error: string | null;
    record: string | null;
    delay_ms: number | null;
    attempts: number;
    crashes: number;
  };

export const settleSql = (now: string) => {
  /**
   * Writes an attempt's end, by token, and claims the next task in the same statement. There are two forms, with and
   * without a look for leases that ended; a look with each settle would cost more than it finds.
   */
  const settlement = <Values extends Record<string, Value>>(update: string) => {
    const only = ":next_token::text is not null and (select count(*) from done) = 1";
    const withClaim = (claim: string) => `
      with done as (
        ${update}
        where id = :id::bigint and lease_token = :token::text and task_status = 'Running'
        returning rev, scheduled_time),
      claimed as (${claim})
      select (select rev from done) as rev, (select ${epochMs("scheduled_time")} from done) as due_ms,
        ${epochMs(now)} as now_ms, (select row_to_json(claimed) from claimed) as task`;
    return {
      thenDue: statement<Values>(withClaim(claiming(now).due(only))),
      thenOverdueOrDue: statement<Values & { max_crashes: number }>(
        withClaim(claiming(now).overdueOrDue(only)),
      ),
    };
  };
  return {
    // It counts its rev itself and leaves the row in order, so that the trigger need not run.
    complete: settlement<Completed>(`
      update "baasix_Tasks" set task_status = 'Completed', result_data = :result::json, error_data = null,
        progress = 1, lateness = :lateness::jsonb, slot = null, lease_token = null, lease_expires_at = null,
        cancel_requested = false, finished_at = ${now}, "updatedAt" = ${now}, rev = rev + 1`),
    end: settlement<Ended>(`
      update "baasix_Tasks" set task_status = :status, error_data = :error::json, result_data = null, progress = null,
        history = case when :record::jsonb is null then history else ${withHistory(":record::jsonb")} end,
        scheduled_time = case when :delay_ms::float8 is null then scheduled_time
          else ${now} + ${interval(":delay_ms")} end,
        attempts = attempts + :attempts::int, crashes = crashes + :crashes::int, lateness = :lateness::jsonb,
        "updatedAt" = ${now}`),
    /** Empty: the lease is lost. */
    renew: statement<{ id: number; token: string; lease_ms: number; progress: number | null }>(`
      update "baasix_Tasks" set lease_expires_at = ${now} + ${interval(":lease_ms")},
        progress = coalesce(:progress::real, progress), rev = rev + 1
      where id = :id::bigint and lease_token = :token::text and task_status = 'Running'
      returning rev, cancel_requested, ${epochMs("lease_expires_at")} as lease_ms`),
  };
};

export function settling({ now, query, queryRepeatable }: Connection, options: ClaimOptions) {
  const { leaseMs, maxCrashes, foreign } = options;
  const sql = settleSql(now);
  return {
    /** Writes how an attempt ended, if the lease still holds, and claims the next task in the same statement. */
    async settle(
      { task: { id, type }, token }: Lease,
      outcome: Outcome,
      next: LeaseRequest | undefined,
      { overdue = false, lateness }: SettleOptions = {},
    ): Promise<SettleResult> {
      const values = {
        id,
        token,
        lateness: json(lateness),
        slot: next?.slot ?? null,
        next_token: next?.token ?? null,
        lease_ms: leaseMs,
        foreign: textArray(foreign),
      };
      const settlement = settlementOf(sql, outcome, values, overdue ? maxCrashes : undefined);
      type Answer = { rev: string | null; due_ms: number; now_ms: number; task: Row | null };
      const [row] = await query<Answer>(settlement);
      const claimed = next && row?.task ? { ...next, task: toTask(row.task) } : undefined;
      if (!row || row.rev === null) return { settled: undefined, next: claimed };
      const waits = outcome.kind === "retried" || outcome.kind === "given_back";
      const facts: Facts = {
        id,
        rev: Number(row.rev),
        status: waits ? "Not started" : "Completed",
        type,
        due_ms: row.due_ms,
        lease_ms: null,
      };
      return { settled: standingOf(facts, row.now_ms, foreign), next: claimed };
    },

    /** Makes the lease last longer; undefined when it is lost. */
    async renew(
      { task: { id }, token }: Lease,
      progress: number | undefined,
    ): Promise<{ standing: Standing; cancelRequested: boolean } | undefined> {
      type Answer = { rev: number; cancel_requested: boolean; lease_ms: number };
      const [row] = await queryRepeatable<Answer>(
        sql.renew({ id, token, lease_ms: leaseMs, progress: progress ?? null }),
      );
      if (!row) return undefined;
      return {
        standing: { id, rev: Number(row.rev), kind: "running", atMs: row.lease_ms },
        cancelRequested: row.cancel_requested,
      };
    },
  };
}

/** The statement that writes an outcome; with `maxCrashes` in the form that looks for leases that ended. */
function settlementOf(
  sql: ReturnType<typeof settleSql>,
  outcome: Outcome,
  values: Held & Next,
  maxCrashes: number | undefined,
): Statement {
  if (outcome.kind === "completed") {
    const completed = { ...values, result: json(outcome.result) };
    return maxCrashes === undefined
      ? sql.complete.thenDue(completed)
      : sql.complete.thenOverdueOrDue({ ...completed, max_crashes: maxCrashes });
  }
  const ended: Ended = { ...values, ...endOf(outcome) };
  return maxCrashes === undefined
    ? sql.end.thenDue(ended)
    : sql.end.thenOverdueOrDue({ ...ended, max_crashes: maxCrashes });
}

function endOf(outcome: Exclude<Outcome, { kind: "completed" }>): Omit<Ended, keyof (Held & Next)> {
  const nothing = { error: null, record: null, delay_ms: null, attempts: 0, crashes: 0 };
  switch (outcome.kind) {
    case "failed":
      return { ...nothing, status: "Error", error: json(outcome.error), record: json(outcome.record) };
    case "retried":
      return {
        ...nothing,
        status: "Not started",
        error: json(outcome.error),
        record: json(outcome.record),
        delay_ms: outcome.delayMs,
      };
    case "given_back":
      // Interrupted through no fault of its own: the attempt does not count.
      return { ...nothing, status: "Not started", ...(outcome.crashed ? { crashes: 1 } : { attempts: -1 }) };
  }
}
