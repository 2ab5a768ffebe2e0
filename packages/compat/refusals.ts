import { PostgresError, TickworkError } from "#core";
import { messageOf, refusal } from "../core/errors.ts";
import { isUniqueViolation } from "../core/store/postgres-errors.ts";

/** SQLSTATEs about the values: data exceptions, constraints of the table, types that cannot be compared. */
const ABOUT_VALUES = ["22", "23", "42804", "42846", "42883"];

/** Makes errors of Postgres that are about the caller's values, or about the slot of a running task, the caller's. */
export async function translatingDataErrors<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (isUniqueViolation(error, "tickwork_running"))
      throw new TickworkError(
        "task_running",
        'No task was set to "Running", because another one is and only one at a time may be. ' +
          "That one ends when its status changes, or when its lease is over and a tick finds it.",
      );
    if (error instanceof PostgresError && ABOUT_VALUES.some((known) => error.sqlState?.startsWith(known)))
      throw refusal("", `Postgres rejects this: ${messageOf(error.cause)}`);
    throw error;
  }
}
