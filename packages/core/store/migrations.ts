/**
 * The schema, as numbered migrations that only go forward; `migrate.ts` applies them. They are code, so no bundler can
 * lose them.
 *
 * A table that Baasix made is adopted: its rows and columns stay as they are, and missing columns are added. It may be
 * large, and where a statement's time is limited, as over Neon's HTTP, no statement may read all of it but the building
 * of an index.
 */
import { MIGRATION_BATCH } from "../limits.ts";
import { ACCESS_TABLES } from "./access-tables.ts";
import { createIndex, type Index } from "./build-index.ts";
import { ENQUEUE_FUNCTION } from "./enqueue-function.ts";
import { ADOPTED_LEASE_END } from "./fragments.ts";
import { LANES_FUNCTION } from "./lanes-function.ts";
import * as lanes from "./lanes-tables.ts";
import { NOTES_TABLE } from "./notes-table.ts";
import { SCHEDULES } from "./schedules-table.ts";
import { AS_NEW, BEFORE_WRITE } from "./triggers.ts";
import { UNIQUE, UNIQUE_FUNCTION } from "./unique-function.ts";

/**
 * A part of a migration that is a matter of moments, that builds an index, or that updates rows, a batch at a time. All
 * of them may be repeated and raced: a migrator that was stopped leaves off anywhere, and another one begins again.
 */
export type Step =
  | { sql: string }
  | { index: Index }
  /** Updates at most a batch of rows, none of them twice. They are found by an index. */
  | { rows: string };

export interface Migration {
  name: string;
  /** Done one after the other before `sql`, each on its own. */
  steps?: readonly Step[];
  /** Done together with the note that the migration is applied, in one transaction. */
  sql?: string;
}

