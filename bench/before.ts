/**
 * `npm run bench:before -- COMMIT [OPTIONS]`: what this version costs beside an earlier one, where nothing new is used. Both run
 * as in `bench:peers`, in turn, each first in every other round. Prints the ratio of each round, and their median.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { execute, ROOT } from "../scripts/execute.ts";
import { lambdaNode } from "../scripts/lambda-node.ts";
import { serversAnswer } from "../scripts/local-servers.ts";
import { median } from "../scripts/median.ts";
import { buildProgram } from "./build-program.ts";
import { CONTENDERS } from "./contenders.ts";
import { MEASURES, type Values } from "./measures.ts";
import { runOnce } from "./run-once.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    measure: { type: "string", default: "drain" },
    form: { type: "string", default: "default" },
    rounds: { type: "string", default: "20" },
  },
});
const [commit] = positionals;
const measure = MEASURES[values.measure];
const contender = CONTENDERS.find(({ key }) => key === `tickwork:${values.form}`);
const rounds = Number(values.rounds);
if (!commit || !measure || !contender || !(rounds >= 1)) {
  console.error(
    `npm run bench:before -- COMMIT [--measure ${Object.keys(MEASURES).join("|")}] [--form default|tuned] [--rounds N]`,
  );
  process.exit(1);
}
if (!serversAnswer) {
  console.error("No PostgreSQL at 127.0.0.1:5432 or no Redis at 127.0.0.1:6379.");
  process.exit(1);
}

/** The earlier version with its own packages, in a folder that is gone when this ends. */
function checkOut(version: string): string {
  const folder = mkdtempSync(join(tmpdir(), "tickwork-before-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  execute("git", ["clone", "--quiet", "--shared", "--no-checkout", ROOT, folder]);
  execute("git", ["checkout", "--quiet", "--detach", version], folder);
  execute("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"], folder);
  return folder;
}

const before = await buildProgram(checkOut(commit), "adapters", "tickwork");
const now = await buildProgram(ROOT, "adapters", "tickwork");
const { path } = await lambdaNode();
const ratios: Record<string, number[]> = {};
for (let round = 0; round < rounds; round++) {
  const measured = new Map<string, Values>();
  for (const program of round % 2 === 0 ? [before, now] : [now, before])
    measured.set(
      program,
      await runOnce(measure, contender, { node: path, program, delayMs: 0, extent: { whole: false } }),
    );
  for (const [column, value] of Object.entries(measured.get(now) ?? {})) {
    const ratio = value / (measured.get(before)?.[column] ?? Number.NaN);
    ratios[column] = [...(ratios[column] ?? []), ratio];
    console.log(`round ${round + 1}: ${column} ${value.toPrecision(4)}, ${ratio.toFixed(3)} of before`);
  }
}
for (const [column, all] of Object.entries(ratios)) {
  const [low, high] = quartiles(all);
  console.log(`${column}: ${median(all).toFixed(3)} of before, half of the rounds from ${low} to ${high}`);
}

function quartiles(all: readonly number[]): [string, string] {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN).toFixed(3);
  return [at(0.25), at(0.75)];
}
