/**
 * How the functions are bundled, and how an app's own tasks get into the bundles.
 *
 * The functions of the published package import their tasks from a package `tickwork-own-tasks`, which nobody installs:
 * the builder looks for it in a folder with a single line that re-exports the app's module. In this repository, they
 * import `#tasks`, which leads there under a condition of the same name. Conditions and `nodePaths` are esbuild options
 * that SST passes on (4.17.1 drops `alias`). No plugin runs, and the handlers that ship are in a bundle only if the
 * app's module imports them.
 *
 * Nothing here needs SST, so that tests and benchmarks bundle exactly what is deployed (`scripts/bundle.ts`).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The package, the name of its file, and the condition. */
export const OWN_TASKS = "tickwork-own-tasks";

/**
 * The `nodejs` option of SST's functions.
 *
 * @param registry the module that exports the task definitions, as an absolute path
 * @param folder where the builder will find it; created if absent
 */
export function bundling(registry: string, folder: string) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${OWN_TASKS}.ts`), `export * from ${JSON.stringify(registry)};\n`);
  return {
    minify: true,
    // Code imported with `import()` goes to files of its own and costs a cold start nothing.
    splitting: true,
    esbuild: {
      // Lambda's runtime provides the SDK, for ES modules too; it is loaded when it is first needed.
      external: ["@aws-sdk/*"],
      // SST's default keeps the names of functions and classes, which costs 22 KiB; errors here set their own.
      keepNames: false,
      // Conditions given here replace esbuild's default, which is `module`.
      conditions: ["module", OWN_TASKS],
      nodePaths: [folder],
    },
  };
}
