/** The leases of a batch: renewed together, and read back by their tokens. */
import { type Facts, type Standing, standingOf } from "../tasks/standing.ts";
import type { Task } from "../tasks/task.ts";
import type { StoreDeps } from "./deps.ts";
import { epochMs, MINE, milliseconds } from "./fragments.ts";
import { STANDING } from "./read.ts";
import { type TaskRow, tasksOf } from "./rows.ts";
import { queryRepeatable, statement } from "./statement.ts";

const RENEWED = `lease_expires_at = now() + ${milliseconds(":leaseMs")}, rev = rev + 1,
  progress = case when id = :progressed then :progress else progress end`;

/**
 * Makes the leases of a batch last longer. Where another worker has the row with the slot, the others are not ours
 * either. All are locked first, in the order of their ids, as an operation on many tasks does: otherwise each could wait
 * for the other.
 */
export const RENEW_BATCH = statement({
  leader: "bigint",
  tokens: "text[]",
  leaseMs: "float8",
  progressed: "bigint?",
  progress: "real?",
})`
  with mine as materialized (select id from "baasix_Tasks" where ${MINE} order by id for update)
  update "baasix_Tasks" set ${RENEWED}
  where id in (select id from mine) and exists (select from mine where id = :leader)
  returning id, rev, cancel_requested, ${epochMs("lease_expires_at")} as lease_ms`;

type RenewedRow = { id: string; rev: string; cancel_requested: boolean; lease_ms: number };

/** Where the tasks of a batch stand after its leases were renewed, and which of them were cancelled. */
export interface BatchRenewal {
  standings: Standing[];
  cancelled: number[];
}

/** Renews a batch, and writes the progress of one of its tasks; undefined when its lease is lost. */
export async function renewBatch(
  { database, leaseMs }: StoreDeps,
  { leader, tokens }: { leader: number; tokens: readonly string[] },
  progress?: { id: number; fraction: number } | undefined,
): Promise<BatchRenewal | undefined> {
  const rows = await queryRepeatable<RenewedRow>(
    database,
    RENEW_BATCH({
      leader,
      tokens,
      leaseMs,
      progressed: progress?.id ?? null,
      progress: progress?.fraction ?? null,
    }),
  );
  if (rows.length === 0) return undefined;
  return {
    standings: rows.map(({ id, rev, lease_ms }) => ({
      id: Number(id),
      rev: Number(rev),
      kind: "running",
      atMs: lease_ms,
    })),
    cancelled: rows.flatMap(({ id, cancel_requested }) => (cancel_requested ? [Number(id)] : [])),
  };
}

export const BATCH_HELD_BY = statement({ token: "text" })`
  select row_to_json(t.*) as task from "baasix_Tasks" t where task_status = 'Running' and lease_token = :token
  order by scheduled_time, id`;

/** What became of a statement whose answer was lost: the tasks that its token holds, and where others stand. */
export async function readBack(
  { database, types }: StoreDeps,
  ids: readonly number[],
  token: string | undefined,
): Promise<{ standings: Map<number, Standing>; held: Task[] }> {
  const rows = await queryRepeatable<Facts & { now_ms: number }>(database, STANDING({ ids }));
  const held =
    token === undefined ? [] : tasksOf(await queryRepeatable<TaskRow>(database, BATCH_HELD_BY({ token })));
  const standings = rows.map((row): Standing => {
    const facts = { ...row, id: Number(row.id), rev: Number(row.rev) };
    return standingOf(facts, row.now_ms, types);
  });
  return { standings: new Map(standings.map((one) => [one.id, one])), held };
}
