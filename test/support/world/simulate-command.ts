import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { readNumber, readOptions, readSeed, refuse } from "../command-line.ts";
import { openWorldDatabase } from "./database.ts";
import { type Kind, kinds } from "./kinds.ts";
import { describeFinding, search } from "./search.ts";

const USAGE = `npm run simulate -- [--runs N] [--seed N] [--kind KINDS]

Tells stories of every kind with the real core, on all cores, and says which of them go wrong.

  --runs N      how many stories; 1000 by default
  --seed N      tells the same stories again; a new seed by default
  --kind KINDS  only these kinds: ${kinds.join(",")}`;

/** `share` is what a process that this one starts has to do. */
const options = readOptions(USAGE, ["runs", "seed", "kind", "share"]);

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
  const wanted = options.kind?.split(",");
  const unknown = wanted?.find((kind) => !kinds.some((one) => one === kind));
  if (unknown !== undefined) refuse(`--kind must be some of ${kinds.join(",")}, got ${unknown}`);
  const chosen = kinds.filter((kind) => wanted?.includes(kind) ?? true);
  const runs = readNumber("runs", options.runs ?? "1000", { min: 1 });
  const seed = readSeed(options.seed);
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

if (options.share) await work(JSON.parse(options.share) as Share[]);
else await distribute();
