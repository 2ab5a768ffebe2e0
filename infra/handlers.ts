/** Finds the functions' code. */
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { bundling } from "./bundling.ts";

export interface Handlers {
  /** The handler of a function, relative to the folder of sst.config.ts, as SST wants it. */
  path(name: "tick" | "refresh" | "api" | "migrate"): string;
  /** How SST bundles it. */
  nodejs: NonNullable<sst.aws.FunctionArgs["nodejs"]>;
}

/**
 * @param tasks the module that exports the task definitions, relative to the folder of sst.config.ts
 * @param functions the folder of the functions' code, in the package
 */
export function handlers(tasks: string, functions: string): Handlers {
  const { root, work } = $cli.paths;
  // The program is bundled, so its own location is not that of this package.
  const home = dirname(createRequire(join(root, "sst.config.ts")).resolve("tickwork/package.json"));
  return {
    path: (name) => `${relative(root, join(home, functions, name)).replaceAll("\\", "/")}.handler`,
    nodejs: bundling(resolve(root, tasks), join(work, "tickwork")),
  };
}
