/** The user's module of tasks, as TypeScript or JavaScript, without any set-up. */
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { createJiti, type Jiti } from "jiti";
import { ConfigError, type Definitions, TickworkError } from "#core";
import { messageOf } from "../core/errors.ts";
import { definitionsOf } from "../core/tasks/definitions-of.ts";
import { createRegistry } from "../core/tasks/registry.ts";
import { withinLimit } from "../core/within-limit.ts";
import type { ServerOptions } from "../local/server.ts";
import { placeOf, placesOfType } from "./places.ts";

export interface LoadedTasks {
  definitions: Definitions;
  /** Of the tasks. */
  types: string[];
  /** The module, and what it imports of the user's own files; absolute paths. */
  files: string[];
}

/** A module of tasks that cannot be used. */
export class TasksError extends ConfigError {
  /** What was loaded before it failed, for whoever waits for a change. */
  readonly files: string[];

  constructor(message: string, files: string[], options?: ErrorOptions) {
    super(message, options);
    this.files = files;
  }
}

/** A module may wait for something at its top level, but not for ever. */
const LOAD_LIMIT_MS = 60_000;

/**
 * Loads the definitions of a module and checks them as a server does when it starts. `tickwork` is the one that runs
 * this, wherever the module is: its errors and hooks must be those that the server knows.
 *
 * @param path from the working directory
 * @throws TasksError with one line, which names file and line where there is such
 * @example const { definitions } = await loadTasks("./tasks.ts");
 */
export async function loadTasks(path: string): Promise<LoadedTasks> {
  const file = resolve(path);
  if (!existsSync(file))
    throw new TasksError(
      `There is no ${path}. \`npx tickwork init\` writes a tasks.ts; --tasks <file> names another one.`,
      [],
    );
  const jiti = await createLoader(dirname(file)).catch((error: unknown) => {
    throw new TasksError(`The tsconfig.json of ${path} cannot be used: ${messageOf(error)}`, [file], {
      cause: error,
    });
  });
  const files = () => Object.keys(jiti.cache).filter(isOwn);
  const refuse = (message: string, cause: unknown) => new TasksError(message, files(), { cause });
  let module: Record<string, unknown>;
  try {
    module = await withinLimit(
      LOAD_LIMIT_MS,
      () => jiti.import<Record<string, unknown>>(file),
      () => new ConfigError(`${path} did not load within ${LOAD_LIMIT_MS / 1000} s; what does it wait for?`),
    );
  } catch (error) {
    if (error instanceof ConfigError) throw refuse(error.message, error);
    const { place, message } = placeOf(error, files());
    throw refuse(`${shown(place ?? file)}: ${message}`, error);
  }
  try {
    const definitions = definitionsOf(module, shown(file));
    const { types } = createRegistry(definitions);
    return { definitions, types, files: files() };
  } catch (error) {
    if (error instanceof TickworkError) {
      const [, type = ""] = /^Task type "(.*)":/.exec(error.message) ?? [];
      const places = placesOfType(type, files());
      throw refuse(
        `${places.length > 0 ? places.map(shown).join(" and ") : shown(file)}: ${error.message}`,
        error,
      );
    }
    throw refuse(messageOf(error), error);
  }
}

/**
 * A loader of modules as TypeScript or JavaScript, for those in or below a folder. Loaded anew each time, and nothing
 * is left behind in the project.
 */
export async function createLoader(folder: string): Promise<Jiti> {
  const [HooksService, TasksService, cache, database] = await Promise.all([
    import("../compat/services/HooksService.ts"),
    import("../compat/services/TasksService.ts"),
    import("../compat/utils/cache.ts"),
    import("../compat/utils/database.ts"),
  ]);
  return createJiti(pathToFileURL(join(folder, "index.js")).href, {
    fsCache: false,
    tsconfigPaths: true,
    virtualModules: {
      tickwork: await import("#tickwork"),
      "tickwork/client": await import("#client"),
      "tickwork/compat": await import("#compat"),
      "tickwork/compat/services/HooksService": HooksService,
      "tickwork/compat/services/TasksService": TasksService,
      "tickwork/compat/utils/cache": cache,
      "tickwork/compat/utils/database": database,
      "tickwork/tasks": await import("#tasks"),
    },
  });
}

const isOwn = (file: string) => !file.includes(`${sep}node_modules${sep}`);

/** As one types it. */
const shown = (file: string): string => {
  const near = relative(process.cwd(), file);
  return near.startsWith("..") ? file : `.${sep}${near}`;
};

/** The options of a server for a folder of extensions, which are loaded as the tasks are, TypeScript included. */
export async function extensionsIn(
  folder: string | undefined,
): Promise<Pick<ServerOptions, "extensions" | "load">> {
  if (folder === undefined) return {};
  const loader = await createLoader(resolve(folder));
  return { extensions: folder, load: (file) => loader.import(file) };
}
