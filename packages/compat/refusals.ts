import { errors, isUniqueViolation, messageOf, PostgresError, type TickworkError } from "#core";

/** @example throw refusal("where.colour", "is not a column; these are: …") */
export function refusal(path: string, message: string): TickworkError {
  return errors.invalid([{ path, message }]);
}

/** SQLSTATEs that are about the values: data exceptions, constraints of the table, types that cannot be compared. */
const ABOUT_VALUES = ["22", "23", "42804", "42846", "42883"];

/** What Postgres refuses is the caller's error where it is about values, and about the slot where it is that. */
export async function refusing<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (isUniqueViolation(error, "tickwork_running"))
      throw errors.conflict(
        "task_running",
        'No task was set to "Running": another one is, and one at a time may be. ' +
          "It ends when its status changes, or when its lease is over and a tick finds it.",
      );
    if (error instanceof PostgresError && ABOUT_VALUES.some((known) => error.sqlState?.startsWith(known)))
      throw refusal("", `Postgres does not accept this: ${messageOf(error.cause)}`);
    throw error;
  }
}
