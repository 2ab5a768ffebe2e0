/** What a time must be, for messages. */
export const TIME_FORMAT =
  "an ISO 8601 time with its zone, such as 2026-11-24T09:00:00Z or 2026-11-24T10:00:00+01:00";

/** The shape of a time; whether there is such a day and hour is for `parseTime` to say. */
export const TIME_SHAPE =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)$/;

/**
 * Reads a time strictly: its day must be in the calendar, and it must name its zone.
 *
 * @returns ISO 8601 in UTC, or undefined
 * @example parseTime("2026-11-24T10:00:00+01:00"); // "2026-11-24T09:00:00.000Z"
 */
export function parseTime(value: unknown): string | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  const parts = typeof value === "string" ? TIME_SHAPE.exec(value) : null;
  if (!parts) return undefined;
  const [, year, month, day] = parts.map(Number);
  const lastDay = new Date(Date.UTC(year as number, month as number, 0)).getUTCDate();
  if ((day as number) > lastDay) return undefined;
  const time = new Date(parts[0].replace(" ", "T"));
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
