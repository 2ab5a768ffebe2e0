/**
 * `npm run chaos`: real workers on a PostgreSQL and a Redis that it starts itself, tormented for some minutes; then what
 * they did is compared with what is promised. `-- --minutes 8 --seed 1`: the same seed plans the same faults.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { findBinaries } from "./binaries.ts";
import { runChaos } from "./chaos.ts";
import { describeChaos } from "./report.ts";

const DRAIN_LIMIT_MS = 120_000;

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "8" }, seed: { type: "string" } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes is ${values.minutes}; it must be more than 0`);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (!Number.isInteger(seed)) throw new Error(`--seed is ${values.seed}; it must be a whole number`);

const binaries = findBinaries();
if (typeof binaries === "string") {
  console.error(binaries);
  process.exit(1);
}
console.log(`chaos for ${minutes} min, seed ${seed}`);
const report = await runChaos({ minutes, seed, drainLimitMs: DRAIN_LIMIT_MS, binaries });
console.log(describeChaos(report));
process.exit(report.violations.length === 0 ? 0 : 1);
