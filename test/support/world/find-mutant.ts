import type { PGlite } from "@electric-sql/pglite";
import { buildMutant } from "./build-mutant.ts";
import type { Mutant } from "./mutants.ts";
import { type Finding, search } from "./search.ts";

/** Stories that a mutant may take to be found; most take a few. */
const RUNS = 600;
/** Always the same stories: this shows what the simulation can find, not what it finds today. */
const SEED = 20_270_111;

/** Looks for a story that goes wrong with a mutant; undefined if all of them end well. */
export async function findMutant(db: PGlite, mutant: Mutant): Promise<Finding | undefined> {
  const changed = mutant.changes.length > 0 ? await buildMutant(mutant) : { search };
  if (mutant.schema) await db.exec(mutant.schema.break);
  try {
    return await changed.search(db, mutant.kind, { runs: RUNS, seed: SEED, shrink: false });
  } finally {
    if (mutant.schema) await db.exec(mutant.schema.mend);
  }
}
