import type { Actor, ApiKey, NewApiKey } from "../api-key.ts";
import { KEY_USED_STEP_MS, KEYS_LIMIT } from "../limits.ts";
import { ACTOR, noting, paramsOf } from "./audit.ts";
import type { Database } from "./database.ts";
import { milliseconds } from "./fragments.ts";
import { toIso } from "./rows.ts";
import { queryRepeatable, statement } from "./statement.ts";

/** A key as Postgres keeps it. */
export interface StoredKey extends ApiKey {
  /** Of the key, SHA-256 in hexadecimal. */
  hash: string;
  /** The name, where the columns of users take it: in a table that Baasix made they may be uuids, or shorter. */
  user: string | null;
}

/** Whether a column of users takes the name: a text, and not too long. `-1`: of any length. */
const TAKES_NAME = `(select t.typcategory = 'S' and (a.atttypmod < 0 or length(name) <= a.atttypmod - 4)
  from pg_attribute a join pg_type t on t.oid = a.atttypid
  where a.attrelid = to_regclass('"baasix_Tasks"') and a.attname = 'userCreated_Id')`;

const ROW = (from: string) => `select row_to_json(k) as key from (
  select id, name, scopes, created_at, expires_at, used_at, hash, case when ${TAKES_NAME} then name end as user from ${from}) k`;

const ALL = statement({})`${ROW("tickwork_keys")} order by id`;

/** Every key, also those that have expired. */
export async function allKeys(database: Database): Promise<StoredKey[]> {
  const rows = await queryRepeatable<{ key: StoredKey }>(database, ALL({}));
  return rows.map(({ key }) => timed(key));
}

const CREATE = statement({ name: "text", scopes: "text[]", hash: "text", expiresAt: "text?", ...ACTOR })`
  with made as (insert into tickwork_keys (name, scopes, hash, created_at, expires_at)
      select :name, :scopes, :hash, now(), :expiresAt::timestamptz
      where (select count(*) from tickwork_keys) < ${String(KEYS_LIMIT)} returning *),
    ${noting("'key_created'", "made", "id || ' ' || name || ': ' || array_to_string(scopes, ', ')")}
  ${ROW("made")}`;

/** Undefined: there are as many as there may be. */
export async function createKey(
  database: Database,
  { name, scopes, expires_at }: NewApiKey,
  hash: string,
  actor: Actor,
): Promise<StoredKey | undefined> {
  const request = CREATE({ name, scopes, hash, expiresAt: expires_at ?? null, ...paramsOf(actor) });
  const [row] = await database.query<{ key: StoredKey }>(request);
  return row && timed(row.key);
}

const DELETE = statement({ id: "bigint", ...ACTOR })`
  with gone as (delete from tickwork_keys where id = :id returning *),
    ${noting("'key_deleted'", "gone", "id || ' ' || name")}
  select id from gone`;

/** Whether there was such a key. */
export async function deleteKey(database: Database, id: number, actor: Actor): Promise<boolean> {
  return (await database.query(DELETE({ id, ...paramsOf(actor) }))).length > 0;
}

const USED = statement({ id: "bigint" })`
  update tickwork_keys set used_at = now()
  where id = :id and (used_at is null or used_at < now() - ${milliseconds(KEY_USED_STEP_MS)})`;

/** Not repeated: a caller waits for it, and the next hour makes up for it. */
export async function noteKeyUsed(database: Database, id: number): Promise<void> {
  await database.query(USED({ id }));
}

function timed(key: StoredKey): StoredKey {
  const time = (text: string | null) => text && toIso(text);
  return {
    ...key,
    created_at: toIso(key.created_at),
    expires_at: time(key.expires_at),
    used_at: time(key.used_at),
  };
}
