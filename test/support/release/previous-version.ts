/** The version of Tickwork before this one, from the history of the repository. */
import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../bed/template.ts";

const ROOT = join(import.meta.dirname, "../../..");
/** While nothing is released: the state before unique keys, versions, schedules, keys and pauses came into the schema. */
const BEFORE_ANY_RELEASE = "031269e";

const git = (...args: string[]) =>
  execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();

/** Its tag or commit; undefined where the history is not here, as in a shallow clone. */
export function findPreviousVersion(): string | undefined {
  try {
    return git("describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^");
  } catch {
    try {
      return git("rev-parse", "--verify", `${BEFORE_ANY_RELEASE}^{commit}`);
    } catch {
      return undefined;
    }
  }
}

/** Its sources in a folder, with the packages that are installed here; returns what starts its server. */
export function checkOut(version: string): readonly string[] {
  const folder = temporaryFolder();
  const archive = execFileSync("git", ["archive", version, "packages", "package.json", "tsconfig.json"], {
    cwd: ROOT,
    maxBuffer: 100 * 1024 * 1024,
  });
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return ["--import", "tsx", join(folder, "packages/local/main.ts")];
}
