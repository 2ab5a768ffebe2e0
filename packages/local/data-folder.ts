/** The folder of `DATA_DIR`, and what a start says when it cannot be used. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ConfigError } from "#core";
import { isSecret, SECRET_ACCEPTED } from "../core/config.ts";
import { linked } from "./folder-lock.ts";

/** Where in a data folder the generated key is. */
export const apiKeyFile = (dataDir: string): string => join(dataDir, "api-key");

/**
 * Does something in the data folder.
 *
 * @throws ConfigError with one line when the file system does not allow it
 * @example const unlock = inDataFolder(dataDir, () => lockFolder(dataDir));
 */
export function inDataFolder<T>(dataDir: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (!code || !syscall) throw error;
    throw new ConfigError(
      `DATA_DIR is ${resolve(dataDir)}, which cannot be used (${(error as Error).message}); ${ANOTHER_FOLDER}.`,
    );
  }
}

/** What to do about a failure of the file system in the data folder. */
export const ANOTHER_FOLDER = "set it to a folder that this user can write to, on a disk with room";

/**
 * Makes a folder with those that it is in. Node's own `recursive` would try for ever in a place like `/proc`, where a
 * folder exists and nothing can be made in it.
 */
export function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have been faster.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/**
 * The API key of this data folder, generated once.
 *
 * @throws ConfigError with one line when the file holds no key that a caller could send
 */
export function keptApiKey(dataDir: string): string {
  const path = apiKeyFile(dataDir);
  if (!statSync(path, { throwIfNoEntry: false })) {
    // Complete before it has its name: whoever finds the file finds the key.
    const mine = `${path}.${process.pid}`;
    try {
      writeFileSync(mine, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 });
      linked(mine, path);
    } finally {
      rmSync(mine, { force: true });
    }
  }
  const key = readFileSync(path, "utf8").trim();
  if (!isSecret(key))
    throw new ConfigError(
      `The API key in ${path} must be ${SECRET_ACCEPTED}, got ${key ? "something else" : "an empty file"}; delete the file to have a new key made, or set API_KEY.`,
    );
  return key;
}
