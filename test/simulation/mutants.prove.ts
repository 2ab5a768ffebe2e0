import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildMutant } from "../support/world/build-mutant.ts";
import { openWorldDatabase } from "../support/world/database.ts";
import { mutants } from "../support/world/mutants.ts";
import { search } from "../support/world/search.ts";

/** Stories that a mutant may take to be found; most take a few. */
const RUNS = 600;
/** Always the same ones: this shows what the simulation can find, not what it finds today. */
const SEED = 20_270_111;

let db: PGlite;
beforeAll(async () => {
  db = await openWorldDatabase();
});
afterAll(() => db.close());

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  "found: %s",
  { timeout: 180_000 },
  async (_, mutant) => {
    const changed = mutant.changes.length > 0 ? await buildMutant(mutant) : { search };
    if (mutant.schema) await db.exec(mutant.schema.break);
    try {
      const finding = await changed.search(db, mutant.kind, { runs: RUNS, seed: SEED, shrink: false });
      expect(finding?.violations[0]).toEqual(expect.any(String));
      console.log(`${mutant.name} → ${finding?.violations[0]}`);
    } finally {
      if (mutant.schema) await db.exec(mutant.schema.mend);
    }
  },
);
