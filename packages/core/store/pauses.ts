/** What is paused. The claims read it: `STARTABLE` in `fragments.ts`. */
import type { Pause, PauseKind, PauseTarget } from "../tasks/pause.ts";
import type { StoreDeps } from "./deps.ts";
import { ALONE, LOOK_AGAIN } from "./limits.ts";
import { queryRepeatable, statement } from "./statement.ts";

/** A row of `tickwork_pauses`. The name of what is `all` is empty. */
export interface PauseRow {
  kind: PauseKind;
  name: string;
  reason: string | null;
  created_at: string;
  created_by: string | null;
}

export function pauseOf({ kind, name, reason, created_at, created_by }: PauseRow): Pause {
  const target = kind === "all" ? ({ all: true } as const) : { [kind]: name };
  return { ...target, reason, created_at: new Date(created_at).toISOString(), created_by };
}

/** Of a target, its kind and its name. */
function keyOf(target: PauseTarget): Pick<PauseRow, "kind" | "name"> {
  const [kind, name] = Object.entries(target)[0] as [PauseKind, string | true];
  return { kind, name: name === true ? "" : name };
}

/** The pauses, the oldest first, as a JSON array. */
export const PAUSES_AS_JSON = `select coalesce(json_agg(p order by created_at, kind, name), '[]') from tickwork_pauses p`;

export const PAUSE = statement({ kind: "text", name: "text", reason: "text?", userId: "text?" })`
  insert into tickwork_pauses as p (kind, name, reason, created_at, created_by) values (:kind, :name, :reason, now(), :userId)
  on conflict (kind, name) do update set reason = excluded.reason, created_by = excluded.created_by
  returning row_to_json(p) as pause`;

/** Pauses it; where it is paused already, the reason becomes this one. */
export async function pause(
  { database }: StoreDeps,
  target: PauseTarget,
  reason: string | null,
  userId: string | null,
): Promise<Pause> {
  const [row] = await queryRepeatable<{ pause: PauseRow }>(
    database,
    PAUSE({ ...keyOf(target), reason, userId }),
  );
  if (!row) throw new Error("a pause must answer one row, got none");
  return pauseOf(row.pause);
}

export const RESUME = statement({ kind: "text", name: "text" })`
  with ${LOOK_AGAIN} delete from tickwork_pauses where kind = :kind and name = :name returning kind`;

/** Says whether it was paused, as far as the answer of the first try tells. */
export async function resume({ database }: StoreDeps, target: PauseTarget): Promise<boolean> {
  // Not beside a claim, which might have seen the pause, and would note after this that nothing is to be done.
  const [, rows] = await database.transaction([ALONE({}), RESUME(keyOf(target))], { repeatable: true });
  return (rows?.length ?? 0) > 0;
}

export const PAUSES = statement({})`select (${PAUSES_AS_JSON}) as pauses`;

/** All of them, the oldest first. */
export async function listPauses({ database }: StoreDeps): Promise<Pause[]> {
  const [row] = await queryRepeatable<{ pauses: PauseRow[] }>(database, PAUSES({}));
  return (row?.pauses ?? []).map(pauseOf);
}
