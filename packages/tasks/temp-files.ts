/**
 * Deletes files that a task names, which means that a caller of the API names them: nothing outside the data folder may
 * be reached, by whatever spelling, and nothing in it that the embedded stack needs.
 *
 * What is unlinked is always the real path of the folder plus the last name, so a link on the way is resolved before it
 * is checked, and a link at the end is removed and never followed.
 */
import { lstat, realpath, unlink } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import * as v from "valibot";
import { PermanentError } from "#core";
import { messageOf, quote } from "../core/errors.ts";
import type { OwnErrorCode } from "./error-codes.ts";

/** Files that one task may name. */
const TEMP_FILES_LIMIT = 10_000;

/** A list of files, for the schemas of tasks. */
export const fileNames = v.pipe(
  v.array(v.string()),
  v.maxLength(
    TEMP_FILES_LIMIT,
    ({ input }) => `must have at most ${TEMP_FILES_LIMIT} files, got ${input.length}`,
  ),
);

/** The embedded Postgres, the lock that keeps two processes off it, and the key of the API. */
const PROTECTED = ["postgres", "tickwork.lock", "api-key"];

/** Files that an error names at most. */
const NAMED_FILES = 5;

export interface FileNote {
  /** As the task named it. */
  file: string;
  reason: string;
}

/** What became of the files. */
export interface FileReport {
  deleted_files: number;
  /** Not there: never, or deleted before, perhaps by an earlier attempt of this task. */
  missing_files: number;
  /** May not be deleted. */
  refused_files: FileNote[];
  /** May be deleted, but the file system did not allow it. */
  failed_files: (FileNote & { code: string })[];
}

export interface DeleteOptions {
  /** The folder that relative names are relative to, and that no file may be outside of. */
  dataDir: string;
  signal: AbortSignal;
  /** Called after each file, 0 to 1. */
  progress(fraction: number): Promise<void>;
}

/**
 * Deletes the files one by one. A file that is refused or fails does not keep the others from being deleted.
 *
 * @throws the reason of `signal` if that aborts
 */
export async function deleteTempFiles(
  files: readonly string[],
  { dataDir, signal, progress }: DeleteOptions,
): Promise<FileReport> {
  const report: FileReport = { deleted_files: 0, missing_files: 0, refused_files: [], failed_files: [] };
  const folder = await lookAt(dataDir);
  for (const [n, file] of files.entries()) {
    signal.throwIfAborted();
    try {
      const found = await locate(folder, file);
      if ("refused" in found) report.refused_files.push({ file, reason: found.refused });
      else {
        await unlink(found.path);
        report.deleted_files++;
      }
    } catch (error) {
      const code = codeOf(error);
      if (isMissing(code)) report.missing_files++;
      else report.failed_files.push({ file, reason: messageOf(error), code: code ?? FAILED });
    }
    await progress((n + 1) / files.length);
  }
  return report;
}

const FAILED: OwnErrorCode = "cleanup_failed";
const REFUSED: OwnErrorCode = "cleanup_refused";

/**
 * The error that ends a task whose report has refused or failed files. What was refused will be refused again, so that
 * is permanent; what failed may succeed the next time, when the files that are gone count as missing.
 */
export function errorOf({ refused_files, failed_files, ...done }: FileReport): Error | undefined {
  const rest = `${done.deleted_files} deleted, ${done.missing_files} missing`;
  if (refused_files.length > 0)
    return new PermanentError(
      `${refused_files.length} files may not be deleted (${rest}): ${name(refused_files)}`,
      { code: REFUSED },
    );
  const [first] = failed_files;
  if (!first) return undefined;
  return Object.assign(
    new Error(`${failed_files.length} files could not be deleted (${rest}): ${name(failed_files)}`),
    { name: "CleanupError", code: first.code },
  );
}

function name(notes: readonly FileNote[]): string {
  const named = notes.slice(0, NAMED_FILES).map(({ file, reason }) => `${quote(file)} ${reason}`);
  return [...named, ...(notes.length > NAMED_FILES ? ["…"] : [])].join("; ");
}

interface Folder {
  /** As configured, made absolute. */
  given: string;
  /** Where it really is; undefined if it does not exist. */
  real: string | undefined;
  /** Real paths that must not be deleted. */
  protected: string[];
}

async function lookAt(dataDir: string): Promise<Folder> {
  const given = resolve(dataDir);
  const real = await realpathIfThere(given);
  if (real === undefined) return { given, real, protected: [] };
  // Each may be a link to where its data is.
  const links = await Promise.all(PROTECTED.map((entry) => realpathIfThere(join(real, entry))));
  return { given, real, protected: links.filter((path) => path !== undefined) };
}

/**
 * The real path of a file that may be deleted, or why it may not, as the rest of a sentence that begins with its name.
 *
 * @throws ENOENT if it does not exist
 */
async function locate(folder: Folder, file: string): Promise<{ path: string } | { refused: string }> {
  if (file.includes("\0")) return { refused: "has a zero byte in its name" };
  if (file.split(/[\\/]/).includes("..")) return { refused: "has .. in its path" };
  const path = resolve(folder.given, file);
  if (path === folder.given || path === folder.real) return { refused: "is the data folder itself" };
  const lexicallyIn = [folder.given, folder.real].some((base) => base !== undefined && isWithin(base, path));
  if (!lexicallyIn) return { refused: "lies outside the data folder" };
  // If there is no data folder, this throws.
  const root = folder.real ?? (await realpath(folder.given));

  const target = join(await realpath(dirname(path)), basename(path));
  if (!isWithin(root, target)) return { refused: "lies outside the data folder, through a link" };
  if (isProtected(root, folder, target)) return { refused: "belongs to the embedded stack" };

  const stats = await lstat(target);
  if (stats.isDirectory()) return { refused: "is a folder" };
  if (!stats.isFile() && !stats.isSymbolicLink()) return { refused: "is neither a file nor a link" };
  return { path: target };
}

function isProtected(root: string, folder: Folder, target: string): boolean {
  // Some file systems do not distinguish upper and lower case.
  const [first = ""] = relative(root, target).toLowerCase().split(sep);
  return (
    PROTECTED.includes(first) || folder.protected.some((path) => path === target || isWithin(path, target))
  );
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

async function realpathIfThere(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isMissing(codeOf(error))) return undefined;
    throw error;
  }
}

function isMissing(code: string | undefined): boolean {
  return code === "ENOENT" || code === "ENOTDIR";
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
