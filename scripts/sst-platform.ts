/** Installs SST's platform, against which `infra/` is type-checked and with which it is evaluated. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { execute, ROOT, tool } from "./execute.ts";

/** SST refuses a platform of another version, so it is installed again after an upgrade. */
const { version } = JSON.parse(readFileSync(join(ROOT, "node_modules/sst/package.json"), "utf8")) as {
  version: string;
};

/** Installs `.sst/platform` into an app's folder, with nothing but npm's registry. */
export function installPlatform(app: string): void {
  const current = join(app, ".sst/platform/version");
  const complete = existsSync(join(app, ".sst/provider-lock.json"));
  if (complete && existsSync(current) && readFileSync(current, "utf8").trim() === version) return;
  tool("sst", ["install"], app, {
    // Otherwise SST would download a Bun of its own.
    SST_BUN_PATH: process.env.SST_BUN_PATH ?? bun(),
    XDG_CONFIG_HOME: join(ROOT, ".sst-home"),
    SST_TELEMETRY_DISABLED: "1",
    SST_SKIP_DEPENDENCY_CHECK: "1",
    SST_STAGE: "dev",
  });
}

const PLACEHOLDER_LIMIT_BYTES = 1_000_000;

/** The Bun of this repository. */
export function bun(): string {
  const home = dirname(createRequire(import.meta.url).resolve("bun/package.json"));
  const binary = join(home, "bin/bun.exe");
  // Where npm runs no install scripts, this is still a placeholder; the script only moves the binary into place.
  if (statSync(binary).size < PLACEHOLDER_LIMIT_BYTES)
    execute(process.execPath, [join(home, "install.js")], home);
  return binary;
}
