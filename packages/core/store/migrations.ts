/**
 * The schema, as numbered migrations that only go forward; `migrate.ts` applies them. They are code, so no bundler can
 * lose them.
 *
 * A table that Baasix made is adopted: its rows and columns stay as they are, and missing columns are added. It may be
 * large, and where a statement's time is limited, as over Neon's HTTP, no statement may read all of it but the building
 * of an index.
 */
import { MIGRATION_BATCH } from "../limits.ts";
import { createIndex, type Index } from "./build-index.ts";
import { ENQUEUE_FUNCTION } from "./enqueue-function.ts";
import { ADOPTED_LEASE_END, FOREIGN_LEASE } from "./fragments.ts";

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
const addColumns = (columns: object) =>
  Object.entries(columns)
    .map(([name, type]) => `add column if not exists "${name}" ${type}`)
    .join(", ");

/** The claim and the window read this index: it holds the waiting rows only. */
const WAITING: Index = {
  name: "tickwork_waiting",
  on: `(scheduled_time, id) where task_status = 'Not started'`,
};
/** At most one running task per slot: Postgres enforces it, whatever a worker believes. */
const RUNNING: Index = {
  name: "tickwork_running",
  unique: true,
  on: `(slot) where task_status = 'Running'`,
};
/** Finished tasks are listed without reading the waiting ones. */
const FINISHED: Index = {
  name: "tickwork_finished",
  on: `(task_status, id) where task_status in ('Completed', 'Error')`,
};

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

/** What the triggers call. A step that changes it replaces it; on a new table it is as new from the start. */
const BEFORE_WRITE = `create or replace function tickwork_before_write() returns trigger language plpgsql as $trigger$
      begin
        if tg_op = 'UPDATE' then
          new.rev := old.rev + 1;
        else
          new.rev := greatest(coalesce(new.rev, 0), 0) + 1;
        end if;
        if new.task_status = 'Running' then
          -- Tickwork sets a token. A program that sets none knows nothing of leases. It has no slot either, so that it
          -- never collides with a task that Tickwork runs.
          if new.lease_token is null and (tg_op = 'INSERT' or old.task_status <> 'Running' or new.lease_expires_at is null) then
            new.lease_expires_at := now() + ${FOREIGN_LEASE};
            new.started_at := now();
            new.finished_at := null;
            new.attempts := new.attempts + 1;
          end if;
        else
          new.slot := null;
          new.lease_token := null;
          new.lease_expires_at := null;
          new.cancel_requested := false;
          if new.task_status = 'Not started' then
            new.scheduled_time := coalesce(new.scheduled_time, now());
            new.finished_at := null;
          elsif tg_op = 'INSERT' or old.task_status is distinct from new.task_status then
            new.finished_at := now();
          end if;
        end if;
        return new;
      end $trigger$;`;

/** A waiting row as the function would leave it. To call it for each of many new rows costs a third of their time. */
const AS_NEW = `new.rev = 1 and new.task_status = 'Not started' and new.scheduled_time is not null
  and new.slot is null and new.lease_token is null and new.lease_expires_at is null
  and not new.cancel_requested and new.finished_at is null`;

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
      -- The lock that this takes is not to be had while another migrator builds an index.
      if exists (select from unnest(array[${namesOf(COLUMNS)}]) as wanted (name)
        where not exists (select from pg_attribute
          where attrelid = to_regclass('"baasix_Tasks"') and attname = wanted.name and not attisdropped)) then
        alter table "baasix_Tasks" ${addColumns(COLUMNS)};
      end if;
      if not exists (select from "baasix_Tasks") then
        ${[WAITING, RUNNING, FINISHED].map((index) => `${createIndex(index, "if not exists")};`).join("\n        ")}
      end if;`,
      },
      // An index that a later migration drops has no place here: a migrator that is late would bring it back.
      { index: WAITING },
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
    steps: [{ index: FINISHED }],
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
  { name: "tickwork.enqueue, for whoever writes SQL", sql: ENQUEUE_FUNCTION },
];

/** The number of the newest migration: the schema that this code needs. */
export const SCHEMA_VERSION = MIGRATIONS.length;
