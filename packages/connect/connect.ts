import { setMaxListeners } from "node:events";
import {
  ConfigError,
  type CreateOptions,
  createLogger,
  type Enqueuer,
  type NewTask,
  type ResultOf,
  type TaskDefinition,
  type TaskOf,
  type Tasks,
} from "#core";
import { encryptionKeysOf } from "../core/encryption-keys.ts";
import { createEncryption } from "../core/tasks/encryption.ts";
import { createEnqueuer } from "../core/tasks/enqueue.ts";
import { loadSchemas } from "../core/tasks/load-schemas.ts";
import { createRegistry } from "../core/tasks/registry.ts";
import type { Opened } from "./open.ts";
import { type ConnectOptions, checkOptions } from "./options.ts";
import { type ResultOptions, waitForResult } from "./result.ts";
import { runTransaction, type TransactionDatabase } from "./run-transaction.ts";
import type { Transaction } from "./transaction.ts";

/** `AsyncDisposable`, where the compiler's libraries have it: users whose target is older need no other option. */
type UsableWithAwaitUsing = SymbolConstructor extends { readonly asyncDispose: infer Key extends symbol }
  ? { [Name in Key]: () => Promise<void> }
  : object;

/** Of a request that creates tasks from a process of one's own. */
export interface ConnectedCreateOptions extends CreateOptions {
  /**
   * The transaction that the tasks are part of: they run once it is committed, and never if it is not. One of Drizzle,
   * Kysely or Prisma, or a client of node-postgres or of Neon's driver between its `BEGIN` and its `COMMIT`. Not
   * together with `idempotencyKey`.
   */
  tx?: Transaction | undefined;
}

/**
 * Enqueues tasks that other processes run, and waits for their results. The data of a task is checked by the schema of
 * the definition that is given, before anything is sent; of a type that is only named, by its handler.
 */
export interface Connection extends Enqueuer<ConnectedCreateOptions>, UsableWithAwaitUsing {
  /**
   * Runs a transaction of your database as its library does, and tells those that run tasks what it enqueued as soon as
   * it is committed. It is rolled back when the function throws.
   *
   * @param db a database of Drizzle, Kysely or Prisma, or a pool of node-postgres or of Neon's driver
   * @returns what the function returns
   * @throws what the function and the library throw; TickworkError `invalid_request` when `db` is none of these
   * @example
   * await tickwork.transaction(pool, async (tx) => {
   *   await tx.query("select 1");
   *   await tickwork.enqueue(greet, { name: "Ada" }, { tx });
   * });
   */
  transaction<Tx extends object, Result>(
    db: TransactionDatabase<Tx>,
    run: (tx: Tx) => Promise<Result>,
  ): Promise<Result>;
  /**
   * For a transaction that was not run by `transaction`: tells what it enqueued, now that it is committed. Without it,
   * this process asks Postgres for the end of the transaction, and its tasks start some seconds later. Never rejects.
   *
   * @param tx as it was given to `enqueue`
   * @example
   * await client.query("BEGIN");
   * await tickwork.enqueue(greet, { name: "Ada" }, { tx: client });
   * await client.query("COMMIT");
   * await tickwork.committed(client);
   */
  committed(tx: Transaction): Promise<void>;
  /** Creates tasks by their types; finds, changes, retries and cancels them. Any type is accepted. */
  tasks: Tasks;
  /**
   * Waits until a task has ended, and returns what its handler returned, as JSON has it; of a result above 256 KB, what
   * is left of it. The pauses between two looks grow to two seconds.
   *
   * @param task as `enqueue` returned it, or its id: then name the definition's type
   * @throws TaskFailedError when it ended in `Error`; ResultTimeoutError when the time is over; the signal's reason when
   * that aborts; TickworkError `task_not_found`; PostgresError when Postgres does not answer
   * @example
   * const task = await tickwork.enqueue(greet, { name: "Ada" });
   * const { hello } = await tickwork.result(task, { timeoutMs: 30_000 });
   * const same = await tickwork.result<typeof greet>(task.id);
   */
  result<Definition extends TaskDefinition = TaskDefinition>(
    task: TaskOf<Definition> | number,
    options?: ResultOptions,
  ): Promise<ResultOf<Definition>>;
  /** Closes what was opened. Whoever still waits for a result is told so, and later calls are refused. */
  close(): Promise<void>;
}

