/** The programs that tests start, built once a run: a hundred processes start them, and would compile each file anew. */
import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "../imports.ts";

const PROGRAMS = {
  cli: "packages/cli/main.ts",
  local: "packages/local/main.ts",
  "init-postgres": "packages/local/init-postgres.js",
};

/** Builds them and returns their folder, which is inside of the repository, where their packages are found. */
export async function buildPrograms(): Promise<string> {
  const own = join(ROOT, ".tmp");
  mkdirSync(own, { recursive: true });
  const folder = mkdtempSync(join(own, "programs-"));
  await build({
    entryPoints: PROGRAMS,
    absWorkingDir: ROOT,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    packages: "external",
    logLevel: "error",
  });
  return folder;
}

/**
 * What `node` is given to run it. WebAssembly, the embedded Postgres, is compiled quickly and not once more in the
 * background: for processes that live for seconds that took as long as all else they do.
 */
export function programArgs(name: keyof typeof PROGRAMS): string[] {
  return ["--liftoff-only", join(process.env.TICKWORK_PROGRAMS ?? "", `${name}.js`)];
}
