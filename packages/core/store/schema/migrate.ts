/**
 * Applies the migrations. What is a matter of moments runs in one transaction, under an advisory lock, and does nothing
 * when the migration is noted as applied: so two processes may migrate at once, and one that is late changes nothing
 * that a newer migration has made.
 */
import { type Clock, systemClock } from "../../clock.ts";
import { TickworkError } from "../../errors.ts";
import { MIGRATION_MARGIN_MS, MIGRATION_TIMEOUT_MS, POSTGRES_TIMEOUT_MS } from "../../limits.ts";
import type { Logger } from "../../log.ts";
import { type Database, PostgresError, type Statement } from "../database.ts";
import { type Building, buildIndex } from "./build-index.ts";
import { MIGRATIONS, type Migration, SCHEMA_VERSION, type Step } from "./migrations.ts";

/** Any number will do as long as it never changes: "tickwork" on a telephone's keys. */
const LOCK = 84_259_675;

/** What a migration goes by. */
export interface MigrateOptions {
  /** Default: the system's. */
  clock?: Clock;
  /** What is left of the time of whoever calls, in milliseconds. Default: as much as it takes. */
  timeLeftMs?: () => number;
}

/**
 * Brings the schema to `SCHEMA_VERSION`. It is safe to call at any time, in many processes at once, and again after one
 * that was stopped. A large table may be used meanwhile.
 *
 * @returns the names of the migrations that this call applied
 * @throws TickworkError `migration_unfinished` when the time is up, or PostgresError if Postgres is unreachable or
 * refuses a statement; the next call goes on from there
 * @example const applied = await migrate(database, log);
 */
export async function migrate(
  database: Database,
  log: Logger,
  { clock = systemClock, timeLeftMs = () => Number.POSITIVE_INFINITY }: MigrateOptions = {},
): Promise<string[]> {
  const from = await schemaVersion(database);
  const isNew = from === 0 && !(await hasTasks(database));
  const applied: string[] = [];
  for (const [index, migration] of MIGRATIONS.entries()) {
    const id = index + 1;
    if (id <= from) continue;
    const { name, steps = [] } = migration;
    const statementLimitMs = () => {
      const leftMs = timeLeftMs();
      if (leftMs >= MIGRATION_MARGIN_MS)
        return Math.min(MIGRATION_TIMEOUT_MS, leftMs - (MIGRATION_MARGIN_MS - POSTGRES_TIMEOUT_MS));
      throw new TickworkError(
        "migration_unfinished",
        `The time is up before migration ${id} of ${SCHEMA_VERSION} ("${name}") is done. Migrate again, and it goes on from here: on AWS, run the deployment again.`,
      );
    };
    const own = log.with({ migration: id });
    // How an empty database came to be is of no interest; where there are rows, a step may take its time.
    const tell: Logger["info"] = (...line) => (isNew ? own.debug(...line) : own.info(...line));
    const building = { database, log: own, tell, clock, statementLimitMs };
    for (const step of steps) await take(id, step, building);
    if (!(await note(id, migration, building))) continue;
    applied.push(name);
    tell("migrated", { name });
  }
  if (isNew && applied.length > 0) log.info("tables created", { version: SCHEMA_VERSION });
  return applied;
}

async function take(id: number, step: Step, building: Building): Promise<void> {
  const { database, tell, statementLimitMs } = building;
  const repeatable = () => ({ repeatable: true, timeoutMs: statementLimitMs() });
  if ("index" in step) return buildIndex(step.index, building);
  if ("sql" in step) return void (await database.transaction(unlessNoted(id, step.sql), repeatable()));
  for (let total = 0; ; ) {
    const batch = [LOCK_MIGRATIONS, changedRows(id, step.rows)];
    const [, changed] = await database.transaction<{ rows: number }>(batch, repeatable());
    const rows = changed?.[0]?.rows ?? 0;
    if (rows === 0) return;
    total += rows;
    tell("rows updated", { rows: total });
  }
}

/** Ends a migration. @returns whether it was this call that did */
async function note(id: number, { name, sql = "" }: Migration, { database, statementLimitMs }: Building) {
  const noted = `${sql}
    insert into tickwork_migrations (id, name, applied_at) values (${id}, '${name}', now());
    perform set_config('tickwork.applied', 'yes', true);`;
  const [, , answer] = await database.transaction<{ applied: boolean }>(
    [...unlessNoted(id, noted), { text: `select current_setting('tickwork.applied') = 'yes' as applied` }],
    { repeatable: true, timeoutMs: statementLimitMs() },
  );
  return answer?.[0]?.applied ?? false;
}

const LOCK_MIGRATIONS: Statement = { text: `select pg_advisory_xact_lock(${LOCK})` };

/**
 * What is made stands where the tasks are. A user with the name of a schema, say `tickwork`, would otherwise have that
 * schema come first, where nobody else finds it.
 */
const BESIDE_TASKS = `if to_regclass('"baasix_Tasks"') is not null then
          perform set_config('search_path', (select quote_ident(nspname) from pg_class join pg_namespace n on n.oid = relnamespace
            where pg_class.oid = to_regclass('"baasix_Tasks"')) || ', ' || current_setting('search_path'), true);
        end if;`;

/** Statements of PL/pgSQL that run if the migration is not applied yet. */
function unlessNoted(id: number, sql: string): Statement[] {
  return [
    LOCK_MIGRATIONS,
    {
      text: `do $step$ begin
        ${BESIDE_TASKS}
        create table if not exists tickwork_migrations (id integer primary key, name text not null, applied_at timestamptz not null);
        perform set_config('tickwork.applied', 'no', true);
        if not exists (select from tickwork_migrations where id = ${id}) then
          ${sql}
        end if;
      end $step$`,
    },
  ];
}

/** An update, if the migration is not applied yet, and how many rows it changed. */
function changedRows(id: number, update: string): Statement {
  return {
    text: `with changed as (${update} and not exists (select from tickwork_migrations where id = ${id}) returning 1)
      select count(*)::int as rows from changed`,
  };
}

/** The number of the newest migration that the database has had; 0 when it has had none. */
export async function schemaVersion(database: Database): Promise<number> {
  try {
    const [row] = await database.query<{ version: number }>(
      { text: "select coalesce(max(id), 0)::int as version from tickwork_migrations" },
      { repeatable: true },
    );
    return row?.version ?? 0;
  } catch (error) {
    if (error instanceof PostgresError && error.sqlState === UNDEFINED_TABLE) return 0;
    throw error;
  }
}

async function hasTasks(database: Database): Promise<boolean> {
  const [row] = await database.query<{ has: boolean }>(
    { text: `select to_regclass('"baasix_Tasks"') is not null as has` },
    { repeatable: true },
  );
  return row?.has ?? false;
}

const UNDEFINED_TABLE = "42P01";
