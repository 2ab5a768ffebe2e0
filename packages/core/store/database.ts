import type { Clock } from "../clock.ts";
import { TickworkError } from "../errors.ts";
import { POSTGRES_TIMEOUT_MS } from "../limits.ts";
import { retrying } from "../retry.ts";

/** SQL, with its parameters as `$1`, `$2`, …. */
export interface Statement {
  text: string;
  params?: readonly unknown[];
}

/**
 * What a Postgres driver does: it sends once, and answers with the rows or rejects. The error of a statement that
 * Postgres refused carries its SQLSTATE as `code`, and its `constraint`. When the signal aborts nobody waits any more.
 *
 * Values come as node-postgres parses them: int8 and numeric as strings, json as values, timestamps as Date.
 */
export interface PostgresDriver {
  query(statement: Statement, signal: AbortSignal): Promise<unknown[]>;
  /** Several statements in one transaction, in one request where the protocol allows it. */
  transaction(statements: readonly Statement[], signal: AbortSignal): Promise<unknown[][]>;
  close(): Promise<void>;
}

/** Postgres as Tickwork uses it: one request for each call, whatever is in it. */
export interface Database {
  /** One statement. A transient failure is repeated only where the caller says that this is safe. */
  query<Row>(statement: Statement, options?: RequestOptions): Promise<Row[]>;
  /** Several statements in one transaction and one request; repeated where that is safe. */
  transaction<Row>(statements: readonly Statement[], options?: RequestOptions): Promise<Row[][]>;
}

interface RequestOptions {
  /** Whether it is safe to repeat. Default: no. */
  repeatable?: boolean;
  /** Default: what a query may take. */
  timeoutMs?: number;
}

/**
 * A failure of Postgres or of the way to it.
 *
 * @example
 * await tasks.create([{ type: "greet" }]).catch((error: unknown) => {
 *   if (error instanceof PostgresError && error.transient) console.log("try again with an idempotency key");
 *   else throw error;
 * });
 */
export class PostgresError extends TickworkError {
  /** The SQLSTATE, or undefined if no answer came: then it is unknown whether the statement took effect. */
  readonly sqlState: string | undefined;
  readonly constraint: string | undefined;
  /** What Postgres adds to its message: which key, which value. */
  readonly detail: string | undefined;
  /** Whether the same statement may well succeed a moment later. */
  readonly transient: boolean;

  constructor(cause: unknown) {
    const { code, constraint, detail, message } = cause as {
      code?: unknown;
      constraint?: unknown;
      detail?: unknown;
      message?: unknown;
    };
    const sqlState = typeof code === "string" && SQL_STATE.test(code) ? code : undefined;
    super("postgres_unavailable", `Postgres: ${message ?? cause}`, { cause });
    this.sqlState = sqlState;
    this.constraint = typeof constraint === "string" ? constraint : undefined;
    this.detail = typeof detail === "string" ? detail : undefined;
    this.transient = sqlState === undefined || TRANSIENT_STATES.some((prefix) => sqlState.startsWith(prefix));
  }
}

/** Five digits and capitals, at least one of them a digit; `EPIPE` and its like are errors of a socket. */
const SQL_STATE = /^(?=.*\d)[0-9A-Z]{5}$/;

/**
 * Connection failures, a server that became a standby, serialization failures and deadlocks, too many connections,
 * locks and statements that took too long, shutdowns, internal hiccups.
 */
const TRANSIENT_STATES = ["08", "25006", "40001", "40P01", "53", "55006", "55P03", "57", "58", "XX000"];

export const isTransient = (error: unknown): boolean => error instanceof PostgresError && error.transient;

/** Data exceptions, constraints, limits, what a trigger raises, types that do not fit. */
const REFUSING_STATES = ["22", "23", "54", "P0001", "42804"];

/** Whether a value or a rule of the table is why Postgres refused the statement: it will again. */
export const isRefused = (error: unknown): error is PostgresError =>
  error instanceof PostgresError && REFUSING_STATES.some((prefix) => error.sqlState?.startsWith(prefix));

/**
 * What Tickwork needs of Postgres, over a driver: with time limits, and with repetitions where they are safe.
 *
 * @throws PostgresError, from each method
 * @example const database = createDatabase(postgresDriver, systemClock);
 */
export function createDatabase(driver: PostgresDriver, clock: Clock): Database {
  const attempt = async <T>(
    repeatable: boolean,
    timeoutMs: number,
    send: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const once = () =>
      new Promise<T>((resolve, reject) => {
        // Not `AbortSignal.timeout`: its timer would live on after the answer, one for each query.
        const limit = new AbortController();
        const fail = (error: unknown) => {
          clearTimeout(timer);
          reject(new PostgresError(error));
        };
        const timer = setTimeout(() => {
          fail(new Error(`no answer in ${timeoutMs} ms`));
          limit.abort();
        }, timeoutMs);
        send(limit.signal).then((answer) => {
          clearTimeout(timer);
          resolve(answer);
        }, fail);
      });
    return repeatable ? retrying(clock, once, isTransient) : once();
  };
  return {
    query: async <Row>(
      statement: Statement,
      { repeatable = false, timeoutMs = POSTGRES_TIMEOUT_MS }: RequestOptions = {},
    ) => (await attempt(repeatable, timeoutMs, (signal) => driver.query(statement, signal))) as Row[],
    transaction: async <Row>(
      statements: readonly Statement[],
      { repeatable = false, timeoutMs = POSTGRES_TIMEOUT_MS }: RequestOptions = {},
    ) =>
      (await attempt(repeatable, timeoutMs, (signal) => driver.transaction(statements, signal))) as Row[][],
  };
}
