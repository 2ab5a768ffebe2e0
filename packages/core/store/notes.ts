/** Notes of tasks: a row for each. They are deleted with their task, by a trigger, whoever deletes it. */
import type { StoreDeps } from "./deps.ts";
import type { Lease } from "./lease.ts";
import { queryRepeatable, statement } from "./statement.ts";

export const READ_NOTES = statement({ id: "bigint" })`
  select n.name, n.value from tickwork_notes n
    join "baasix_Tasks" t on t.id = n.task_id and t."createdAt" is not distinct from n.created
  where n.task_id = :id`;

/** All notes of a task. */
export async function readNotes({ database }: StoreDeps, id: number): Promise<Record<string, unknown>> {
  const rows = await queryRepeatable<{ name: string; value: unknown }>(database, READ_NOTES({ id }));
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/**
 * The row of the task is locked: a claim that comes meanwhile waits, and its worker reads what was written; after a
 * claim the token is another one, and nothing is written.
 */
export const WRITE_NOTES = statement({ id: "bigint", token: "text", written: "jsonb", removed: "text[]" })`
  with held as (
    select id, "createdAt", cancel_requested from "baasix_Tasks"
    where id = :id and lease_token = :token and task_status = 'Running' for share),
  removed as (delete from tickwork_notes where task_id = (select id from held) and name = any(:removed)),
  written as (
    insert into tickwork_notes (task_id, name, created, value)
    select held.id, note.key, held."createdAt", note.value from held, jsonb_each(:written) note
    on conflict (task_id, name) do update set value = excluded.value, created = excluded.created)
  select cancel_requested from held`;

/** Writes and removes notes if the lease still holds; undefined when it is lost. Safe to repeat. */
export async function writeNotes(
  { database }: StoreDeps,
  { task: { id }, token }: Lease,
  notes: { written: Readonly<Record<string, unknown>>; removed: readonly string[] },
): Promise<{ cancelRequested: boolean } | undefined> {
  const request = WRITE_NOTES({ id, token, ...notes });
  const [row] = await queryRepeatable<{ cancel_requested: boolean }>(database, request);
  return row && { cancelRequested: row.cancel_requested };
}
