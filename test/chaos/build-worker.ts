import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "../..");

/** Packages inside that are CommonJS call `require`. */
const BANNER = `import { createRequire as topLevelCreateRequire } from "node:module"; const require = topLevelCreateRequire(import.meta.url);`;

/**
 * The server that ships, as one file with other tasks in it: it starts four times as fast as the sources do, which
 * counts where workers die every other second.
 *
 * @param tasks the module that exports `definitions`
 */
export async function buildWorker(tasks: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [join(ROOT, "packages/local/main.ts")],
    outfile,
    absWorkingDir: ROOT,
    bundle: true,
    platform: "node",
    format: "esm",
    mainFields: ["module", "main"],
    banner: { js: BANNER },
    // What runs on servers never loads them.
    external: ["@electric-sql/pglite", "@aws-sdk/*", "pg-native"],
    logLevel: "error",
    plugins: [
      {
        name: "tasks",
        setup: ({ onResolve }) => onResolve({ filter: /^#tasks$/ }, () => ({ path: tasks })),
      },
    ],
  });
}
