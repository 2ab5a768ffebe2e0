/** Numbers and times for people. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @example durationOf(93_000); // "1 min 33 s" */
export function durationOf(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR) return twoUnits(ms, MINUTE, "min", SECOND, "s");
  if (ms < DAY) return twoUnits(ms, HOUR, "h", MINUTE, "min");
  return twoUnits(ms, DAY, "d", HOUR, "h");
}

function twoUnits(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rounded = Math.round(ms / small);
  const perLarge = large / small;
  const rest = rounded % perLarge;
  return `${Math.floor(rounded / perLarge)} ${largeName}${rest > 0 ? ` ${rest} ${smallName}` : ""}`;
}

/** @example fromNow("2026-11-24T09:00:00Z", now); // "in 5 min", "3 h ago" */
export function fromNow(time: string, nowMs: number): string {
  const ms = Date.parse(time) - nowMs;
  if (Number.isNaN(ms)) return time;
  const size = Math.abs(ms);
  if (size < 5 * SECOND) return "now";
  const [unit, name] =
    size < MINUTE
      ? [SECOND, "s"]
      : size < HOUR
        ? [MINUTE, "min"]
        : size < 2 * DAY
          ? [HOUR, "h"]
          : [DAY, "days"];
  const text = `${Math.floor(size / (unit as number))} ${name}`;
  return ms > 0 ? `in ${text}` : `${text} ago`;
}

const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** The date and the time in the zone of whoever looks. */
export const fullTime = (time: string) =>
  Number.isNaN(Date.parse(time)) ? time : full.format(new Date(time));
export const clockTime = (ms: number) => clock.format(new Date(ms));

const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
export const numberOf = (n: number) => whole.format(n);

/** An estimate is shown as one. */
export const countOf = ({ count, exact }: { count: number; exact: boolean }) =>
  exact ? numberOf(count) : `≈ ${compact.format(count)}`;

/** @example plural(3, "task"); // "3 tasks" */
export const plural = (n: number, one: string) => `${numberOf(n)} ${one}${n === 1 ? "" : "s"}`;

/** @example listOf(["read", "write"]); // "read and write" */
export const listOf = (names: readonly string[]): string =>
  names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : (names[0] ?? "nothing");

/** For `<input type="datetime-local">`, which has no zone. */
export function localInput(time: Date): string {
  return new Date(time.getTime() - time.getTimezoneOffset() * MINUTE).toISOString().slice(0, 19);
}

/** Seconds in each. */
export const UNITS = { seconds: 1, minutes: 60, hours: 3_600, days: 86_400 };
export type Unit = keyof typeof UNITS;

/** @example unitOf(7_200); // { every: 2, unit: "hours" } */
export function unitOf(seconds: number): { every: number; unit: Unit } {
  const units = (Object.keys(UNITS) as Unit[]).reverse();
  const unit = units.find((one) => seconds % UNITS[one] === 0) ?? "seconds";
  return { every: seconds / UNITS[unit], unit };
}
