/**
 * What Postgres saw: a trigger of the test's own writes down every change of a task, in the transaction that makes it.
 * The leases that come out of it are exact, where the journal can only tell when handlers ran.
 */
import type { OwnPostgres } from "./own-postgres.ts";

const INSTALL = `
  create table chaos_audit (
    n bigint generated always as identity primary key, at timestamptz not null default clock_timestamp(), task bigint not null,
    was_status text not null, was_token text, was_lease timestamptz,
    status text not null, token text, lease timestamptz, slot integer, rev bigint not null, settled_by bigint);
  create function chaos_note() returns trigger language plpgsql as $$
  begin
    insert into chaos_audit (task, was_status, was_token, was_lease, status, token, lease, slot, rev, settled_by)
    values (new.id, old.task_status, old.lease_token, old.lease_expires_at,
      new.task_status, new.lease_token, new.lease_expires_at, new.slot, new.rev,
      case when old.task_status = 'Running' and new.task_status <> 'Running' then
        substring(coalesce(new.result_data->>'by', new.error_data->>'message') from 'lease ([0-9]+)')::bigint end);
    return new;
  end $$;
  create trigger chaos_note after update on "baasix_Tasks" for each row execute function chaos_note();`;

/** One claim of a task and what became of it; times are Postgres's, in milliseconds. */
export interface AuditedLease {
  task: number;
  /** The row's rev when it was claimed. */
  rev: number;
  /** The slot that it was claimed in; -1: it was leased together with another one, which had the slot. */
  slot: number;
  /** When it had a slot: of tasks that are leased together, one after the other has it. */
  inSlot: { slot: number; from: number; to?: number }[];
  claimedAt: number;
  /** When it ended or was to end, as it was last renewed. */
  expiresAt: number;
  /** When the row left this lease; absent when it has not. */
  endedAt?: number;
  /** `settled`: its token wrote how the attempt ended; `taken`: somebody claimed or buried what was left behind. */
  end?: "settled" | "taken";
  /** The status that the row got. */
  to?: string;
  /** The rev of the lease that the outcome on the row names; absent when it names none. */
  settledBy?: number;
}

export interface FinalRow {
  id: number;
  status: string;
  attempts: number;
  crashes: number;
  error: string | null;
}

type Change = {
  at: number;
  task: number;
  was_status: string;
  was_token: string | null;
  status: string;
  token: string | null;
  lease: number | null;
  slot: number | null;
  rev: number;
  settled_by: number | null;
};

/** Begins to write down; the schema has to be there. */
export const installAudit = (postgres: OwnPostgres): Promise<unknown> => postgres.sql(INSTALL);

export async function readLeases(postgres: OwnPostgres): Promise<AuditedLease[]> {
  const changes = await postgres.sql<Change>(`
    select (extract(epoch from at) * 1000)::float8 as at, task::float8 as task, was_status, was_token, status, token,
      (extract(epoch from lease) * 1000)::float8 as lease, slot, rev::float8 as rev, settled_by::float8 as settled_by
    from chaos_audit order by n`);
  const leases: AuditedLease[] = [];
  const held = new Map<number, AuditedLease>();
  for (const change of changes) {
    const before = held.get(change.task);
    const changedHands = change.token !== change.was_token;
    if (before && changedHands) {
      before.endedAt = change.at;
      before.to = change.status;
      // Who claims or buries writes no outcome of a handler; who gives back writes none either, but waits again.
      before.end = change.status === "Running" || isBurial(change) ? "taken" : "settled";
      if (change.settled_by !== null) before.settledBy = change.settled_by;
      const last = before.inSlot.at(-1);
      if (last) last.to ??= change.at;
      held.delete(change.task);
    }
    if (change.status !== "Running" || change.token === null) continue;
    const lease = held.get(change.task);
    if (lease) {
      lease.expiresAt = change.lease ?? lease.expiresAt;
      noteSlot(lease, change);
    } else {
      const claimed: AuditedLease = {
        task: change.task,
        rev: change.rev,
        slot: change.slot ?? -1,
        inSlot: [],
        claimedAt: change.at,
        expiresAt: change.lease ?? change.at,
      };
      noteSlot(claimed, change);
      held.set(change.task, claimed);
      leases.push(claimed);
    }
  }
  return leases;
}

function noteSlot({ inSlot }: AuditedLease, { slot, at }: Change): void {
  const last = inSlot.at(-1);
  if (last && last.to === undefined && last.slot !== slot) last.to = at;
  if (slot !== null && (last?.slot !== slot || last.to !== undefined)) inSlot.push({ slot, from: at });
}

/** A task that ends in Error and names no lease was not ended by its handler. */
const isBurial = ({ status, settled_by }: Change) => status === "Error" && settled_by === null;

export const readRows = (postgres: OwnPostgres): Promise<FinalRow[]> =>
  postgres.sql<FinalRow & Record<string, unknown>>(`
    select id::float8 as id, task_status::text as status, attempts, crashes, error_data->>'message' as error
    from "baasix_Tasks" order by id`);

/** Tasks that have not ended. */
export async function countOpen(postgres: OwnPostgres): Promise<number> {
  const [row] = await postgres.sql<{ open: number }>(
    `select count(*)::int as open from "baasix_Tasks" where task_status in ('Not started', 'Running')`,
  );
  return row?.open ?? 0;
}