/**
 * Enqueues tasks from any process of one's own: a web application, a script. Nothing runs here, and nothing is opened
 * before the first call. Open connections keep a process alive until `close`.
 *
 * A server on its embedded Postgres lets no other process in; there, use `tickwork/client`.
 *
 * @throws ConfigError with one line when an option is not acceptable; the methods throw it when a package is missing that
 * an address needs
 * @example
 * const tickwork = connect({ databaseUrl, redisUrl, redisToken });
 * const task = await tickwork.enqueue(greet, { name: "Ada" }, { idempotencyKey: "greet-ada" });
 * console.log(await tickwork.result(task));
 * await tickwork.close();
 */
export function connect(options: ConnectOptions): Connection {
  checkOptions(options);
  const log = options.log ?? createLogger({ level: "warn", write: (line) => console.warn(line) });
  const closing = new AbortController();
  // Each result that is waited for listens. Node would take more than ten for a leak, and say so.
  setMaxListeners(0, closing.signal);
  let opening: Promise<Opened> | undefined;
  // The drivers of Neon and Upstash are loaded with it, which nobody needs before the first call.
  const load = async () => (await import("./open.ts")).open(options, encryption, log);
  const opened = async (): Promise<Opened> => {
    closing.signal.throwIfAborted();
    opening ??= load().catch((error: unknown) => {
      // A failure is not remembered: the next call tries again.
      opening = undefined;
      throw error;
    });
    const all = await opening;
    closing.signal.throwIfAborted();
    return all;
  };
  /** Of the definitions that were given: tasks of these types are encrypted from then on. */
  const encryptedTypes = new Set<string>();
  const encryption = createEncryption(
    encryptionKeysOf("encryptionKeys", options.encryptionKeys ?? ""),
    (type) => encryptedTypes.has(type),
  );
  const openedTasks = async () => (await opened()).tasks;
  const inTransaction = async () => (await opened()).inTransaction;
  const tasks: Tasks = {
    create: async (...given) => (await openedTasks()).create(...given),
    get: async (id) => (await openedTasks()).get(id),
    list: async (filter) => (await openedTasks()).list(filter),
    page: async (filter) => (await openedTasks()).page(filter),
    update: async (...given) => (await openedTasks()).update(...given),
    remove: async (id) => (await openedTasks()).remove(id),
    retry: async (...given) => (await openedTasks()).retry(...given),
    cancel: async (...given) => (await openedTasks()).cancel(...given),
  };
  const close = async () => {
    closing.abort(new ConfigError("The connection is closed; connect() makes another one."));
    // What could not be opened need not be closed.
    await opening?.then((one) => one.close()).catch(() => {});
  };
  return {
    ...createEnqueuer<ConnectedCreateOptions>(
      async (given, { tx, ...created }, definition) => {
        const checked = definition && (await checkBy(definition, given));
        if (definition?.encrypt) encryptedTypes.add(definition.type);
        // Without its definition nobody could say how a task of this type is unique.
        if (tx === undefined) return tasks.create(definition?.unique ? (checked ?? given) : given, created);
        return (await inTransaction()).create(tx, checked ?? (await checkAny(given)), created);
      },
      { tx: true },
    ),
    transaction: (db, run) => runTransaction(db, run, inTransaction),
    committed: async (tx) => (await opening)?.inTransaction.committed(tx),
    tasks,
    result: (task, { signal, ...wait } = {}) =>
      waitForResult(tasks, typeof task === "number" ? task : task.id, {
        ...wait,
        signals: signal ? [closing.signal, signal] : [closing.signal],
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** As the server does that has the definition. */
async function checkBy(definition: TaskDefinition, given: readonly NewTask[]): Promise<NewTask[]> {
  const { checkNewTasks } = await loadSchemas();
  return checkNewTasks(createRegistry([definition]), given);
}

/** As far as it can be done without a definition. */
async function checkAny(given: readonly NewTask[]): Promise<NewTask[]> {
  const { checkNewTasks } = await loadSchemas();
  return checkNewTasks(createRegistry([], { open: true }), given);
}
