import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { findBinaries } from "../support/chaos/binaries.ts";
import { runChaos } from "../support/chaos/chaos.ts";
import { describeChaos } from "../support/chaos/report.ts";

/** With what it takes to start the servers and to drain the queue, two minutes. */
const MINUTES = 1.6;
const DRAIN_LIMIT_MS = 40_000;
const TEST_LIMIT_MS = 240_000;

const binaries = findBinaries();
if (typeof binaries === "string") console.warn(`Chaos is skipped: ${binaries}`);

test.skipIf(typeof binaries === "string")(
  "on servers of its own: workers die and stop, Redis and Postgres restart, and every promise holds",
  async () => {
    if (typeof binaries === "string") return;
    const seed = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 31));
    const report = await runChaos({ minutes: MINUTES, seed, drainLimitMs: DRAIN_LIMIT_MS, binaries });
    const described = describeChaos(report);
    console.log(described);
    expect(report.violations, described).toEqual([]);
  },
  TEST_LIMIT_MS,
);
