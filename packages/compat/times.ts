import { parseTime } from "../core/tasks/time.ts";

const WITHOUT_ZONE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?$/;

/**
 * Reads what Sequelize takes for a time: a Date, ISO 8601, or milliseconds since 1970. Without a zone it is UTC, as in
 * Sequelize, whatever the zone of Postgres's session is.
 *
 * @returns ISO 8601 in UTC, or undefined
 * @example timeOf("2026-11-24"); // "2026-11-24T00:00:00.000Z"
 */
export function timeOf(value: unknown): string | undefined {
  if (typeof value === "number") return parseTime(new Date(value));
  if (typeof value !== "string" || !WITHOUT_ZONE.test(value)) return parseTime(value);
  return parseTime(value.length === 10 ? `${value}T00:00:00Z` : `${value}Z`);
}
