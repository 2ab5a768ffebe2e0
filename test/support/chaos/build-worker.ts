import { join } from "node:path";
import { build } from "esbuild";
import { BANNER, ROOT } from "../../../scripts/bundle.ts";

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
