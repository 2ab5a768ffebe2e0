/** Looks for a story that goes wrong. */
import type { PGlite } from "@electric-sql/pglite";
import fc from "fast-check";
import type { Kind } from "./kinds.ts";
import { type Scenario, scenarios } from "./scenario.ts";
import { simulate } from "./simulate.ts";

export interface Finding {
  kind: Kind;
  /** What to give to see it again. */
  seed: number;
  path: string;
  /** As small as it became. */
  scenario: Scenario;
  violations: string[];
  story: string[];
}

/** Vacuum now and then: every story leaves its dead rows. */
const CLEAN_EVERY = 50;

/**
 * Tells so many stories of a kind; of one that goes wrong, the smallest that still does is returned.
 *
 * @example const finding = await search(db, "crashes", { runs: 300, seed: Date.now() });
 */
export async function search(
  db: PGlite,
  kind: Kind,
  { runs, seed, shrink = true }: { runs: number; seed: number; shrink?: boolean },
): Promise<Finding | undefined> {
  let told = 0;
  // Of the latest story that went wrong. Told again, it may go another way: in which order Postgres answers without being
  // asked for one depends on the stories before.
  let wrong: Pick<Finding, "scenario" | "violations" | "story"> | undefined;
  const property = fc.asyncProperty(scenarios(kind), async (scenario) => {
    if (++told % CLEAN_EVERY === 0) await db.exec("vacuum");
    const { violations, story } = await simulate(db, kind, scenario);
    if (violations.length > 0) wrong = { scenario, violations, story };
    return violations.length === 0;
  });
  const result = await fc.check(property, { numRuns: runs, seed, endOnFailure: !shrink });
  if (result.failed && !wrong) throw result.errorInstance;
  return wrong && { kind, seed, path: result.counterexamplePath ?? "", ...wrong };
}

/** A finding for a person: what to run, what happened. */
export function describeFinding({ kind, seed, path, scenario, violations, story }: Finding): string {
  return [
    `A story of kind "${kind}" goes wrong: npm run simulate -- --kind ${kind} --seed ${seed}   (path ${path})`,
    ...violations.map((violation) => `  ${violation}`),
    JSON.stringify(scenario),
    ...story,
  ].join("\n");
}
