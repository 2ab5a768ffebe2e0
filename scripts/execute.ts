/** Runs other programs for our own, which end with them when they fail. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..");

/** Runs a tool of this repository. */
export function tool(name: string, args: string[], cwd = ROOT, env: Record<string, string> = {}): void {
  execute(join(ROOT, "node_modules/.bin", name), args, cwd, env);
}

/** Runs a program to its end, in this terminal. */
export function execute(command: string, args: string[], cwd = ROOT, env: Record<string, string> = {}): void {
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit", env: { ...process.env, ...env } });
  if (status === 0) return;
  console.error(`failed: ${[command, ...args].join(" ")}`);
  process.exit(status ?? 1);
}
