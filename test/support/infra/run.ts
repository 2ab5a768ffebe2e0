/** Evaluates a scenario in a process of its own. */
import { execFile } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import type { Evaluation } from "./evaluate.ts";
import type { Scenario } from "./scenarios.ts";

export const ROOT = join(import.meta.dirname, "../../..");
/** Not in the repository. */
export const SCRATCH = join(ROOT, ".tmp/infra");
const EVALUATOR = join(SCRATCH, "evaluate.mjs");
/** Pulumi keeps a stack for each of its promises, which is a fifth of the time with Node's ten lines. */
const QUICK = "--stack-trace-limit=1";

/** Builds the evaluator as one plain file: a TypeScript loader would also process SST's platform. */
export async function buildEvaluator(): Promise<void> {
  await mkdir(SCRATCH, { recursive: true });
  await build({
    entryPoints: [join(import.meta.dirname, "evaluate.ts")],
    outfile: EVALUATOR,
    bundle: true,
    format: "esm",
    platform: "node",
    external: ["esbuild"],
    logLevel: "silent",
  });
}

/**
 * @param file where the result goes
 * @throws Error with what the program printed, when it fails
 */
export async function run(
  { app = ".", config = join(app, "sst.config.ts"), stage, env = {}, secrets = {} }: Scenario,
  file: string,
): Promise<Evaluation> {
  // From the shell that the tests run in, only what a process needs.
  const { PATH = "", HOME = "" } = process.env;
  const args = [QUICK, EVALUATOR, resolve(ROOT, app), stage, resolve(ROOT, config)];
  await promisify(execFile)(process.execPath, args, {
    cwd: ROOT,
    env: {
      PATH,
      HOME,
      ...env,
      ...Object.fromEntries(Object.entries(secrets).map(([name, value]) => [`SST_SECRET_${name}`, value])),
      EVALUATION_FILE: file,
    },
  });
  return JSON.parse(await readFile(file, "utf8")) as Evaluation;
}
