/** What the table of tasks has beside what Baasix gives it: columns, indexes, and when it is vacuumed. */
import { STORED } from "../fragments.ts";
import type { Index } from "./build-index.ts";

/** What a table that Baasix made may lack. */
export const COLUMNS = {
  scheduled_time: "timestamptz",
  attachment_id: "varchar(255)",
  task_data: "json",
  result_data: "json",
  error_data: "json",
  userCreated_Id: "varchar(255)",
  userUpdated_Id: "varchar(255)",
  createdAt: "timestamptz default now()",
  updatedAt: "timestamptz default now()",
  attempts: "integer not null default 0",
  max_attempts: "integer",
  crashes: "integer not null default 0",
  progress: "real",
  cancel_requested: "boolean not null default false",
  started_at: "timestamptz",
  finished_at: "timestamptz",
  slot: "integer",
  lease_token: "text",
  lease_expires_at: "timestamptz",
  history: "jsonb",
  lateness: "jsonb",
  rev: "bigint not null default 0",
};
const namesOf = (columns: object) =>
  Object.keys(columns)
    .map((name) => `'${name}'`)
    .join(", ");
/** The lock that an `alter table` takes is not to be had while another migrator builds an index. */
export const addMissing = (
  columns: Readonly<Record<string, string>>,
) => `if exists (select from unnest(array[${namesOf(columns)}]) as wanted (name)
        where not exists (select from pg_attribute
          where attrelid = to_regclass('"baasix_Tasks"') and attname = wanted.name and not attisdropped)) then
        alter table "baasix_Tasks" ${Object.entries(columns)
          .map(([name, type]) => `add column if not exists "${name}" ${type}`)
          .join(", ")};
      end if;`;

/** At most one running task per slot: Postgres enforces it, whatever a worker believes. */
export const RUNNING: Index = {
  name: "tickwork_running",
  unique: true,
  on: `(slot) where task_status = 'Running'`,
};
/**
 * What lists read: all but the running rows, by status and by type, newest first. A claim writes no entry in them, and
 * a settle, for which no index is spared, one in each.
 *
 * `id + 0` and `id > 0` keep each to its own. The planner takes rows of a status for evenly spread: sorted by `id` alone, it
 * would read the table from its newest row until it has found a page of them, past a million others. And where
 * statistics are from a time when nothing waited, a claim would take one of these indexes, then read and sort all that
 * waits.
 */
export const BY_STATUS: Index = { name: "tickwork_by_status", on: `(task_status, (id + 0)) where ${STORED}` };
export const BY_TYPE: Index = {
  name: "tickwork_by_type",
  on: `(type, task_status, (id + 0)) where ${STORED}`,
};
/** Finished tasks by age, so that the oldest leave first and nothing else is read. */
export const BY_AGE: Index = {
  name: "tickwork_by_age",
  on: `(task_status, finished_at) where task_status in ('Completed', 'Error')`,
};

/** Each occurrence of a schedule once, whoever makes it. No other row has an entry. */
export const BY_SCHEDULE: Index = {
  name: "tickwork_by_schedule",
  unique: true,
  on: "(schedule, schedule_time) where schedule is not null",
};

/**
 * Each task leaves two dead rows. By default Postgres vacuums when a fifth of a table is dead: with 100 million
 * finished tasks, after ten million more. Until then indexes and table grow, and a claim walks past what was claimed.
 * So it is after each hundredth part. Where the owner of the table has set something, that stays.
 */
export const VACUUM_OFTEN = `
      if not exists (select from pg_class where oid = to_regclass('"baasix_Tasks"') and reloptions::text like '%autovacuum%') then
        alter table "baasix_Tasks" set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
          autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
      end if;`;
