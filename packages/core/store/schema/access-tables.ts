/** The tables of API keys and of the audit log. `user_id` and `key_name` are as the caller and the key said at that time. */
export const ACCESS_TABLES = `
  create table if not exists tickwork_keys (
    id bigint generated always as identity primary key,
    name text not null,
    scopes text[] not null,
    hash text not null unique,
    created_at timestamptz not null,
    expires_at timestamptz,
    used_at timestamptz
  );
  create table if not exists tickwork_audit (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    action text not null,
    subject text,
    key_id bigint,
    key_name text not null,
    user_id text
  );`;
