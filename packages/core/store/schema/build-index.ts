/**
 * Builds an index while others read and write the table, which takes as long as it takes. `create index concurrently`
 * stands in no transaction: whatever breaks it off leaves an index that is not valid. So does another migrator that
 * builds it just now; the difference is that a builder holds its lock on the table to the end.
 */
import type { Clock } from "../../clock.ts";
import { messageOf, TickworkError } from "../../errors.ts";
import {
  INDEX_DROP_MS,
  INDEX_LOCK_MS,
  INDEX_TRIES,
  MIGRATION_TIMEOUT_MS,
  TRANSIENT_BACKOFF_MAX_MS,
  TRANSIENT_BACKOFF_MS,
} from "../../limits.ts";
import type { Logger } from "../../log.ts";
import { backoffMs } from "../../retry.ts";
import { type Database, isTransient, PostgresError } from "../database.ts";

/** An index of the table of tasks. */
export interface Index {
  name: string;
  unique?: boolean;
  /** Its columns and its condition. */
  on: string;
}

/** @param how `concurrently if not exists` */
export function createIndex({ name, unique = false, on }: Index, how = ""): string {
  return ["create", unique && "unique", "index", how, name, "on", `"baasix_Tasks"`, on]
    .filter(Boolean)
    .join(" ");
}

export interface Building {
  database: Database;
  log: Logger;
  /** For what is worth a line where there are rows, and none where the database is new. */
  tell: Logger["info"];
  clock: Clock;
  /** What the next statement may take, in milliseconds. Throws if there is no time for another one. */
  statementLimitMs(): number;
}

/**
 * Has the index built, by this migrator or by another one; one that is there already is left alone.
 *
 * @throws TickworkError `migration_unfinished` if it could not be built in the time that there is, or PostgresError
 */
export async function buildIndex(index: Index, building: Building): Promise<void> {
  const { database, log, tell, clock, statementLimitMs } = building;
  const giveUpAtMs = clock.now() + MIGRATION_TIMEOUT_MS;
  let failures = 0;
  let reason: unknown = new Error("another migrator was at it");
  for (let round = 0; !(await isBuilt(database, index)); round++) {
    if (failures >= INDEX_TRIES || clock.now() >= giveUpAtMs) {
      // Whoever follows the advice in the message is not to meet what is left.
      await isMissing(database, index).catch(() => {});
      throw unfinished(index, reason);
    }
    if (round > 0) await clock.sleep(backoffMs(round, TRANSIENT_BACKOFF_MS, TRANSIENT_BACKOFF_MAX_MS));
    const timeoutMs = statementLimitMs();
    try {
      if (!(await isMissing(database, index))) continue;
      tell("building an index", { index: index.name });
      await database.query({ text: createIndex(index, "concurrently if not exists") }, { timeoutMs });
    } catch (error) {
      const contended = error instanceof PostgresError && CONTENDED.has(error.sqlState ?? "");
      if (!contended && !isTransient(error)) throw error;
      if (!contended) failures++;
      reason = error;
      log.warn("an index is not built yet; trying again", { index: index.name, error: messageOf(error) });
    }
  }
}

/** Whether it is there and holds every row. */
async function isBuilt(database: Database, { name }: Index): Promise<boolean> {
  const rows = await database.query(
    { text: `select from pg_index where indexrelid = to_regclass('${name}') and indisvalid` },
    { repeatable: true },
  );
  return rows.length > 0;
}

/**
 * Whether it is to be built: nobody is at work on it, and what an attempt has left that was broken off is removed. The
 * lock is that of a builder, which waits until older snapshots are gone. Whoever waited for its lock with a snapshot
 * would be waited for in turn, and Postgres would end one of the two; `lock table` waits without one.
 */
async function isMissing(database: Database, { name }: Index): Promise<boolean> {
  const answers = await database.transaction([
    { text: `set local lock_timeout = ${INDEX_LOCK_MS}` },
    { text: `lock table "baasix_Tasks" in share update exclusive mode` },
    {
      text: `do $$ begin
        if exists (select from pg_index where indexrelid = to_regclass('${name}') and not indisvalid) then
          perform set_config('lock_timeout', '${INDEX_DROP_MS}', true);
          drop index ${name};
        end if;
      end $$`,
    },
    { text: `select from pg_index where indexrelid = to_regclass('${name}')` },
  ]);
  return answers.at(-1)?.length === 0;
}

/**
 * What Postgres says to one of several migrators: a lock was not to be had in time, two builders waited for each other,
 * or another one was first.
 */
const CONTENDED = new Set(["55P03", "40P01", "23505", "42P07"]);

function unfinished(index: Index, cause: unknown): TickworkError {
  const message = `The index ${index.name} is not built yet (${messageOf(cause)}). Migrate again, and it goes on from here. Where a statement's time is limited, as over Neon's HTTP, an index of a large table may never fit: then build it with psql first: ${createIndex(index, "concurrently")};`;
  return new TickworkError("migration_unfinished", message, { cause });
}
