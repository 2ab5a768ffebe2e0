import { mustBe, refusal } from "../errors.ts";
import { BURST_MAX, CONCURRENCY_MAX, PERIOD_SECONDS_MAX, RATE_MAX, WEIGHT_MAX } from "../lane-limits.ts";
import { NAME_LIMIT } from "../limits.ts";

/** What a limit is on. The key `*` means each key that has no limit of its own. */
export type LimitTarget = { type: string } | { queue: string } | { concurrency_key: string };

/** How many tasks may start in how much time. */
export interface Rate {
  /** 1 to 1,000,000; with `burst`, 1 to 1,000. */
  starts: number;
  /** 0.001 to 2,678,400 seconds, which are 31 days. */
  period_seconds: number;
  /** True: all of them may start at once, then none until the first is a period ago. Default false: evenly, one after the other. */
  burst?: boolean | undefined;
}

/** What may be said of a type, a queue or a key; what is null or absent has no limit. */
export interface LimitTerms {
  /** How many tasks of it may run at once, 1 to 100,000. `TASK_CONCURRENCY` stays the roof. */
  concurrency?: number | null | undefined;
  /** How many may start in how much time. */
  rate?: Rate | null | undefined;
  /** How many turns a group of keys gets where others get one, 0.001 to 1,000. Only of a key without `/`. */
  weight?: number | null | undefined;
}

/** A limit as it is in force, with one of the first three. */
export interface Limit {
  type?: string;
  queue?: string;
  concurrency_key?: string;
  concurrency: number | null;
  rate: Required<Rate> | null;
  weight: number | null;
  /** How many tasks of it run now; null for `*`, which is about each key. */
  running: number | null;
  /** `code`: it is what code declares; `api`: it was made or changed over HTTP. */
  source: "code" | "api";
  /** When it was last changed, ISO 8601. */
  updated_at: string;
}

/** A limit that holds a task back, with one of the first three: where it is `*`, that of each key. */
export interface LimitHold {
  type?: string;
  queue?: string;
  concurrency_key?: string;
  /** `concurrency`: as many run as may; `rate`: as many have started. */
  by: "concurrency" | "rate";
  /** Of a rate, when the next one may start, ISO 8601; null: when one that runs has ended. */
  until: string | null;
}

/** The kinds of targets, as they are named in requests and in Postgres. */
export const LIMIT_KINDS = ["type", "queue", "concurrency_key"] as const;
export type LimitKind = (typeof LIMIT_KINDS)[number];

/** What a key may be: the groups of keys are what comes before the first /, and * is each key. */
export const KEY_SHAPE = `a string of 1 to ${NAME_LIMIT} characters that does not begin with / and is not *`;
export const isKey = (given: string): boolean => !given.startsWith("/") && given !== "*";

/** @throws TickworkError `invalid_request` */
export function checkLimitTarget(target: LimitTarget): void {
  const given = LIMIT_KINDS.filter((kind) => Object.hasOwn(target, kind));
  const [kind] = given;
  if (given.length !== 1 || !kind)
    throw refusal(
      "",
      `a limit must name one of ${LIMIT_KINDS.join(", ")}, got ${given.join(" and ") || "none"}`,
    );
  const name = (target as Record<string, unknown>)[kind];
  if (typeof name !== "string" || name.length === 0 || name.length > NAME_LIMIT)
    throw refusal(kind, mustBe(`a string of 1 to ${NAME_LIMIT} characters`, name));
  if (kind === "concurrency_key" && name !== "*" && !isKey(name))
    throw refusal(kind, mustBe(`${KEY_SHAPE}, or * for each`, name));
}

/**
 * Checks what is said of a target.
 *
 * @throws TickworkError `invalid_request`, with the field and what it may be
 */
export function checkLimit(target: LimitTarget, { concurrency, rate, weight }: LimitTerms): void {
  checkLimitTarget(target);
  const isWhole = (value: unknown, max: number) =>
    typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max;
  const isWithin = (value: unknown, max: number) =>
    typeof value === "number" && value >= 0.001 && value <= max;
  if (concurrency == null && rate == null && weight == null)
    throw refusal("", "a limit must have at least one of concurrency, rate, weight, got none");
  if (concurrency != null && !isWhole(concurrency, CONCURRENCY_MAX))
    throw refusal(
      "concurrency",
      `${mustBe(`a whole number from 1 to ${CONCURRENCY_MAX}`, concurrency)}; to start none, pause it`,
    );
  if (rate != null) {
    const max = rate.burst ? BURST_MAX : RATE_MAX;
    if (!isWhole(rate.starts, max))
      throw refusal(
        "rate.starts",
        mustBe(`a whole number from 1 to ${max}${rate.burst ? " with burst" : ""}`, rate.starts),
      );
    if (!isWithin(rate.period_seconds, PERIOD_SECONDS_MAX))
      throw refusal(
        "rate.period_seconds",
        mustBe(`seconds from 0.001 to ${PERIOD_SECONDS_MAX}`, rate.period_seconds),
      );
  }
  if (weight == null) return;
  const group = "concurrency_key" in target ? target.concurrency_key : undefined;
  if (group === undefined || group === "*" || group.includes("/"))
    throw refusal(
      "weight",
      `must come with a concurrency_key that is a group: no * and no /, got ${JSON.stringify(target)}`,
    );
  if (!isWithin(weight, WEIGHT_MAX))
    throw refusal("weight", mustBe(`a number from 0.001 to ${WEIGHT_MAX}`, weight));
}
