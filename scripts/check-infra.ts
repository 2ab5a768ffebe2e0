/**
 * `npm run check:infra`: checks what can be known of a deployment without AWS. Types against SST's real platform, then
 * the whole program under Pulumi's mocks, for this repository and for the example app.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const EXAMPLE = join(ROOT, "examples/own-app");

/** SST refuses a platform of another version, so it is installed again after an upgrade. */
const { version } = JSON.parse(readFileSync(join(ROOT, "node_modules/sst/package.json"), "utf8")) as {
  version: string;
};

/** Does what `npm install` would do for `"tickwork": "file:../.."`. */
function linkTickwork(app: string): void {
  const link = join(app, "node_modules/tickwork");
  if (existsSync(link)) return;
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join("..", "..", ".."), link, "dir");
}

/** Installs `.sst/platform`, with nothing but npm's registry. */
function installPlatform(app: string): void {
  const current = join(app, ".sst/platform/version");
  const complete = existsSync(join(app, ".sst/provider-lock.json"));
  if (complete && existsSync(current) && readFileSync(current, "utf8").trim() === version) return;
  run("sst", ["install"], app, {
    // Otherwise SST would download a Bun of its own.
    SST_BUN_PATH: process.env.SST_BUN_PATH ?? bun(),
    XDG_CONFIG_HOME: join(ROOT, ".sst-home"),
    SST_TELEMETRY_DISABLED: "1",
    SST_SKIP_DEPENDENCY_CHECK: "1",
    SST_STAGE: "dev",
  });
}

const PLACEHOLDER_LIMIT_BYTES = 1_000_000;

function bun(): string {
  const home = dirname(createRequire(import.meta.url).resolve("bun/package.json"));
  const binary = join(home, "bin/bun.exe");
  // Where npm runs no install scripts, this is still a placeholder; the script only moves the binary into place.
  if (statSync(binary).size < PLACEHOLDER_LIMIT_BYTES)
    execute(process.execPath, [join(home, "install.js")], home);
  return binary;
}

/** Runs a tool of this repository. */
function run(tool: string, args: string[], cwd = ROOT, env: Record<string, string> = {}): void {
  execute(join(ROOT, "node_modules/.bin", tool), args, cwd, env);
}

function execute(command: string, args: string[], cwd: string, env: Record<string, string> = {}): void {
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit", env: { ...process.env, ...env } });
  if (status === 0) return;
  console.error(`failed: ${[command, ...args].join(" ")}`);
  process.exit(status ?? 1);
}

linkTickwork(EXAMPLE);
for (const app of [ROOT, EXAMPLE]) installPlatform(app);
run("tsc", ["-p", "infra"]);
run("tsc", ["-p", "examples/own-app"]);
run("vitest", ["run", "--config", "test/infra/vitest.config.ts", ...process.argv.slice(2)]);
