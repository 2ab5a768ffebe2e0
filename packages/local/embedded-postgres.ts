import { execFile } from "node:child_process";
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PGlite } from "@electric-sql/pglite";
import { ConfigError, PostgresError } from "#core";
import { messageOf } from "../core/errors.ts";
import { missingPeer } from "../core/peer.ts";
import { ANOTHER_FOLDER } from "./data-folder.ts";

/** Preparing a new folder takes this process about a second. */
const INIT_TIMEOUT_MS = 120_000;

/**
 * The embedded Postgres in a folder, which is prepared when it is not there.
 *
 * @throws ConfigError with one line when the folder cannot be made, or holds no Postgres that can be opened
 */
export async function openEmbeddedPostgres(folder: string): Promise<PGlite> {
  const { PGlite } = await import("@electric-sql/pglite").catch(
    missingPeer("@electric-sql/pglite", "is the embedded Postgres, which runs where DATABASE_URL is not set"),
  );
  if (!existsSync(folder)) await prepare(folder);
  try {
    return await PGlite.create(folder);
  } catch (error) {
    throw damaged(folder, error);
  }
}

/**
 * What is said when the files of the embedded Postgres are not what they should be. Only a statement says what is wrong
 * with them; when it cannot even be opened, WebAssembly just aborts.
 */
export function damaged(folder: string, error: unknown): ConfigError {
  const reason = error instanceof PostgresError ? ` (${messageOf(error)})` : "";
  return new ConfigError(
    `The embedded Postgres in ${folder} cannot be used${reason}: its files are damaged or of another version, or its disk is full; ` +
      "make room, put a copy of the folder in its place, or move it away to start with an empty database.",
  );
}

/**
 * A child process does that, beside the place where it belongs: its memory, which WebAssembly never gives back, ends
 * with it, and a database that is half prepared is never opened. The database comes as files, since `initdb` would take
 * five seconds.
 */
async function prepare(folder: string): Promise<void> {
  const unfinished = `${folder}.new.`;
  // A killed start leaves one behind; its child may still write there for a moment, so each has its own.
  for (const name of readdirSync(dirname(folder)).filter((name) => name.startsWith(basename(unfinished))))
    rmSync(join(dirname(folder), name), { recursive: true, force: true });
  const mine = `${unfinished}${process.pid}`;
  try {
    await inChild(mine);
    renameSync(mine, folder);
  } catch (error) {
    rmSync(mine, { recursive: true, force: true });
    throw error;
  }
}

function inChild(folder: string): Promise<void> {
  const program = fileURLToPath(new URL("./init-postgres.js", import.meta.url));
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [program, folder],
      { timeout: INIT_TIMEOUT_MS },
      (error, _, stderr) => {
        process.off("exit", kill);
        if (!error) return resolve();
        const reason = stderr.trim() || error.signal || error.message;
        reject(
          new ConfigError(
            `DATA_DIR is ${dirname(folder)}, where no embedded Postgres can be made (${reason}); ${ANOTHER_FOLDER}.`,
          ),
        );
      },
    );
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
  });
}

/** Where in a data folder the embedded Postgres is. */
export const postgresFolder = (dataDir: string): string => join(dataDir, "postgres");
