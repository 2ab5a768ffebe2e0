/**
 * Real workers on servers of their own, tormented for some minutes: they are killed and stopped, Redis is emptied and
 * restarted, Postgres is cut off and restarted, while a client posts tasks. Then the queue drains, and what handlers
 * wrote into their journals is compared with what was promised.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../eventually.ts";
import { countOpen, installAudit, readLeases, readRows } from "./audit.ts";
import type { Binaries } from "./binaries.ts";
import { buildWorker } from "./build-worker.ts";
import { check, type Verdict } from "./check.ts";
import { startClient } from "./client.ts";
import { type Fault, inflict, planFaults } from "./faults.ts";
import { lastLines, startFleet } from "./fleet.ts";
import { readJournal } from "./handler-journal.ts";
import { openOwnPostgres } from "./own-postgres.ts";
import { openOwnRedis } from "./own-redis.ts";
import { startProbe } from "./probe.ts";
import { seeded } from "./random.ts";

const WORKERS = 4;
const SLOTS = 3;
const LEASE_SECONDS = 2;
/** Half of what the slots can do, for faults take their part. */
const TASKS_PER_SECOND = 4;
const START_LIMIT_MS = 30_000;

export interface ChaosOptions {
  minutes: number;
  seed: number;
  /** What the client and the queue may take when the faults have stopped. */
  drainLimitMs: number;
  binaries: Binaries;
}

export interface ChaosReport extends Verdict {
  seed: number;
  minutes: number;
  tasks: number;
  /** Requests of the client that had no good answer and were repeated. */
  repeatedPosts: number;
  faults: Fault[];
  lives: number;
  outages: number;
  drainMs: number;
  /** Where journals and logs were kept; absent when nothing was wrong. */
  kept?: string;
}

export async function runChaos({
  minutes,
  seed,
  drainLimitMs,
  binaries,
}: ChaosOptions): Promise<ChaosReport> {
  const folder = mkdtempSync(join(tmpdir(), "tickwork-chaos-"));
  const worker = join(folder, "worker.mjs");
  await buildWorker(join(import.meta.dirname, "tasks.ts"), worker);
  const postgres = await openOwnPostgres(binaries);
  const redis = await openOwnRedis(binaries);
  const fleet = startFleet({
    count: WORKERS,
    worker,
    folder,
    env: {
      DATABASE_URL: postgres.url,
      CACHE_REDIS_URL: redis.url,
      DATA_DIR: join(folder, "data"),
      TASK_CONCURRENCY: String(SLOTS),
      TASK_RUNNING_TTL: String(LEASE_SECONDS),
      TASK_LIST_REFRESH_INTERVAL: "10",
      // Nobody ends in Error because chaos killed too many of its workers.
      TASK_MAX_CRASHES: "1000",
    },
  });
  const leaseMs = LEASE_SECONDS * 1_000;
  try {
    await eventually(() => fleet.serving().length === WORKERS, { limitMs: START_LIMIT_MS });
    await installAudit(postgres);
    const probe = startProbe(postgres.url);
    // Separate chances: how long something took changes neither what is posted nor what is broken.
    const client = startClient({ fleet, random: seeded(seed + 1), tasksPerSecond: TASKS_PER_SECOND });
    const faults = await inflict(planFaults(seeded(seed), minutes), { fleet, postgres, redis, leaseMs });

    const began = Date.now();
    const posted = await client.finish(drainLimitMs);
    const drained = await eventually(async () => (await countOpen(postgres)) === 0, {
      limitMs: Math.max(0, began + drainLimitMs - Date.now()),
    }).catch(() => false);
    const drainMs = Date.now() - began;
    await probe.stop();
    await fleet.close();

    const verdict = check({
      slots: SLOTS,
      leaseMs,
      acknowledged: client.acknowledged,
      rows: await readRows(postgres),
      leases: await readLeases(postgres),
      lives: fleet.lives.map((life) => ({
        ...life,
        lines: readJournal(life.journal),
        lastWords: lastLines(life),
      })),
      outages: probe.outages,
      faults,
    });
    if (!posted)
      verdict.violations.unshift(`the client could not post for ${drainLimitMs} ms after the last fault`);
    if (!drained)
      verdict.violations.unshift(`the queue did not drain within ${drainLimitMs} ms after the last fault`);
    const fine = verdict.violations.length === 0;
    if (fine) rmSync(folder, { recursive: true, force: true });
    return {
      ...verdict,
      seed,
      minutes,
      tasks: client.acknowledged.size,
      repeatedPosts: client.repeated(),
      faults,
      lives: fleet.lives.length,
      outages: probe.outages.length,
      drainMs,
      ...(fine ? {} : { kept: folder }),
    };
  } finally {
    await fleet.close();
    await Promise.all([postgres.close(), redis.close()]);
  }
}
