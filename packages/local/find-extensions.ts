import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, type Logger } from "#core";
import { messageOf } from "../core/errors.ts";
import { shown } from "./load-refusal.ts";

export interface Extension {
  kind: "hook" | "schedule";
  /** The absolute path of its module. */
  file: string;
}

/** Folders of extensions, each a file or a folder of its own. */
const FOLDERS = { hooks: "hook", schedules: "schedule" } as const;
/** How Baasix names the folder of one extension. */
const BAASIX_NAME = /^baasix-(hook|schedule|endpoint)-./;
const MODULE = /(?<!\.d)\.[cm]?[jt]s$/;
/** What is built comes before its source. */
const INDEXES = ["js", "mjs", "cjs", "ts", "mts", "cts"].map((extension) => `index.${extension}`);

const ACCEPTED = "hooks/*, schedules/*, baasix-hook-*/index.js or baasix-schedule-*/index.js";

/**
 * The extensions in a folder, hooks first, by their names: a schedule may cause what a hook waits for.
 *
 * @throws ConfigError with one line when there is no such folder, or nothing in it
 */
export function findExtensions(folder: string, log: Pick<Logger, "warn">): Extension[] {
  const found = namesIn(folder).flatMap((name): Extension[] => {
    const path = join(folder, name);
    if (name in FOLDERS) {
      const kind = FOLDERS[name as keyof typeof FOLDERS];
      return namesIn(path)
        .flatMap((inside) => moduleAt(join(path, inside)) ?? [])
        .map((file) => ({ kind, file }));
    }
    const [, kind] = BAASIX_NAME.exec(name) ?? [];
    if (kind === "endpoint")
      log.warn(`${shown(path)} is not loaded: Tickwork has no endpoints of extensions.`);
    if (kind !== "hook" && kind !== "schedule") return [];
    const file = moduleAt(path);
    if (!file) throw new ConfigError(`${shown(path)} must have an index.js, and has none.`);
    return [{ kind, file }];
  });
  if (found.length === 0) throw new ConfigError(`${shown(folder)} must have ${ACCEPTED}, and has none.`);
  return found.sort((one, other) => (one.kind < other.kind ? -1 : one.kind > other.kind ? 1 : 0));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    throw new ConfigError(`${shown(folder)} must be a folder with ${ACCEPTED} (${messageOf(error)}).`);
  }
}

/** A module, or the one that a folder leads to. */
function moduleAt(path: string): string | undefined {
  if (!statSync(path).isDirectory()) return MODULE.test(path) ? path : undefined;
  return INDEXES.map((name) => join(path, name)).find((file) => existsSync(file));
}
