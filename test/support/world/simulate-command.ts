/**
 * `npm run simulate -- --runs 10000`: tells stories of every kind with the real core, on all cores, and says which go
 * wrong. `--seed` tells the same ones again, `--kind` only some.
 */
import { fork } from "node:child_process";
import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { openWorldDatabase } from "./database.ts";
import { type Kind, kinds } from "./scenario.ts";
import { describeFinding, search } from "./search.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    seed: { type: "string" },
    kind: { type: "string" },
    /** Set for the processes that this one starts. */
    share: { type: "string" },
  },
});

interface Share {
  kind: Kind;
  runs: number;
  seed: number;
}

/** A process with an embedded Postgres of its own. */
async function work(shares: Share[]): Promise<void> {
  const db = await openWorldDatabase();
  let wrong = false;
  for (const { kind, runs, seed } of shares) {
    const began = performance.now();
    const finding = await search(db, kind, { runs, seed });
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(
      finding
        ? describeFinding(finding)
        : `${kind.padEnd(10)} ${String(runs).padStart(6)} stories, seed ${seed}: fine (${seconds} s)`,
    );
    wrong ||= finding !== undefined;
  }
  process.exit(wrong ? 1 : 0);
}

/** The stories, evenly over the kinds and the cores. */
async function distribute(): Promise<void> {
  const chosen = values.kind ? kinds.filter((kind) => values.kind?.split(",").includes(kind)) : kinds;
  if (chosen.length === 0)
    throw new Error(`--kind is ${values.kind}; it must be some of ${kinds.join(", ")}`);
  const runs = Number(values.runs);
  if (!(Number.isInteger(runs) && runs > 0))
    throw new Error(`--runs is ${values.runs}; it must be a whole number of 1 or more`);
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  const workers = Math.min(availableParallelism(), runs);
  const began = performance.now();
  console.log(`${runs} stories of ${chosen.length} kinds on ${workers} cores, seed ${seed}`);
  const shares = Array.from({ length: workers }, (_, worker) =>
    chosen.map(
      (kind, n): Share => ({
        kind,
        runs: Math.ceil(runs / chosen.length / workers),
        seed: (seed + worker * 1_000 + n) % 2 ** 31,
      }),
    ),
  );
  const codes = await Promise.all(
    shares.map(
      (share) =>
        new Promise<number>((resolve) => {
          fork(new URL(import.meta.url), ["--share", JSON.stringify(share)], {
            execArgv: ["--import", "tsx"],
          }).on("exit", (code) => resolve(code ?? 1));
        }),
    ),
  );
  console.log(`${((performance.now() - began) / 1000).toFixed(0)} s`);
  process.exit(codes.every((code) => code === 0) ? 0 : 1);
}

if (values.share) await work(JSON.parse(values.share) as Share[]);
else await distribute();
