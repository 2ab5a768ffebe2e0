/**
 * What the checks of the infrastructure and of the package begin with: the built package, SST's platform for this
 * repository and for the example app.
 */
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { execute, ROOT } from "./execute.ts";
import { installPlatform } from "./sst-platform.ts";

const EXAMPLE = join(ROOT, "examples/own-app");

/** Does what `npm install` would do for `"tickwork": "file:../.."`. */
function linkTickwork(app: string): void {
  const link = join(app, "node_modules/tickwork");
  if (existsSync(link)) return;
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join("..", "..", ".."), link, "dir");
}

export function prepare(): void {
  execute("npm", ["run", "--silent", "build"]);
  linkTickwork(EXAMPLE);
  for (const app of [ROOT, EXAMPLE]) installPlatform(app);
}
