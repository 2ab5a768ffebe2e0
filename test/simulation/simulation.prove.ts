import { randomInt } from "node:crypto";
import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorldDatabase } from "../support/world/database.ts";
import { tellStories } from "../support/world/tell-stories.ts";
import { simulateWeek } from "../support/world/week.ts";

let db: PGlite;
beforeAll(async () => {
  db = await openWorldDatabase();
});
afterAll(() => db.close());

tellStories(() => db, { perKind: 34 });

test("a busy service lives through a week of crashes, deploys and outages", {
  timeout: 240_000,
}, async () => {
  const seed = randomInt(2 ** 31);
  const { violations, counts, seconds } = await simulateWeek(db, seed);
  console.log(`a week in ${seconds.toFixed(0)} s, seed ${seed}: ${JSON.stringify(counts)}`);
  expect(violations).toEqual([]);
  expect(counts.tasks).toBeGreaterThan(2_000);
});
