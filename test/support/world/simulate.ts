/** Tells one story with the real core, and says what it violated. */
import type { PGlite } from "@electric-sql/pglite";
import { pgliteDriver } from "#drivers";
import { createMemoryRedis } from "#memory-redis";
import { ARMED_MS, LOOK_STEP_MS, RESUMED_LOOK_MS } from "../../../packages/core/limits.ts";
import { inSmallBatches } from "./bulk.ts";
import { Deployment } from "./deployment.ts";
import { endStory } from "./ending.ts";
import type { Kind } from "./kinds.ts";
import { CLEAN_LANES, IDLE_POOLS, LIMITS } from "./lanes.ts";
import { RowWatcher } from "./row-watcher.ts";
import { refreshSeconds, type Scenario } from "./scenario.ts";
import { Story } from "./story.ts";
import { SimulatedPostgres, SimulatedRedis } from "./wires.ts";
import { World } from "./world.ts";

export interface Verdict {
  violations: string[];
  story: string[];
  /** Virtual seconds that the story took. */
  seconds: number;
}

/** Not TRUNCATE, which makes new files: that takes the embedded Postgres longer than a story. */
export const CLEANING = [
  `delete from "baasix_Tasks"`,
  "delete from tickwork_flags",
  "delete from tickwork_requests",
  "delete from tickwork_pauses",
  "delete from tickwork_schedules",
  "delete from tickwork_bulk",
  ...CLEAN_LANES,
  `select setval(pg_get_serial_sequence('"baasix_Tasks"', 'id'), 1, false)`,
];

/**
 * Where nothing goes wrong, a task starts as soon as it is due and a slot is free: the queue, a cold start and some
 * requests may come between.
 */
const START_MS: Partial<Record<Kind, number>> = {
  ...{ calm: 2_500, retries: 2_500, hurry: 10_000, lines: 2_500, sweeps: 2_500 },
  // When an app dies before it tells: the armed ring, and what a schedule of EventBridge may be late.
  transactions: ARMED_MS + LOOK_STEP_MS + 60_000 + 2_500,
  // The same, when who resumes dies before it refreshes; and the cache is told in no order.
  pauses: RESUMED_LOOK_MS + LOOK_STEP_MS + 60_000 + 10_000,
};
/** Stories in which limits hold. */
const hasLimits = (kind: Kind) => kind === "lanes" || kind === "lines";
/** Stories in which something is done to many tasks. */
const hasBulk = (kind: Kind) => kind === "bulk" || kind === "sweeps";
/** Stories about batches in which no process dies or stands still. */
const hasOnlyBatches = (kind: Kind) => kind === "batches" || kind === "leaders";
const UNEVEN_TRAVEL_MS = [0.5, 400] as const;

export async function simulate(db: PGlite, kind: Kind, scenario: Scenario): Promise<Verdict> {
  const world = new World(scenario.seed);
  const { random } = Math;
  // Of chance, a backoff has some, too; a story that is told again has the same.
  Math.random = () => world.random();
  try {
    return await tell(world, db, kind, scenario);
  } finally {
    Math.random = random;
  }
}

async function tell(world: World, db: PGlite, kind: Kind, scenario: Scenario): Promise<Verdict> {
  const driver = pgliteDriver(db);
  for (const text of CLEANING) await db.query(text);
  if (hasLimits(kind)) {
    for (const text of LIMITS) await db.query(text);
    for (const text of scenario.seed % 2 === 0 ? IDLE_POOLS : []) await db.query(text);
  }
  const postgres = new SimulatedPostgres(world, driver, scenario.skew.postgres);
  const memory = createMemoryRedis({ now: () => world.nowMs + scenario.skew.redis });
  const redis = new SimulatedRedis(world, memory);
  // What is sent in a hurry does not arrive in the order in which it was sent.
  if (kind === "hurry" || kind === "pauses") redis.travelMs = UNEVEN_TRAVEL_MS;
  if (hasBulk(kind)) postgres.inPlaceOf = inSmallBatches;
  const watcher = new RowWatcher(world, postgres, {
    slots: scenario.concurrency,
    startMs: START_MS[kind],
    pauses: scenario.steps.some(({ step }) => step.do === "pause"),
    lanes: hasLimits(kind),
    bulk: hasBulk(kind),
    prompt: hasOnlyBatches(kind),
    bounded: hasOnlyBatches(kind) || kind === "crashes",
  });
  const deployment = new Deployment(world, postgres, redis, watcher, {
    env: {
      TASK_CONCURRENCY: String(scenario.concurrency),
      TASK_RUNNING_TTL: String(scenario.ttlSeconds),
      TASK_LIST_REFRESH_INTERVAL: String(refreshSeconds),
      TASK_MAX_UNSEEN_TIME: String(scenario.unseenSeconds),
      TASK_MAX_CRASHES: "50",
    },
    invocationMs: scenario.invocationMs,
    mixed: kind === "versions",
    skewMs: () => (world.random() - 0.5) * 2 * scenario.skew.workers,
  });
  const parts = { world, deployment, postgres, redis, memory, watcher };
  const story = new Story(parts);
  await story.begin();
  for (const { afterMs, step } of scenario.steps) {
    if (world.violations.length > 0) break;
    await world.runUntil(world.nowMs + afterMs);
    story.take(step);
  }
  await endStory(parts, story, kind, scenario);
  return {
    violations: world.violations,
    story: world.story,
    seconds: (world.nowMs - new World(0).nowMs) / 1000,
  };
}
