/**
 * Where the functions' code is, and how a registry of somebody else's tasks gets into it.
 *
 * The functions import their tasks as `#tasks`, a subpath import of this package. Under the condition
 * `tickwork-own-tasks` that import leads to a package of the same name, and the builder is told to look for it in a
 * folder where one line passes on the registry that was asked for. Conditions and `nodePaths` are options of esbuild
 * that SST hands on (4.17.1 drops `alias`); no plugin runs, and the handlers that ship are in a bundle only if the
 * registry imports them.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";

/** The condition, the package that it leads to, and the name of its file. */
const OWN_TASKS = "tickwork-own-tasks";

export interface Handlers {
  /** The handler of a function, as SST wants it: from the folder of sst.config.ts. */
  path(name: "tick" | "refresh" | "api" | "migrate"): string;
  /** How SST bundles it. */
  nodejs: NonNullable<sst.aws.FunctionArgs["nodejs"]>;
}

/** @param tasks the module that exports `definitions`, from the folder of sst.config.ts */
export function handlers(tasks: string): Handlers {
  const { root } = $cli.paths;
  // The program is bundled, so its own place in the file system is not this package's.
  const home = dirname(createRequire(join(root, "sst.config.ts")).resolve("tickwork/package.json"));
  return {
    path: (name) => `${relative(root, join(home, "functions", name)).replaceAll("\\", "/")}.handler`,
    nodejs: {
      minify: true,
      esbuild: {
        // Lambda's runtime has the SDK and finds it for ES modules too; it is loaded when it is first needed.
        external: ["@aws-sdk/*"],
        // SST would have esbuild keep the names of functions and classes, at 22 KiB; errors here state theirs.
        keepNames: false,
        // Given conditions replace esbuild's default, which is the first.
        conditions: ["module", OWN_TASKS],
        nodePaths: [passOn(resolve(root, tasks))],
      },
    },
  };
}

/** @returns the folder in which the builder finds the registry */
function passOn(registry: string): string {
  const folder = join($cli.paths.work, "tickwork");
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, `${OWN_TASKS}.ts`),
    `export { definitions } from ${JSON.stringify(registry)};\n`,
  );
  return folder;
}
