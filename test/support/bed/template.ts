/** A Postgres takes seconds to make and to migrate, so all suites copy one for which that was done once. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { createDatabase as createClient, migrate, silent, systemClock } from "#core";
import { openPg, pgliteDriver } from "#drivers";
import { openEmbeddedPostgres } from "../../../packages/local/embedded-postgres.ts";
import { createDatabase, type LocalDatabase } from "../../../scripts/local-servers.ts";

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), "tickwork-test-"));

/** A folder with an embedded Postgres in `postgres`, and one with the schema in `migrated`. */
export async function makeTemplate(): Promise<string> {
  const folder = temporaryFolder();
  const [empty, migrated] = [join(folder, "postgres"), join(folder, "migrated")];
  await (await openEmbeddedPostgres(empty)).close();
  cpSync(empty, migrated, { recursive: true });
  const db = await openEmbeddedPostgres(migrated);
  await migrate(createClient(pgliteDriver(db), systemClock), silent);
  await db.close();
  return folder;
}

/** The same on the server of this machine: a database with the schema, of which others are copies. */
export async function makeTemplateDatabase(): Promise<LocalDatabase> {
  const database = await createDatabase();
  const driver = await openPg(database.url);
  await migrate(createClient(driver, systemClock), silent);
  await driver.close();
  return database;
}

/** Copies the template's Postgres to a place where there is none. */
export function copyTemplate(
  to: string,
  { migrated = false, of = process.env.TICKWORK_TEMPLATE } = {},
): void {
  if (of) cpSync(join(of, migrated ? "migrated" : "postgres"), to, { recursive: true });
}

/** An embedded Postgres of one's own, empty or with the schema. */
export async function openTemplate({
  migrated = false,
} = {}): Promise<{ db: PGlite; close(): Promise<void> }> {
  const folder = temporaryFolder();
  copyTemplate(join(folder, "postgres"), {
    migrated,
    of: process.env.TICKWORK_TEMPLATE ?? (await makeTemplate()),
  });
  const db = await openEmbeddedPostgres(join(folder, "postgres"));
  return {
    db,
    close: async () => {
      await db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
