/** A week of a busy service: tasks every few minutes, and everything that happens in a week. */
import type { PGlite } from "@electric-sql/pglite";
import { seeded } from "../../../packages/testing/seeded.ts";
import type { Scenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";
import type { Step } from "./steps.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export interface Week {
  violations: string[];
  counts: { tasks: number; kills: number; stops: number; deploys: number; outages: number; flushes: number };
  /** Real ones. */
  seconds: number;
}

/** Some minutes between tasks, a deploy every day, a crash every few hours, an outage now and then. */
export async function simulateWeek(db: PGlite, seed: number): Promise<Week> {
  const random = seeded(seed);
  const between = (min: number, max: number) => Math.round(min + random() * (max - min));
  const counts: Week["counts"] = { tasks: 0, kills: 0, stops: 0, deploys: 0, outages: 0, flushes: 0 };
  const events: { atMs: number; step: Step }[] = [];
  const every = (meanMs: number, make: () => Step) => {
    for (let atMs = between(0, meanMs); atMs < 7 * DAY_MS; atMs += between(meanMs / 2, meanMs * 1.5))
      events.push({ atMs, step: make() });
  };
  every(10 * MINUTE_MS, () => {
    const count = between(1, 4);
    counts.tasks += count;
    return {
      do: "create",
      count,
      dueInMs: between(0, 30) * MINUTE_MS,
      work: { ms: between(0, 20_000), fails: random() < 0.1 ? 1 : 0 },
    };
  });
  every(4 * 60 * MINUTE_MS, () => {
    counts.kills++;
    return { do: "kill", pick: between(0, 7), ms: 0 };
  });
  every(8 * 60 * MINUTE_MS, () => {
    counts.stops++;
    return { do: "stop", pick: between(0, 7), ms: between(1_000, 90_000) };
  });
  every(DAY_MS, () => {
    counts.deploys++;
    return { do: "deploy" };
  });
  every(DAY_MS, () => {
    counts.outages++;
    return { do: "outage", of: random() < 0.5 ? "postgres" : "redis", ms: between(10_000, 5 * MINUTE_MS) };
  });
  every(2 * DAY_MS, () => {
    counts.flushes++;
    return { do: "flush" };
  });
  events.sort((a, b) => a.atMs - b.atMs);
  const steps = events.map(({ atMs, step }, n) => ({ afterMs: atMs - (events[n - 1]?.atMs ?? 0), step }));
  const scenario: Scenario = {
    seed,
    concurrency: 2,
    ttlSeconds: 60,
    invocationMs: 900_000,
    unseenSeconds: 3_600,
    skew: { postgres: 0, redis: 0, workers: 0 },
    steps,
  };
  const began = performance.now();
  const { violations, story } = await simulate(db, "everything", scenario);
  if (violations.length > 0) console.log(story.slice(-60).join("\n"));
  return { violations, counts, seconds: (performance.now() - began) / 1000 };
}
