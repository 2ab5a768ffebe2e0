import type { NeonQueryFunction } from "@neondatabase/serverless";
import type { Clock } from "./clock.ts";
import { TickworkError } from "./errors.ts";
import { POSTGRES_TIMEOUT_MS } from "./limits.ts";
import { retrying } from "./retry.ts";

export interface Statement {
  text: string;
  params?: readonly unknown[];
}

/** Postgres as Tickwork uses it: one request for each call, whatever is in it. */
export interface Database {
  /** One statement. A transient failure is repeated only where the caller says that this is safe. */
  query<Row>(statement: Statement, options?: { repeatable?: boolean }): Promise<Row[]>;
  /** Several statements in one transaction and one request; repeated where that is safe. */
  transaction<Row>(statements: readonly Statement[], options?: { repeatable?: boolean }): Promise<Row[][]>;
}

/** A failure of Postgres or of the way to it. */
export class PostgresError extends TickworkError {
  /** The SQLSTATE, or undefined when no answer came: then it is not known whether the statement took. */
  readonly sqlState: string | undefined;
  readonly constraint: string | undefined;
  /** Whether the same statement may well succeed a moment later. */
  readonly transient: boolean;

  constructor(cause: unknown) {
    const { code, constraint, message } = cause as {
      code?: unknown;
      constraint?: unknown;
      message?: unknown;
    };
    const sqlState = typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
    super("unavailable", "postgres_unavailable", `Postgres: ${message ?? cause}`, { cause });
    this.sqlState = sqlState;
    this.constraint = typeof constraint === "string" ? constraint : undefined;
    this.transient = sqlState === undefined || TRANSIENT_STATES.some((prefix) => sqlState.startsWith(prefix));
  }
}

/** Connection failures, serialization failures and deadlocks, too many connections, shutdowns, internal hiccups. */
const TRANSIENT_STATES = ["08", "40001", "40P01", "53", "55006", "57P", "58", "XX000"];

export const isTransient = (error: unknown): boolean => error instanceof PostgresError && error.transient;

/** Whether Postgres understood the statement and will refuse it again: a value, or a rule of the table. */
export const isRefused = (error: unknown): error is PostgresError =>
  error instanceof PostgresError && !error.transient;

/** Whether it is unknown if a statement took: it was sent and no answer of Postgres came back. */
export const isUnanswered = (error: unknown): boolean =>
  error instanceof PostgresError &&
  (error.sqlState === undefined || error.sqlState.startsWith("08") || error.sqlState.startsWith("57P"));

export function createDatabase(sql: NeonQueryFunction<false, false>, clock: Clock): Database {
  const attempt = async <T>(repeatable: boolean, send: () => Promise<T>) => {
    const once = async () => {
      try {
        return await send();
      } catch (error) {
        throw new PostgresError(error);
      }
    };
    return repeatable ? retrying(clock, once, isTransient) : once();
  };
  const options = () => ({ fetchOptions: { signal: AbortSignal.timeout(POSTGRES_TIMEOUT_MS) } });
  return {
    query: async <Row>({ text, params }: Statement, { repeatable = false } = {}) =>
      (await attempt(repeatable, () => sql.query(text, [...(params ?? [])], options()))) as Row[],
    transaction: async <Row>(statements: readonly Statement[], { repeatable = false } = {}) =>
      (await attempt(repeatable, () =>
        sql.transaction(
          statements.map(({ text, params }) => sql.query(text, [...(params ?? [])])),
          options(),
        ),
      )) as Row[][],
  };
}
