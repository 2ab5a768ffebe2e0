/** A waiting task becomes a running one. */
import type { Moment } from "../clock.ts";
import { type Facts, fromNow, type Standing, standingOf } from "../tasks/standing.ts";
import { claiming as claimingSql, epochMs, nextDue, withCrash } from "./fragments.ts";
import type { Lease, LeaseRequest } from "./lease.ts";
import { type Connection, isUniqueViolation, type Row, toTask } from "./rows.ts";
import { idArray, statement, textArray } from "./statement.ts";

export type ClaimResult =
  | { kind: "claimed"; lease: Lease; buried: Standing[] }
  /** Nothing to claim. `truth` is where the ids that looked due really stand; `next` is when something is due. */
  | { kind: "empty"; truth: Standing[]; next: Moment | undefined; buried: Standing[] }
  /** The slot holds a task with a living lease. */
  | { kind: "conflict"; leaseEndsInMs: number };

export const claimSql = (now: string) => ({
  /**
   * First ends what has killed too many workers, and gives back what other programs did not finish; then claims one
   * task. When there is none, says in the same answer where the ids that looked due stand, and when something is due.
   */
  claim: statement<{
    slot: number;
    next_token: string;
    lease_ms: number;
    max_crashes: number;
    seen: string;
    foreign: string;
  }>(`
    with buried as (
      update "baasix_Tasks" set task_status = 'Error', crashes = crashes + 1, "updatedAt" = ${now},
        error_data = json_build_object('message', 'its worker died ' || (crashes + 1) || ' times while it ran',
          'name', 'CrashedError', 'code', 'crashed', 'attempts', attempts, 'history', ${withCrash})
      where task_status = 'Running' and lease_expires_at <= ${now} and crashes >= :max_crashes::int
      returning id, rev),
    returned as (
      update "baasix_Tasks" set task_status = 'Not started', crashes = crashes + 1, history = ${withCrash},
        "updatedAt" = ${now}
      where task_status = 'Running' and lease_expires_at <= ${now} and crashes < :max_crashes::int
        and type = any(:foreign::text[])
      returning id),
    claimed as (${claimingSql(now).overdueOrDue("(select count(*) from buried) + (select count(*) from returned) >= 0")})
    select (select row_to_json(claimed) from claimed) as task, ${epochMs(now)} as now_ms,
      (select json_agg(buried) from buried) as buried,
      case when exists (select from claimed) then null else ${nextDue} end as next_ms,
      case when exists (select from claimed) then null else
        (select coalesce(json_agg(json_build_object('id', id, 'rev', rev, 'status', task_status, 'type', type,
          'due_ms', ${epochMs("scheduled_time")}, 'lease_ms', ${epochMs("lease_expires_at")})), '[]')
          from "baasix_Tasks" where id = any(:seen::bigint[])) end as seen`),
  /** When the lease of the task in a slot ends. */
  slotHolder: statement<{ slot: number }>(`
    select id, ${epochMs("lease_expires_at")} as lease_ms, ${epochMs(now)} as now_ms
    from "baasix_Tasks" where task_status = 'Running' and slot = :slot::int`),
  heldBy: statement<{ token: string }>(`
    select row_to_json(t) as task from "baasix_Tasks" t
    where task_status = 'Running' and lease_token = :token::text`),
});

export interface ClaimOptions {
  leaseMs: number;
  maxCrashes: number;
  /** Types that other programs run. */
  foreign: readonly string[];
}

export function claiming({ now, query, queryRepeatable }: Connection, options: ClaimOptions) {
  const sql = claimSql(now);
  const fixed = {
    lease_ms: options.leaseMs,
    max_crashes: options.maxCrashes,
    foreign: textArray(options.foreign),
  };
  return {
    /** Claims the task that is due first, and before all one whose lease has ended. */
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
        [answer] = await query<Answer>(sql.claim({ slot, next_token: token, seen: idArray(seen), ...fixed }));
      } catch (error) {
        if (!isUniqueViolation(error, "tickwork_running")) throw error;
        const [holder] = await queryRepeatable<{ lease_ms: number; now_ms: number }>(
          sql.slotHolder({ slot }),
        );
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

    /** The lease that a request got: how a worker learns what a claim did whose answer was lost. */
    async heldBy(request: LeaseRequest): Promise<Lease | undefined> {
      const [row] = await queryRepeatable<{ task: Row }>(sql.heldBy({ token: request.token }));
      return row && { ...request, task: toTask(row.task) };
    },
  };
}

/** Where the ids that looked due really stand; those that are not there at all can only be forgotten. */
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
