/** Who changed what, where no row of a task tells it: keys, what operators do, tasks that were deleted. */
import type { Actor, AuditAction, AuditEntry } from "../api-key.ts";
import { AUDIT_DAYS, AUDIT_LIMIT, AUDIT_TRIM } from "../limits.ts";
import type { Database } from "./database.ts";
import { toIso } from "./rows.ts";
import { queryRepeatable, statement } from "./statement.ts";

export const ACTOR = { keyId: "bigint?", keyName: "text", userId: "text?" } as const;

export const paramsOf = ({ keyId, keyName, userId }: Actor) => ({
  keyId: keyId ?? null,
  keyName,
  userId: userId ?? null,
});

/**
 * The parts of a `with` that note an action for each row of another part of it. The oldest entries leave; they are
 * found by their ids, so that the log costs the same however long it is.
 *
 * @param subject an SQL expression over that part
 */
export const noting = (action: `'${AuditAction}'` | ":action", from: string, subject: string) => `
  noted as (insert into tickwork_audit (at, action, subject, key_id, key_name, user_id)
    select now(), ${action}, ${subject}, :keyId, :keyName, :userId from ${from}),
  trimmed as (delete from tickwork_audit where id = any(array(select id from tickwork_audit order by id limit ${AUDIT_TRIM}))
    and (at < now() - interval '${AUDIT_DAYS} days' or id <= (select max(id) from tickwork_audit) - ${AUDIT_LIMIT}))`;

/** For what is no row of Postgres: a statement of its own. */
const NOTE = statement({ action: "text", subject: "text?", ...ACTOR })`
  with ${noting(":action", "(select) one", ":subject")} select true`;

export async function noteAction(
  database: Database,
  action: AuditAction,
  subject: string | undefined,
  actor: Actor,
): Promise<void> {
  await database.query(NOTE({ action, subject: subject ?? null, ...paramsOf(actor) }));
}

const LIST = statement({ beforeId: "bigint?", limit: "int" })`
  select row_to_json(entry) as entry from (select * from tickwork_audit
    where :beforeId is null or id < :beforeId order by id desc limit :limit) entry`;

/** The newest first. */
export async function listAudit(
  database: Database,
  { beforeId, limit }: { beforeId: number | undefined; limit: number },
): Promise<AuditEntry[]> {
  const request = LIST({ beforeId: beforeId ?? null, limit });
  const rows = await queryRepeatable<{ entry: AuditEntry }>(database, request);
  return rows.map(({ entry }) => ({ ...entry, at: toIso(entry.at) }));
}
