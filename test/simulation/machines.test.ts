/** Machines that ring each other, in a world where messages and machines get lost. */
import { randomInt } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { POSTGRES_TIMEOUT_MS } from "../../packages/core/limits.ts";
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

test("which it does not where machines do not tell each other, and such a story leaves nothing behind that fails later", async () => {
  const found: string[] = [];
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on("unhandledRejection", note);
  // The time limits of requests are of real time.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    for (let seed = 1; seed <= 10 && found.length === 0; seed++)
      found.push(...(await simulateMachines(db, { seed, deaf: true })).violations);
    await vi.advanceTimersByTimeAsync(2 * POSTGRES_TIMEOUT_MS);
    await setImmediate();
  } finally {
    vi.useRealTimers();
    process.off("unhandledRejection", note);
  }
  expect(found[0]).toMatch(/^promise [15]: /);
  expect(unhandled).toEqual([]);
}, 60_000);
