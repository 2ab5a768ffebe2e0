/** A few stories in every run of the tests; `simulation.prove.ts` tells many, and a whole week. */
import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorldDatabase } from "../support/world/database.ts";
import { findMutant } from "../support/world/find-mutant.ts";
import { mutants } from "../support/world/mutants.ts";
import { tellStories } from "../support/world/tell-stories.ts";

let db: PGlite;
beforeAll(async () => {
  db = await openWorldDatabase();
});
afterAll(() => db.close());

tellStories(() => db, { perKind: 3 });

test("a rule that is taken out of the code is missed", { timeout: 60_000 }, async () => {
  const mutant = mutants.find(({ name }) => name.startsWith("rule 1:"));
  const finding = mutant && (await findMutant(db, mutant));
  expect(finding?.violations[0]).toEqual(expect.any(String));
});
