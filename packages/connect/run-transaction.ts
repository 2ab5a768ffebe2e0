/** Runs a transaction of one of the five libraries as that library does, and says how it ended. */
import { mustBe, refusal } from "../core/errors.ts";
import type { InTransaction } from "./in-transaction.ts";
import type { ClientTransaction } from "./transaction.ts";

/** A pool of node-postgres, or of Neon's driver over WebSockets. */
export interface ClientPool<Tx extends object> {
  connect(): Promise<Tx>;
  connect(callback: never): void;
  readonly totalCount: number;
}

/** Drizzle's database. */
export interface DrizzleDatabase<Tx extends object> {
  transaction(run: (tx: Tx) => Promise<unknown>): Promise<unknown>;
  execute(query: never): PromiseLike<unknown>;
}

/** Kysely's database. */
export interface KyselyDatabase<Tx extends object> {
  transaction(): { execute(run: (tx: Tx) => Promise<unknown>): Promise<unknown> };
  executeQuery(query: never): Promise<unknown>;
}

/** Prisma's client. */
export interface PrismaDatabase<Tx extends object> {
  $transaction(run: (tx: Tx) => Promise<unknown>): Promise<unknown>;
}

/** A database of node-postgres, Neon's driver, Drizzle, Kysely or Prisma, whose transactions are a `Tx`. */
export type TransactionDatabase<Tx extends object> =
  | ClientPool<Tx>
  | DrizzleDatabase<Tx>
  | KyselyDatabase<Tx>
  | PrismaDatabase<Tx>;

const ACCEPTED = "a database of Drizzle, Kysely or Prisma, or a pool of node-postgres or of Neon's driver";

type Run<Tx, Result> = (tx: Tx) => Promise<Result>;
type Begin = <Result>(run: Run<object, Result>) => Promise<Result>;

/** How a library runs a transaction. @throws TickworkError `invalid_request` when it is none of them */
function beginnerOf(db: unknown): Begin {
  const given = (db ?? {}) as Record<string, unknown>;
  const has = (name: string) => typeof given[name] === "function";
  const as = <Shape>() => db as Shape;
  if (has("$transaction")) return as<{ $transaction: Begin }>().$transaction.bind(db) as Begin;
  if (has("transaction") && has("executeQuery"))
    return (run) => as<{ transaction(): { execute: Begin } }>().transaction().execute(run);
  // In a transaction of Drizzle's, the end of another one is a savepoint's: nothing is committed by it.
  if (has("transaction") && has("execute") && !has("rollback"))
    return as<{ transaction: Begin }>().transaction.bind(db) as Begin;
  if (has("connect") && "totalCount" in given)
    return (run) => runOnClient(as<{ connect(): Promise<PooledClient> }>(), run);
  throw refusal("db", mustBe(ACCEPTED, db));
}

type PooledClient = ClientTransaction & { release(broken?: boolean): void };

async function runOnClient<Result>(
  pool: { connect(): Promise<PooledClient> },
  run: Run<object, Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query("BEGIN", []);
    try {
      const result = await run(client);
      const { command } = (await client.query("COMMIT", [])) as { command?: string };
      // Postgres says it without an error, of a transaction that goes on after a statement failed.
      if (command === "ROLLBACK")
        throw new Error("The transaction was rolled back, for one of its statements had failed.");
      return result;
    } catch (error) {
      // A connection that cannot even roll back is not used again.
      await client.query("ROLLBACK", []).catch(() => {
        broken = true;
      });
      throw error;
    }
  } finally {
    client.release(broken);
  }
}

/** See `Connection.transaction`. */
export async function runTransaction<Result>(
  db: unknown,
  run: Run<never, Result>,
  inTransaction: () => Promise<InTransaction>,
): Promise<Result> {
  const begin = beginnerOf(db);
  const tasks = await inTransaction();
  let latest: object | undefined;
  let committing = false;
  try {
    const result = await begin(async (tx) => {
      // A library may begin again, as after a serialization failure.
      if (latest) tasks.rolledBack(latest);
      latest = tx;
      committing = false;
      tasks.own(tx);
      const result = await run(tx as never);
      await tasks.beforeCommit(tx);
      committing = true;
      return result;
    });
    if (latest) await tasks.committed(latest);
    return result;
  } catch (error) {
    // The commit may have been done though its answer was lost: Postgres knows.
    if (latest && committing) tasks.unknown(latest);
    else if (latest) tasks.rolledBack(latest);
    throw error;
  }
}
