import { isLaned, type Standing, standingOf } from "../tasks/standing.ts";
import type { Lateness, Outcome, TaskStatus } from "../tasks/task.ts";
import { versionedType } from "../tasks/version.ts";
import { claimDue, claimOverdueOrDue } from "./claim.ts";
import type { StoreDeps } from "./deps.ts";
import {
  epochMs,
  HAS_ROOM,
  HAS_ROOM_ALONE,
  milliseconds,
  NOW_MS,
  STARTABLE,
  STARTABLE_BY_NAME,
  withHistory,
} from "./fragments.ts";
import { beginsWithLanes, claimLaned, hadLanes, LANES_EVER_USED, LANES_USED } from "./lanes.ts";
import type { Lease, LeaseRequest } from "./lease.ts";
import { areNames, typesToSend } from "./registered-types.ts";
import { type Row, toTask } from "./rows.ts";
import { type Params, queryRepeatable, statement } from "./statement.ts";

export interface SettleOptions {
  /** A lease may have ended somewhere: that task goes first. */
  overdue?: boolean;
  /** Why the attempt started late. */
  lateness?: Lateness | undefined;
}

export interface SettleResult {
  /** Where the settled task stands now; undefined when the lease was lost and nothing was written. */
  settled: Standing | undefined;
  /** It would have waited again, but was to stop: it has ended, as cancelled. */
  cancelled?: boolean;
  /** What was claimed in the same statement. */
  next: Lease | undefined;
  /** Another laned task may start, and a slot is free. */
  more?: boolean;
}

/** The attempt that ended, by its lease. */
const ATTEMPT = { id: "bigint", token: "text", lateness: "jsonb" } as const;
/** The lease that is asked for; without a token nothing is claimed. */
const NEXT = {
  slot: "int?",
  slots: "int",
  newToken: "text?",
  leaseMs: "float8",
  ours: "text[]",
} as const;

/**
 * Writes the end of an attempt by token, and claims the next task in the same statement. It has several forms, because
 * a look for leases that ended costs time, and so do lanes. What has one slot, few types and never had lanes asks the
 * least. The row is found by its id, and not among all that run.
 *
 * @param dueMs when the task is due, where it may wait again
 */
function settlement<const P extends Params>(params: P, update: string, dueMs: string) {
  const only = ":newToken is not null and exists (select from done)";
  const thenClaim = (claim: string) => `with done as (
      ${update}
      where id = :id and nullif(lease_token = :token and task_status = 'Running', false) is not null
      returning rev, scheduled_time, task_status),
    claimed as (${claim})
    select done.rev, done.task_status as status, ${dueMs} as due_ms, ${NOW_MS}, claimed.*
      from (select) one left join done on true left join claimed on true`;
  const given = { ...ATTEMPT, ...params, ...NEXT };
  const onlyPlain = `${only} and not ${LANES_USED}`;
  const leastIf = `${only} and not ${LANES_EVER_USED} and ${HAS_ROOM_ALONE}`;
  return {
    thenDueAlone: statement(given)`${thenClaim(claimDue(leastIf, STARTABLE_BY_NAME))}`,
    thenDue: statement(given)`${thenClaim(claimDue(`${onlyPlain} and ${HAS_ROOM}`, STARTABLE))}`,
    thenOverdueOrDue: statement({ ...given, maxCrashes: "int" })`${thenClaim(claimOverdueOrDue(onlyPlain))}`,
    thenLaned: statement({ ...given, maxCrashes: "int" })`${thenClaim(claimLaned(only))}`,
  };
}

export const COMPLETE = settlement(
  { result: "json" },
  `update "baasix_Tasks" set task_status = 'Completed', result_data = :result, error_data = null, progress = 1,
    lateness = :lateness,
    slot = null, lease_token = null, lease_expires_at = null, cancel_requested = false,
    finished_at = now(), "updatedAt" = now(), rev = rev + 1`,
  "null::float8",
);

/** How else an attempt ended: `:attempts`, `:crashes` and `:excused` are added. */
export const END_OTHERWISE = settlement(
  {
    status: "column",
    error: "json",
    record: "jsonb",
    delayMs: "float8?",
    attempts: "int",
    crashes: "int",
    excused: "int",
  },
  `update "baasix_Tasks" set task_status = :status, error_data = :error, result_data = null, progress = null,
    history = case when :record is null then history else ${withHistory(":record")} end,
    scheduled_time = case when :delayMs is null then scheduled_time else now() + ${milliseconds(":delayMs")} end,
    attempts = attempts + :attempts, crashes = crashes + :crashes, excused = excused + :excused, lateness = :lateness, "updatedAt" = now()`,
  epochMs("done.scheduled_time"),
);

