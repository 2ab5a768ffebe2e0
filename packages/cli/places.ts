/** Where in the user's files something is: `file:line:column`, or `file:line`. */
import { readFileSync } from "node:fs";
import { messageOf } from "../core/errors.ts";

/**
 * Where an error was thrown, as its stack says it; of a file that cannot be parsed, as the parser says it.
 *
 * @param files that count
 * @returns the message without that place
 */
export function placeOf(
  error: unknown,
  files: readonly string[],
): { place: string | undefined; message: string } {
  const message = messageOf(error);
  const [first = "", ...rest] = message.split("\n").map((line) => line.trim());
  if (/^ParseError: /.test(first)) {
    const place = rest.find((line) => /:\d+:\d+$/.test(line));
    return { place, message: first.replace("ParseError:", "syntax error:") };
  }
  const {
    stack = "",
    code,
    requireStack,
  } = error as { stack?: string; code?: string; requireStack?: string[] };
  const [, place] =
    [...stack.matchAll(/(?:\(|at |file:\/\/)((?:\/|[A-Za-z]:[\\/]).*?:\d+:\d+)\)?$/gm)].find(([, at = ""]) =>
      files.includes(at.replace(/:\d+:\d+$/, "")),
    ) ?? [];
  const absent = code === "MODULE_NOT_FOUND" ? /Cannot find module '(.*?)'/.exec(first)?.[1] : undefined;
  if (absent === undefined) return { place, message: first };
  const [importer] = requireStack ?? [];
  return {
    place: importer === undefined ? place : (lineWith(importer, absent) ?? importer),
    message: /^[./]/.test(absent)
      ? `there is no module ${absent}`
      : `the package ${absent} is not installed; run: npm install ${absent}`,
  };
}

/** Where a type is named, in each of the files. */
export function placesOfType(type: string, files: readonly string[]): string[] {
  const named = new RegExp(`\\btype["']?\\s*:\\s*["'\`]${type.replace(/[^\w\s]/g, "\\$&")}["'\`]`);
  return files.flatMap((file) =>
    linesOf(file).flatMap((line, n) => (named.test(line) ? [`${file}:${n + 1}`] : [])),
  );
}

function lineWith(file: string, text: string): string | undefined {
  const n = linesOf(file).findIndex((line) => line.includes(text));
  return n < 0 ? undefined : `${file}:${n + 1}`;
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    return [];
  }
}
