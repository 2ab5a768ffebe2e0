/** The packed package and the scratch projects that have it, away from the repository. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

export const ROOT = join(import.meta.dirname, "../../..");
export const TOOLS = join(ROOT, "test/package/tools/node_modules");

/** What `npm pack --json` says. */
export interface Packed {
  filename: string;
  size: number;
  unpackedSize: number;
  files: { path: string; size: number }[];
}

/** Where everything is; `global-setup.ts` makes it and takes it away. */
export function scratch(): string {
  const folder = process.env.TICKWORK_SCRATCH;
  if (!folder) throw new Error("Only `npm run check:package` prepares what this suite needs.");
  return folder;
}

/** A project that has nothing but `tickwork`. */
export const plainProject = (): string => join(scratch(), "plain");

/** A project that has the newest embedded Postgres, too. */
export const embeddedProject = (): string => join(scratch(), "embedded");

/** Makes a folder of one's own in a project, with some files. */
export function filesIn(project: string, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(project, "files-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** What a shell gives a process, without what belongs to this run of tests. */
const { PATH = "", HOME = "" } = process.env;

/**
 * Runs a program to its end.
 *
 * @throws Error with what it printed, when it fails
 */
export async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const options = { cwd, env: { PATH, HOME, ...env }, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await promisify(execFile)(command, [...args], options).catch(
    (failure: { stdout: string; stderr: string; message: string }) => {
      throw new Error(
        `${command} ${args.join(" ")}\n${failure.stdout}\n${failure.stderr || failure.message}`,
      );
    },
  );
  return stdout;
}