/** `rev` is null when the lease was lost. */
type SettleRow = {
  rev: string | null;
  /** Not as the outcome has it for a task that was asked to stop, and would wait again. */
  status: TaskStatus;
  /** Null for one that completed. */
  due_ms: number | null;
  now_ms: number;
  task: Row | null;
  more?: boolean | null;
};

/** Writes how an attempt ended, if its lease still holds, and claims the next task in the same statement. */
export async function settle(
  deps: StoreDeps,
  { task: { id, type, version, lane }, token }: Lease,
  outcome: Outcome,
  next: LeaseRequest | undefined,
  { overdue = false, lateness }: SettleOptions = {},
): Promise<SettleResult> {
  const { database, leaseMs, slots, maxCrashes, types } = deps;
  const status = statusAfter(outcome);
  const ours = await typesToSend(deps);
  const thenDue = slots === 1 && areNames(ours) && !hadLanes(database) ? "thenDueAlone" : "thenDue";
  const form = beginsWithLanes(database) ? "thenLaned" : overdue ? "thenOverdueOrDue" : thenDue;
  const claim = {
    slot: next?.slot ?? null,
    slots,
    newToken: next?.token ?? null,
    leaseMs,
    ours,
    maxCrashes,
  };
  const given = { id, token, lateness, status, ...claim };
  const request =
    outcome.kind === "completed"
      ? COMPLETE[form]({ ...given, result: outcome.result })
      : END_OTHERWISE[form]({ ...given, ...endOf(outcome) });
  const [row] = await database.query<SettleRow>(request);
  const claimed = next && row?.task ? { ...next, task: toTask(row.task) } : undefined;
  const more = row?.more ?? false;
  if (!row || row.rev === null) return { settled: undefined, next: claimed, more };
  const facts = {
    id,
    rev: Number(row.rev),
    status: row.status,
    type: versionedType(type, version),
    laned: isLaned({ lane }),
    due_ms: row.due_ms ?? 0,
    lease_ms: null,
  };
  const cancelled = status !== row.status;
  return { settled: standingOf(facts, row.now_ms, types), cancelled, next: claimed, more };
}

export function statusAfter({ kind }: Outcome): TaskStatus {
  if (kind === "completed") return "Completed";
  return kind === "failed" ? "Error" : "Not started";
}

export function endOf(outcome: Exclude<Outcome, { kind: "completed" }>) {
  const end = { error: null, record: null, delayMs: null, attempts: 0, crashes: 0, excused: 0 };
  if (outcome.kind === "given_back")
    return { ...end, delayMs: outcome.delayMs ?? null, attempts: -1, error: outcome.error ?? null };
  const { record } = outcome;
  if (outcome.kind === "interrupted") return { ...end, record, excused: 1 };
  if (outcome.kind === "crashed") return { ...end, record, crashes: 1 };
  return {
    ...end,
    record,
    error: outcome.error,
    delayMs: outcome.kind === "retried" ? outcome.delayMs : null,
  };
}

export const RENEW = statement({ id: "bigint", token: "text", leaseMs: "float8", progress: "real?" })`
  update "baasix_Tasks" set lease_expires_at = now() + ${milliseconds(":leaseMs")}, progress = coalesce(:progress, progress), rev = rev + 1
  where id = :id and lease_token = :token and task_status = 'Running'
  returning rev, cancel_requested, ${epochMs("lease_expires_at")} as lease_ms`;

type RenewRow = { rev: string; cancel_requested: boolean; lease_ms: number };

/** Makes a lease last longer; undefined when it is lost. */
export async function renew(
  { database, leaseMs }: StoreDeps,
  { task: { id }, token }: Lease,
  progress: number | undefined,
): Promise<{ standing: Standing; cancelRequested: boolean } | undefined> {
  const request = RENEW({ id, token, leaseMs, progress: progress ?? null });
  const [row] = await queryRepeatable<RenewRow>(database, request);
  if (!row) return undefined;
  return {
    standing: { id, rev: Number(row.rev), kind: "running", atMs: row.lease_ms },
    cancelRequested: row.cancel_requested,
  };
}
