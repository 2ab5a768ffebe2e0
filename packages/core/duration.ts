import { mustBe, refusal } from "./errors.ts";

const UNITS_MS = {
  millisecond: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
} as const;

type Unit = keyof typeof UNITS_MS;

/** A length of time: milliseconds, or a number with a unit, such as `"90 minutes"` or `"1 day"`. */
export type Duration = number | `${number} ${Unit | `${Unit}s`}`;

const ACCEPTED = `milliseconds, or a number and a unit (${Object.keys(UNITS_MS).join(", ")}), such as "3 days"`;

/**
 * Reads a length of time.
 *
 * @returns whole milliseconds
 * @throws TickworkError `invalid_request` when it is none, or negative
 */
export function millisecondsOf(duration: Duration): number {
  const ms = typeof duration === "number" ? duration : read(duration);
  if (!Number.isFinite(ms) || ms < 0) throw refusal("duration", mustBe(ACCEPTED, duration));
  return Math.ceil(ms);
}

function read(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?) ([a-z]+?)s?$/.exec(text) ?? [];
  return Number(count) * (UNITS_MS[unit as Unit] ?? Number.NaN);
}
