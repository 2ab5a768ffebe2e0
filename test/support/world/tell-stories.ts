import { randomInt } from "node:crypto";
import type { PGlite } from "@electric-sql/pglite";
import { expect, test } from "vitest";
import { kinds } from "./kinds.ts";
import { describeFinding, search } from "./search.ts";

/**
 * Defines a test for each kind of story. The stories are new in every run; the seed tells them again.
 */
export function tellStories(db: () => PGlite, { perKind }: { perKind: number }): void {
  const seed = randomInt(2 ** 31 - kinds.length);
  console.log(`simulation: ${perKind} stories of each kind, seed ${seed}`);
  test.each(kinds.map((kind, n) => [kind, seed + n] as const))(
    "stories of kind %s keep the promises",
    { timeout: 240_000 },
    async (kind, seed) => {
      const finding = await search(db(), kind, { runs: perKind, seed });
      if (finding) expect.fail(describeFinding(finding));
    },
  );
}
