/**
 * What the checks of the infrastructure and of the package begin with: the built package, SST's platform for this
 * repository and for the example app. With `TICKWORK_PREPARED=1` they take it for done, so that they can run side by side.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { execute, ROOT } from "./execute.ts";
import { installPlatform } from "./sst-platform.ts";

export const EXAMPLE = join(ROOT, "examples/own-app");

export function prepare(): void {
  if (process.env.TICKWORK_PREPARED) return;
  execute("npm", ["run", "--silent", "build"]);
  for (const app of [ROOT, EXAMPLE]) installPlatform(app);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) prepare();
