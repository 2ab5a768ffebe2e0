/**
 * `npm run check:infra`: checks what can be known of a deployment without AWS. Types against SST's real platform, then
 * the whole program under Pulumi's mocks, for this repository and for the example app, which uses the built package.
 */
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { tool } from "./execute.ts";
import { EXAMPLE, prepare } from "./prepare-checks.ts";

/** Does what `npm install` would do for `"tickwork": "file:../.."`. */
function linkTickwork(app: string): void {
  const link = join(app, "node_modules/tickwork");
  if (existsSync(link)) return;
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join("..", "..", ".."), link, "dir");
}

prepare();
linkTickwork(EXAMPLE);
tool("tsc", ["-p", "infra"]);
tool("tsc", ["-p", "examples/own-app"]);
tool("vitest", ["run", "--config", "test/infra/vitest.config.ts", ...process.argv.slice(2)]);
