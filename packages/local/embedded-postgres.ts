import { execFile } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { PGlite } from "@electric-sql/pglite";

/** Preparing a new folder takes this process about a second. */
const INIT_TIMEOUT_MS = 120_000;

/**
 * The embedded Postgres in a folder, which is prepared when it is not there.
 *
 * A child process does that, beside the place where it belongs: its memory, which WebAssembly never gives back, ends
 * with it, and a database that is half prepared is never opened. The database comes as files, since `initdb` would take
 * five seconds.
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
