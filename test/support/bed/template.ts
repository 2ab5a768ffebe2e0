/** An embedded Postgres takes seconds to make and one to open, so all suites copy one that was made once. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { openEmbeddedPostgres } from "../../../packages/local/embedded-postgres.ts";

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), "tickwork-test-"));

export async function makeTemplate(): Promise<string> {
  const folder = temporaryFolder();
  const db = await openEmbeddedPostgres(join(folder, "postgres"));
  await db.close();
  return folder;
}

/** An empty embedded Postgres of one's own. */
export async function openTemplate(): Promise<{ db: PGlite; close(): Promise<void> }> {
  const folder = temporaryFolder();
  cpSync(process.env.TICKWORK_TEMPLATE ?? (await makeTemplate()), folder, { recursive: true });
  const db = await openEmbeddedPostgres(join(folder, "postgres"));
  return {
    db,
    close: async () => {
      await db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
