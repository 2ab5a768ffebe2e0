/** The simulation notices every rule that is taken out of the code. */
import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorldDatabase } from "../support/world/database.ts";
import { findMutant } from "../support/world/find-mutant.ts";
import { mutants } from "../support/world/mutants.ts";

let db: PGlite;
beforeAll(async () => {
  db = await openWorldDatabase();
});
afterAll(() => db.close());

const named = mutants.map((mutant) => [mutant.name, mutant] as const);

test.each(named)("found: %s", { timeout: 180_000 }, async (name, mutant) => {
  const finding = await findMutant(db, mutant);
  expect(finding?.violations[0]).toEqual(expect.any(String));
  console.log(`${name} → ${finding?.violations[0]}`);
});
