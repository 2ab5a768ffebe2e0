/** Machines that ring each other, in a world where messages and machines get lost. */
import { randomInt } from "node:crypto";
import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorldDatabase } from "../support/world/database.ts";
import { simulateMachines } from "../support/world/machines.ts";

const STORIES = 5;

let db: PGlite;
beforeAll(async () => {
  db = await openWorldDatabase();
});
afterAll(() => db.close());

test("every acknowledged task starts when it is due, whoever dies and whatever is lost", async () => {
  const first = randomInt(2 ** 31 - STORIES);
  console.log(`machines: ${STORIES} stories, seed ${first}`);
  for (let seed = first; seed < first + STORIES; seed++) {
    const { violations, story } = await simulateMachines(db, { seed });
    if (violations.length > 0) expect.fail(`seed ${seed}: ${violations[0]}\n${story.slice(-60).join("\n")}`);
  }
}, 60_000);

test("which it does not where machines do not tell each other", async () => {
  const found: string[] = [];
  for (let seed = 1; seed <= 10 && found.length === 0; seed++)
    found.push(...(await simulateMachines(db, { seed, deaf: true })).violations);
  expect(found[0]).toMatch(/^promise [15]: /);
}, 60_000);
