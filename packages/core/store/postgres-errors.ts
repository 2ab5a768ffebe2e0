import { refusal, TickworkError } from "../errors.ts";
import { isRefused, PostgresError } from "./database.ts";

/** What Postgres refuses for its value is the caller's error, not an outage. */
export async function translatingDataErrors<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw callersFault(error);
  }
}

/**
 * An invalid uuid, a broken foreign key: a refusal that says which column or constraint it is about, as far as Postgres
 * does. Any other error stays what it is.
 */
export function callersFault(error: unknown): unknown {
  if (!isRefused(error)) return error;
  if (isUniqueViolation(error, "tickwork_unique")) return keyTaken(error);
  const { constraint, detail, cause } = error;
  const column = /^Key \("?(\w+)"?\)=/.exec(detail ?? "")?.[1];
  const rule = constraint === undefined ? "" : ` (constraint ${constraint})`;
  const said = [(cause as Error).message, detail].filter(Boolean).join(". ");
  return column === undefined
    ? refusal("", `Postgres refuses this${rule}: ${said}`)
    : refusal(column, `is refused by Postgres${rule}: ${said}`);
}

/** A task would have its key again, and another has taken it meanwhile. */
function keyTaken({ detail }: PostgresError): TickworkError {
  const [, typeAndKey] = /\)=\((.*)\) already exists/.exec(detail ?? "") ?? [];
  return new TickworkError(
    "unique_key_taken",
    `Another task has the type and the unique key that this one would have${typeAndKey ? ` (${typeAndKey})` : ""}; wait until it has freed the key, or cancel or delete it.`,
  );
}

const UNIQUE_VIOLATION = "23505";

export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return (
    error instanceof PostgresError && error.sqlState === UNIQUE_VIOLATION && error.constraint === constraint
  );
}
