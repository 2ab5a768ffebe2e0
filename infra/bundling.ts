/**
 * How the functions are bundled, and how a registry of somebody else's tasks gets into the bundles.
 *
 * The functions import their tasks as `#tasks`, a subpath import of this package. Under the condition
 * `tickwork-own-tasks` that import leads to a package of the same name, and the builder is told to look for it in a
 * folder where one line passes on the registry that was asked for. Conditions and `nodePaths` are options of esbuild
 * that SST hands on (4.17.1 drops `alias`); no plugin runs, and the handlers that ship are in a bundle only if the
 * registry imports them.
 *
 * Nothing here needs SST to be there, so that tests and benchmarks bundle what is deployed (`scripts/bundle.ts`).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The condition, the package that it leads to, and the name of its file. */
const OWN_TASKS = "tickwork-own-tasks";

/**
 * What SST is told as `nodejs`.
 *
 * @param registry the module that exports `definitions`, as an absolute path
 * @param folder where the builder finds the registry; it is made
 */
export function bundling(registry: string, folder: string) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, `${OWN_TASKS}.ts`),
    `export { definitions } from ${JSON.stringify(registry)};\n`,
  );
  return {
    minify: true,
    // What is imported with `import()` is in files of its own, and costs a cold start nothing.
    splitting: true,
    esbuild: {
      // Lambda's runtime has the SDK and finds it for ES modules too; it is loaded when it is first needed.
      external: ["@aws-sdk/*"],
      // SST would have esbuild keep the names of functions and classes, at 22 KiB; errors here state theirs.
      keepNames: false,
      // Given conditions replace esbuild's default, which is the first.
      conditions: ["module", OWN_TASKS],
      nodePaths: [folder],
    },
  };
}
