import { execFile } from "node:child_process";
import { relative } from "node:path";
import { promisify } from "node:util";
import { ConfigError } from "#core";
import { messageOf } from "../core/errors.ts";

/** What looks for a syntax error gets so long. */
const CHECK_LIMIT_MS = 10_000;

/**
 * Says in one line why a module could not be loaded, and where: in the module itself, or in one beside it that it
 * imports.
 *
 * @param file the absolute path of the module
 * @param folder the modules in it are the user's own
 */
export async function loadRefusal(file: string, folder: string, error: unknown): Promise<ConfigError> {
  const place =
    placeIn(textOf(error), file) ??
    placeIn(textOf(error), folder) ??
    (error instanceof SyntaxError ? await placeOfSyntaxError(file) : undefined) ??
    file;
  const [reason = ""] = messageOf(error).split("\n", 1);
  return new ConfigError(`${shown(place)} cannot be loaded: ${reason.trim()}`, { cause: error });
}

/** A path as users write it. */
export function shown(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") ? path : fromHere;
}

/** The first `path:line` in a text, of a file or of any in a folder that is not a package's. */
function placeIn(text: string, path: string): string | undefined {
  for (const rest of text.split(path).slice(1)) {
    const [, inside = "", line] = /^([^\s():?]*)(?:\?[^\s:]*)?:(\d+)/.exec(rest) ?? [];
    if (line && !inside.includes("node_modules")) return `${path}${inside}:${line}`;
  }
  return undefined;
}

/** The stack, in which files are paths or addresses; loaders of TypeScript may have the place in the message. */
function textOf(error: unknown): string {
  const { stack = "", message = "" } = error instanceof Error ? error : {};
  return `${stack}\n${message}`.replaceAll("%20", " ");
}

/** Node keeps the line of a syntax error in an ES module to itself, until nobody catches it. */
async function placeOfSyntaxError(file: string): Promise<string | undefined> {
  const checking = promisify(execFile)(process.execPath, ["--check", file], { timeout: CHECK_LIMIT_MS });
  return checking.then(
    () => undefined,
    ({ stderr }: { stderr?: string }) => placeIn(stderr ?? "", file),
  );
}
