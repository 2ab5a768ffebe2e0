/**
 * `npm run check:package`: builds and packs the package, installs it in scratch projects, and uses it there as users
 * do: in every runtime, under two versions of TypeScript, in bundles, in an SST app, in functions on Lambda.
 */
import { join } from "node:path";
import { execute, ROOT, tool } from "./execute.ts";
import { prepare } from "./prepare-checks.ts";

/** Runtimes, an older compiler and two linters, which only this check needs. Nothing happens if they are there. */
execute("npm", [
  "install",
  "--no-save",
  "--no-audit",
  "--no-fund",
  "--silent",
  "--prefix",
  join(ROOT, "test/package/tools"),
]);
prepare();
tool("vitest", ["run", "--config", "test/package/vitest.config.ts", ...process.argv.slice(2)]);