/** What a table that Baasix made may lack. */
const COLUMNS = {
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
const addMissing = (
  columns: Readonly<Record<string, string>>,
) => `if exists (select from unnest(array[${namesOf(columns)}]) as wanted (name)
        where not exists (select from pg_attribute
          where attrelid = to_regclass('"baasix_Tasks"') and attname = wanted.name and not attisdropped)) then
        alter table "baasix_Tasks" ${Object.entries(columns)
          .map(([name, type]) => `add column if not exists "${name}" ${type}`)
          .join(", ")};
      end if;`;

/** At most one running task per slot: Postgres enforces it, whatever a worker believes. */
const RUNNING: Index = {
  name: "tickwork_running",
  unique: true,
  on: `(slot) where task_status = 'Running'`,
};
/**
 * What lists read: all but the running rows, by status and by type, newest first. A claim writes no entry in them, and a
 * settle, for which no index is spared, one in each.
 *
 * `id + 0` and `id > 0` keep each to its own. The planner takes rows of a status for evenly spread: sorted by `id` alone, it
 * would read the table from its newest row until it has found a page of them, past a million others. And where statistics
 * are from a time when nothing waited, a claim would take one of these indexes, then read and sort all that waits.
 */
const LISTED = "task_status in ('Not started', 'Completed', 'Error') and id > 0";
const BY_STATUS: Index = { name: "tickwork_by_status", on: `(task_status, (id + 0)) where ${LISTED}` };
const BY_TYPE: Index = { name: "tickwork_by_type", on: `(type, task_status, (id + 0)) where ${LISTED}` };
/** Finished tasks by age, so that the oldest leave first and nothing else is read. */
const BY_AGE: Index = {
  name: "tickwork_by_age",
  on: `(task_status, finished_at) where task_status in ('Completed', 'Error')`,
};

/** Each occurrence of a schedule once, whoever makes it. No other row has an entry. */
const BY_SCHEDULE: Index = {
  name: "tickwork_by_schedule",
  unique: true,
  on: "(schedule, schedule_time) where schedule is not null",
};

/**
 * Each task leaves two dead rows. By default Postgres vacuums when a fifth of a table is dead: with 100 million finished
 * tasks, after ten million more. Until then indexes and table grow, and a claim walks past what was claimed. So it is
 * after each hundredth part. Where the owner of the table has set something, that stays.
 */
const VACUUM_OFTEN = `
      if not exists (select from pg_class where oid = to_regclass('"baasix_Tasks"') and reloptions::text like '%autovacuum%') then
        alter table "baasix_Tasks" set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
          autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
      end if;`;

/**
 * An update of the running rows that meet a condition, a batch of them: `RUNNING` finds them. The condition is also that
 * of the update itself, for a row that another program changes meanwhile.
 */
function updateRunning(set: string, condition: string): string {
  const due = `task_status = 'Running' and ${condition}`;
  return `update "baasix_Tasks" set ${set} where ${due}
    and id in (select id from "baasix_Tasks" where ${due} limit ${MIGRATION_BATCH})`;
}

/**
 * Tasks that run when Tickwork comes are run by programs that know nothing of leases: nothing starts beside them until
 * they end, or an operator ends them.
 */
const ADOPT_RUNNING: Step = {
  rows: updateRunning(`lease_expires_at = ${ADOPTED_LEASE_END}`, "lease_expires_at is null"),
};

export const MIGRATIONS: readonly Migration[] = [
  {
    name: "the table of tasks, created or adopted",
    steps: [
      {
        sql: `
      if to_regclass('"baasix_Tasks"') is null then
        create type "enum_baasix_Tasks_task_status" as enum ('Not started', 'Running', 'Completed', 'Error');
        create table "baasix_Tasks" (
          id bigint generated by default as identity primary key,
          task_status "enum_baasix_Tasks_task_status" not null default 'Not started',
          type varchar(255) not null,
          scheduled_time timestamptz,
          attachment_id varchar(255),
          task_data json,
          result_data json,
          error_data json,
          "userCreated_Id" varchar(255),
          "userUpdated_Id" varchar(255),
          "createdAt" timestamptz not null default now(),
          "updatedAt" timestamptz not null default now()
        );
      end if;
      ${addMissing(COLUMNS)}
      if not exists (select from "baasix_Tasks") then
        ${[RUNNING, BY_STATUS, BY_TYPE, BY_AGE].map((index) => `${createIndex(index, "if not exists")};`).join("\n        ")}
      end if;`,
      },
      // An index that a later migration drops has no place here: a migrator that is late would bring it back.
      { index: RUNNING },
      ADOPT_RUNNING,
    ],
  },
  {
    name: "rev grows with every write, and rows that other programs set to Running get a lease",
    steps: [
      {
        sql: `
      ${BEFORE_WRITE}
      drop trigger if exists tickwork_before_insert on "baasix_Tasks";
      create trigger tickwork_before_insert before insert on "baasix_Tasks"
        for each row execute function tickwork_before_write();
      -- The statements that run a task increase rev and keep the row consistent themselves: calling this function for
      -- each of them would cost a fifth of their time.
      drop trigger if exists tickwork_before_update on "baasix_Tasks";
      create trigger tickwork_before_update before update on "baasix_Tasks"
        for each row when (new.rev = old.rev) execute function tickwork_before_write();`,
      },
      // Those that began before the triggers were there.
      ADOPT_RUNNING,
    ],
  },
  {
    name: "flags for running without Redis, and idempotency keys",
    sql: `
      create table if not exists tickwork_flags (
        name text primary key,
        token text not null,
        wake_at_ms double precision,
        expires_at timestamptz not null
      );
      create table if not exists tickwork_requests (
        key text primary key,
        hash text not null,
        task_ids json not null,
        created_at timestamptz not null
      );
      create index if not exists tickwork_requests_age on tickwork_requests (created_at);`,
  },
  {
    name: "finished tasks are listed without reading the waiting ones",
    // It built an index that another one has replaced since.
    sql: `drop index if exists tickwork_failed;`,
  },
  {
    name: "attempts that count as no failure",
    sql: `alter table "baasix_Tasks" add column if not exists excused integer not null default 0;`,
  },
  {
    name: "rows that other programs set to Running take no slot",
    steps: [
      { sql: BEFORE_WRITE },
      {
        rows: updateRunning("slot = null", "lease_token is null and slot is not null"),
      },
    ],
  },
  {
    name: "a new row that needs no mending calls no function",
    sql: `
      drop trigger if exists tickwork_before_insert on "baasix_Tasks";
      create trigger tickwork_before_insert before insert on "baasix_Tasks"
        for each row when (not (${AS_NEW})) execute function tickwork_before_write();`,
  },
  {
    name: "tasks are listed by type, finished ones leave by age, and what is dead is vacuumed soon",
    steps: [{ index: BY_STATUS }, { index: BY_TYPE }, { index: BY_AGE }],
    sql: `drop index if exists tickwork_finished;${VACUUM_OFTEN}`,
  },
  {
    name: "the types of deployments that have many",
    sql: `create table if not exists tickwork_types (registry text, name text, primary key (registry, name));`,
  },
  { name: "tickwork.enqueue, for whoever writes SQL", sql: ENQUEUE_FUNCTION },
  {
    name: "unique keys",
    steps: [
      {
        sql: `
      ${addMissing({ unique_key: "varchar(255)", unique_for: "jsonb" })}
      alter table tickwork_requests add column if not exists outcomes json;`,
      },
      { index: UNIQUE },
    ],
    sql: `${UNIQUE_FUNCTION}${ENQUEUE_FUNCTION}`,
  },
  {
    name: "tasks have the version of their type",
    sql: `${addMissing({ version: "integer" })}${UNIQUE_FUNCTION}${ENQUEUE_FUNCTION}`,
  },
  {
    name: "schedules, and their occurrences as tasks",
    steps: [
      {
        sql: addMissing({ schedule: "text", schedule_time: "timestamptz" }),
      },
      { index: BY_SCHEDULE },
    ],
    sql: SCHEDULES,
  },
  { name: "API keys, and who changed what", sql: ACCESS_TABLES },
  {
    name: "what is paused",
    sql: `create table if not exists tickwork_pauses (
        kind text, name text, reason text, created_at timestamptz not null, primary key (kind, name));`,
  },
  {
    name: "how far operations on many tasks have come",
    sql: `create table if not exists tickwork_bulk (
        task bigint primary key, pass integer not null, before_id bigint not null, matched bigint not null,
        changed bigint not null, ids bigint[] not null);`,
  },
  { name: "notes of tasks", sql: NOTES_TABLE },
  {
    name: "who has paused it",
    sql: "alter table tickwork_pauses add column if not exists created_by text;",
  },
  {
    name: "priorities, queues, keys and limits",
    steps: [
      { sql: `${lanes.REFUSE_OTHERS}${addMissing(lanes.LANES_COLUMNS)}${lanes.LANES_TABLES}` },
      { index: lanes.PLAIN },
      { index: lanes.LANED },
    ],
    sql: `${lanes.LANES_TRIGGER_FUNCTION}${lanes.LANES_TRIGGERS}${LANES_FUNCTION}${UNIQUE_FUNCTION}${ENQUEUE_FUNCTION}
      drop index if exists tickwork_waiting;`,
  },
  {
    name: "what was written for lanes is passed once",
    sql: `${lanes.LANES_WRITER}${lanes.LANES_TRIGGER_FUNCTION}${LANES_FUNCTION}`,
  },
  { name: "a task that was to stop does not wait again", sql: BEFORE_WRITE },
  { name: "what is in lanes is listed by due time", steps: [{ index: lanes.LANED_DUE }] },
];

/** The number of the newest migration: the schema that this code needs. */
export const SCHEMA_VERSION = MIGRATIONS.length;
