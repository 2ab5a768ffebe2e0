/** Mutants stay true to the code. `mutants.prove.ts` looks for all of them, `simulation.test.ts` for one. */
import { expect, test } from "vitest";
import { changedFiles } from "../support/world/build-mutant.ts";
import { mutants } from "../support/world/mutants.ts";

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  "the code contains what is taken out: %s",
  (_, mutant) => {
    expect(changedFiles(mutant).size > 0 || mutant.schema !== undefined).toBe(true);
  },
);
