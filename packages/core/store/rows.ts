import { errors } from "../errors.ts";
import type { Task } from "../tasks/task.ts";
import { type Database, PostgresError, type Statement } from "./database.ts";

/** A row as SQL gives it: times are ISO in the session's zone, the rest is as in `Task`. */
export type Row = Record<string, unknown> & { id: number };

/** What the families of statements work with. */
export interface Connection {
  /** The clock of Postgres, as SQL. */
  now: string;
  query<Answer>(statement: Statement): Promise<Answer[]>;
  /** For statements that may safely be sent twice. */
  queryRepeatable<Answer>(statement: Statement): Promise<Answer[]>;
}

export function connectionOf(database: Database, now: string): Connection {
  return {
    now,
    query: (statement) => database.query(statement),
    queryRepeatable: (statement) => database.query(statement, { repeatable: true }),
  };
}

const TIMES = [
  "scheduled_time",
  "createdAt",
  "updatedAt",
  "started_at",
  "finished_at",
  "lease_expires_at",
] as const;

/** As Postgres writes a UTC time in JSON, with at least three digits of a second. */
const IN_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}\+00:00$/;

/** What is not a time (`infinity`) stays as it is. */
function toIso(text: string): string {
  // Nearly all of them, and every task has several: these need not be parsed and formatted again.
  if (IN_UTC.test(text)) return `${text.slice(0, 23)}Z`;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text : time.toISOString();
}

/** A row as the world sees it: times in UTC, and nothing that only the holder of a lease may know. */
export function toTask({ lease_token: _, ...row }: Row): Task {
  for (const column of TIMES) {
    const value = row[column];
    if (typeof value === "string") row[column] = toIso(value);
  }
  return row as unknown as Task;
}

export const tasksOf = (rows: { task: Row }[]): Task[] => rows.map(({ task }) => toTask(task));

/** A changed task, and Postgres's time. */
export interface Changed {
  task: Task;
  nowMs: number;
}

export const changedOf = (rows: { task: Row; now_ms: number }[]): Changed | undefined =>
  rows[0] && { task: toTask(rows[0].task), nowMs: rows[0].now_ms };

/** A value that Postgres cannot store (a malformed uuid, a zero byte) is the caller's error, not an outage. */
export async function translatingDataErrors<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof PostgresError && error.sqlState?.startsWith("22"))
      throw errors.invalid([
        { path: "", message: `Postgres cannot store this: ${(error.cause as Error).message}` },
      ]);
    throw error;
  }
}

const UNIQUE_VIOLATION = "23505";

export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return (
    error instanceof PostgresError && error.sqlState === UNIQUE_VIOLATION && error.constraint === constraint
  );
}
