import { readNumber, readOptions, readSeed, refuse } from "../command-line.ts";
import { findBinaries } from "./binaries.ts";
import { runChaos } from "./chaos.ts";
import { describeChaos } from "./report.ts";

const USAGE = `npm run chaos -- [--minutes M] [--seed N]

Torments real workers, on a PostgreSQL and a Redis that it starts itself, and then compares what they did with what is
promised.

  --minutes M  how long the faults go on; 8 by default
  --seed N     plans the same faults again; a new seed by default`;

const DRAIN_LIMIT_MS = 120_000;

const options = readOptions(USAGE, ["minutes", "seed"]);
const minutes = readNumber("minutes", options.minutes ?? "8", { min: 0.1, whole: false });
const seed = readSeed(options.seed);
const binaries = findBinaries();
if (typeof binaries === "string") refuse(binaries);
console.log(`chaos for ${minutes} min, seed ${seed}`);
const report = await runChaos({ minutes, seed, drainLimitMs: DRAIN_LIMIT_MS, binaries });
console.log(describeChaos(report));
process.exit(report.violations.length === 0 ? 0 : 1);
