import { execFile } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { PGlite } from "@electric-sql/pglite";

/** Making a new database takes this process some seconds. */
const INIT_TIMEOUT_MS = 120_000;

/**
 * The embedded Postgres in a folder, which is made when it is not there.
 *
 * Making one takes half a gigabyte of memory that WebAssembly never gives back, so a child process does it, beside
 * the place where it belongs: a database that was made by half is never opened.
 */
export async function openEmbeddedPostgres(folder: string): Promise<PGlite> {
  if (!existsSync(folder)) {
    const unfinished = `${folder}.new`;
    rmSync(unfinished, { recursive: true, force: true });
    await promisify(execFile)(
      process.execPath,
      [fileURLToPath(new URL("./init-postgres.mjs", import.meta.url)), unfinished],
      {
        timeout: INIT_TIMEOUT_MS,
      },
    );
    renameSync(unfinished, folder);
  }
  const { PGlite } = await import("@electric-sql/pglite");
  return PGlite.create(folder);
}

/** Where in a data folder the embedded Postgres is. */
export const postgresFolder = (dataDir: string): string => join(dataDir, "postgres");
