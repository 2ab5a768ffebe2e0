import { refusal } from "../errors.ts";
import { PostgresError } from "./database.ts";

/** A value that Postgres cannot store (an invalid uuid, a zero byte) is the caller's error, not an outage. */
export async function translatingDataErrors<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof PostgresError && error.sqlState?.startsWith(DATA_EXCEPTION))
      throw refusal("", `Postgres cannot store this: ${(error.cause as Error).message}`);
    throw error;
  }
}

const DATA_EXCEPTION = "22";
const UNIQUE_VIOLATION = "23505";

export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return (
    error instanceof PostgresError && error.sqlState === UNIQUE_VIOLATION && error.constraint === constraint
  );
}
