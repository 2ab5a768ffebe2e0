import { randomInt } from "node:crypto";
import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorldDatabase } from "../support/world/database.ts";
import { kinds } from "../support/world/scenario.ts";
import { describeFinding, search } from "../support/world/search.ts";
import { simulateWeek } from "../support/world/week.ts";

/** Stories of all kinds, new ones in every run. */
const RUNS = 301;
const seed = randomInt(2 ** 31);

let db: PGlite;
beforeAll(async () => {
  db = await openWorldDatabase();
  console.log(`simulation: ${RUNS} stories, seed ${seed}`);
});
afterAll(() => db.close());

test.each(kinds.map((kind, n) => [kind, n] as const))(
  "stories of kind %s keep the promises",
  { timeout: 240_000 },
  async (kind, n) => {
    const finding = await search(db, kind, { runs: Math.ceil(RUNS / kinds.length), seed: seed + n });
    if (finding) expect.fail(describeFinding(finding));
  },
);

test("a busy service lives through a week of crashes, deploys and outages", {
  timeout: 240_000,
}, async () => {
  const week = await simulateWeek(db, seed);
  console.log(`a week in ${week.seconds.toFixed(0)} s: ${JSON.stringify(week.counts)}`);
  expect(week.violations).toEqual([]);
  expect(week.counts.tasks).toBeGreaterThan(2_000);
});
