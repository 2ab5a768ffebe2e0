/** How stories are drawn. fast-check shrinks them when one goes wrong. */
import fc from "fast-check";
import { stepsOf } from "./drawn-steps.ts";
import type { Kind } from "./kinds.ts";
import type { Step } from "./steps.ts";

export interface Scenario {
  seed: number;
  concurrency: number;
  ttlSeconds: number;
  invocationMs: number;
  /** How long rows of others may stay unseen. */
  unseenSeconds: number;
  /** How wrong the clocks are, in milliseconds. */
  skew: { postgres: number; redis: number; workers: number };
  steps: { afterMs: number; step: Step }[];
}

const REFRESH_SECONDS = 600;
export const refreshSeconds = REFRESH_SECONDS;

/** No two clocks differ by more than five minutes. */
const skewMs = fc.constantFrom(-150_000, -20_000, -300, 0, 300, 20_000, 150_000);

/** Stories of a kind. */
export function scenarios(kind: Kind): fc.Arbitrary<Scenario> {
  const step = fc.record({
    afterMs:
      kind === "hurry"
        ? fc.constantFrom(0, 50, 200, 400, 700, 1_000)
        : kind === "retries"
          ? fc.oneof(fc.constant(0), fc.integer({ min: 25_000, max: 25_700 }))
          : kind === "leaders"
            ? fc.constantFrom(0, 200, 500, 700, 1_000, 2_000, 10_000)
            : fc.constantFrom(0, 5, 50, 300, 2_000, 10_000, 45_000, 150_000),
    step: fc.oneof(...stepsOf[kind]),
  });
  return fc.record({
    seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    concurrency:
      kind === "retries" || kind === "schedules" ? fc.constantFrom(2, 3) : fc.constantFrom(1, 1, 1, 2, 3),
    ttlSeconds: fc.constantFrom(10, 60),
    invocationMs: fc.constantFrom(900_000, 900_000, 400_000, 200_000),
    unseenSeconds: fc.constantFrom(REFRESH_SECONDS, 6 * REFRESH_SECONDS),
    skew:
      kind === "clocks" || kind === "everything"
        ? fc.record({ postgres: skewMs, redis: skewMs, workers: skewMs })
        : fc.constant({ postgres: 0, redis: 0, workers: 0 }),
    steps: fc.array(step, { minLength: 1, maxLength: 14 }),
  });
}
