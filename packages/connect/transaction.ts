/**
 * What a transaction of a user looks like, by what it can do: no library is imported for that. The five differ in how a
 * statement with parameters is sent, and in how a transaction is told from the database that it belongs to, on which
 * each statement would be a transaction of its own.
 */
import { PostgresError, type Statement } from "#core";
import { mustBe, refusal } from "../core/errors.ts";
import type { Send } from "../core/store/insert-inside.ts";

/** A client of node-postgres, or of Neon's driver over WebSockets, between its `BEGIN` and its `COMMIT`. */
export interface ClientTransaction {
  query(text: string, values: unknown[]): Promise<{ rows: unknown[] }>;
  /** A pool has it: each of its queries may go to another connection. */
  readonly totalCount?: never;
}

/** What Drizzle's `db.transaction` gives. */
export interface DrizzleTransaction {
  execute(query: never): PromiseLike<unknown>;
  rollback(): never;
}

/** What Kysely's `db.transaction().execute` gives, or `db.startTransaction().execute()`. */
export interface KyselyTransaction {
  executeQuery(query: never): Promise<{ rows: unknown[] }>;
  readonly isTransaction: true;
}

/** What Prisma's `prisma.$transaction` gives. */
export interface PrismaTransaction {
  $queryRawUnsafe(text: string, ...values: unknown[]): Promise<unknown>;
  /** The client itself has it. */
  readonly $connect?: never;
}

/** A transaction of node-postgres, Neon's driver, Drizzle, Kysely or Prisma. */
export type Transaction = ClientTransaction | DrizzleTransaction | KyselyTransaction | PrismaTransaction;

const ACCEPTED =
  "the transaction that Drizzle, Kysely or Prisma gives to a function, or a client of node-postgres or of Neon's driver";

/**
 * How to send a statement in a transaction.
 *
 * @throws TickworkError `invalid_request` when it is none
 */
export function sendIn(tx: unknown): Send {
  const send = senderOf(tx);
  return async (statement) => {
    try {
      const [row] = rowsOf(await send(statement));
      return (row as { answer: string }).answer;
    } catch (error) {
      throw new PostgresError(refusalOf(error));
    }
  };
}

function senderOf(tx: unknown): (statement: Statement) => PromiseLike<unknown> {
  if (isNeonOverHttp(tx))
    throw refusal(
      "tx",
      "is Neon's driver over HTTP, which sends a transaction as a list of statements: put " +
        "sql`select tickwork.enqueue(…)` into it, or use a client of its Pool",
    );
  const given = (tx ?? {}) as Record<string, unknown>;
  const has = (name: string) => typeof given[name] === "function";
  // Drizzle's and Prisma's have fields by the names of tables: what only theirs have comes first.
  if (has("$queryRawUnsafe")) {
    if (has("$connect")) throw notInside("Prisma's client", "prisma.$transaction(async (tx) => …)");
    return ({ text, params = [] }) => (tx as PrismaTransaction).$queryRawUnsafe(text, ...params);
  }
  if (has("executeQuery")) {
    if (given.isTransaction !== true)
      throw notInside("Kysely's database", "db.transaction().execute(async (tx) => …)");
    return (statement) => (tx as KyselyTransaction).executeQuery(compiledQuery(statement) as never);
  }
  if (has("execute") && has("transaction")) {
    if (!has("rollback")) throw notInside("Drizzle's database", "db.transaction(async (tx) => …)");
    return (statement) => (tx as DrizzleTransaction).execute(drizzleSql(statement) as never);
  }
  if (has("query") && has("connect")) {
    if ("totalCount" in given) throw notInside("a pool", "await pool.connect(), after its BEGIN");
    return ({ text, params = [] }) => (tx as ClientTransaction).query(text, [...params]);
  }
  throw refusal("tx", mustBe(ACCEPTED, tx));
}

const isNeonOverHttp = (tx: unknown): boolean =>
  typeof tx === "function" && typeof (tx as { transaction?: unknown }).transaction === "function";

const notInside = (what: string, inside: string) =>
  refusal(
    "tx",
    `is ${what}, on which the task would not be in your transaction; give what you get from ${inside}`,
  );

/** Kysely's `CompiledQuery.raw`. */
function compiledQuery({ text, params = [] }: Statement) {
  const query = { kind: "RawNode", sqlFragments: [text], parameters: [] };
  return { sql: text, parameters: params, query, queryId: { queryId: "tickwork" } };
}

/** An `SQLWrapper`, whose `getSQL()` Drizzle asks to write itself for its dialect. */
function drizzleSql({ text, params = [] }: Statement) {
  const written = { sql: text, params: [...params] };
  const sql = { getSQL: () => sql, toQuery: () => written };
  return sql;
}

/** Drivers answer with the rows, or with a result that has them. */
function rowsOf(answer: unknown): unknown[] {
  return Array.isArray(answer) ? answer : (answer as { rows: unknown[] }).rows;
}

/** Libraries wrap what Postgres said: the innermost error with an SQLSTATE is it. */
function refusalOf(error: unknown): unknown {
  for (let at = error, depth = 0; typeof at === "object" && at !== null && depth < 5; depth++) {
    const { code, cause, meta, originalCode, originalMessage } = at as Record<string, unknown>;
    if (typeof originalCode === "string") return { ...at, code: originalCode, message: originalMessage };
    if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^P2\d{3}$/.test(code)) return at;
    at = cause ?? (meta as { driverAdapterError?: unknown } | undefined)?.driverAdapterError;
  }
  return error;
}
