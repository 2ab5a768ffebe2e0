/**
 * Tasks that are enqueued in a transaction of the user's. Nothing polls, so whoever commits has to tell: the cache, and
 * the doorbell. But the process may die between the commit and that. So the doorbell is **armed** while the transaction
 * is open: it will ring in a moment for a tick that asks Postgres. The ring is renewed as long as the transaction is
 * open, so that one always comes after the commit; when the transaction is rolled back, it finds nothing.
 *
 *     begin ─▶ insert ─▶ arm ─▶ … arm again … ─▶ commit ─▶ tell
 *                                                  └─ the process dies ─▶ the armed ring asks Postgres
 *
 * Where Postgres itself carries messages to those that run tasks, the insert sends one that Postgres delivers with the
 * commit, and there is nothing to arm and to tell.
 */
import type { Clock, CreateOptions, Doorbell, Logger, NewTask, Task } from "#core";
import { messageOf, refusal } from "../core/errors.ts";
import { ARM_AGAIN_MS, ARMED_LIMIT_MS, ARMED_MS, BATCH_LIMIT, ENDED_PAUSE_MS } from "../core/limits.ts";
import { PG_CHANNEL, RING_OF_TRANSACTIONS } from "../core/ring-of-transactions.ts";
import { checkName, sealed } from "../core/services/tasks.ts";
import type { StoreDeps } from "../core/store/deps.ts";
import { endOfTransaction, insertInside } from "../core/store/insert-inside.ts";
import { withOutcomes } from "../core/store/insert-unique.ts";
import type { Encryption } from "../core/tasks/encryption.ts";
import { sendIn } from "./transaction.ts";

export interface InTransactionDeps extends Pick<StoreDeps, "database"> {
  doorbell: Pick<Doorbell, "ringAfter">;
  encryption: Encryption;
  /** Postgres tells those that run tasks, when the transaction commits. */
  postgresTells: boolean;
  /** Tells the cache and the doorbell of rows that are committed. */
  tell(ids: readonly number[]): Promise<void>;
  clock: Clock;
  log: Logger;
}

export interface InTransaction {
  /** Creates tasks in a transaction. They run once it is committed, and never if it is not. */
  create(tx: object, tasks: readonly NewTask[], options: CreateOptions): Promise<Task[]>;
  /** The caller runs the transaction, and will say how it ended: nobody needs to ask Postgres. */
  own(tx: object): void;
  /** A commit comes next: makes sure that an armed ring comes after it. */
  beforeCommit(tx: object): Promise<void>;
  /** Tells of what was enqueued in a transaction, which is committed. */
  committed(tx: object): Promise<void>;
  /** Forgets what was enqueued in a transaction, which is rolled back. */
  rolledBack(tx: object): void;
  /** Whoever ran the transaction does not know how it ended: asks Postgres from now on. */
  unknown(tx: object): void;
  /** Tells of what is committed by now, and watches nothing any more. */
  close(): Promise<void>;
}

/** One transaction, until it is known how it ended. */
interface Open {
  xid: string;
  ids: number[];
  /** When the latest ring that was armed comes, at the earliest. */
  ringsAtMs: number;
  /** Its owner says how it ended, so Postgres need not be asked. */
  isOwned: boolean;
  /** Ends the watching. */
  ended: AbortController;
}

export function createInTransaction(deps: InTransactionDeps): InTransaction {
  const { doorbell, database, encryption, postgresTells, tell, clock, log } = deps;
  const open = new Map<string, Open>();
  /** By what the caller has of it. A client of a pool is used for one transaction after the other. */
  const byTx = new WeakMap<object, Set<Open>>();
  const owned = new WeakSet<object>();
  const watching = new Set<Promise<void>>();
  let closed = false;

  const arm = async (one: Open): Promise<void> => {
    const ringsAtMs = clock.now() + ARMED_MS;
    try {
      await doorbell.ringAfter(ARMED_MS, { askPostgres: true, by: "armed" });
      one.ringsAtMs = ringsAtMs;
    } catch (error) {
      log.error(
        "the doorbell could not be armed: should this process die before it tells what a transaction committed, a refresh that reads Postgres finds it",
        { error: messageOf(error) },
      );
    }
  };
  const end = (one: Open) => {
    open.delete(one.xid);
    one.ended.abort();
  };
  const tellOf = async (one: Open): Promise<void> => {
    if (!open.has(one.xid)) return;
    end(one);
    try {
      for (let n = 0; n < one.ids.length; n += BATCH_LIMIT) await tell(one.ids.slice(n, n + BATCH_LIMIT));
    } catch (error) {
      // The transaction is committed: to whoever ran it, nothing failed.
      log.warn("nobody could be told what a transaction committed; its armed ring finds it", {
        error: messageOf(error),
      });
    }
  };
  /** Says whether it has ended, as far as Postgres can be asked. */
  const settle = async (one: Open): Promise<boolean> => {
    const how = await endOfTransaction({ database }, one.xid).catch((error: unknown) => {
      log.warn("Postgres cannot be asked how a transaction that enqueued has ended", {
        error: messageOf(error),
      });
    });
    if (how === "committed") await tellOf(one);
    if (how === "aborted") end(one);
    return how !== undefined;
  };
  const watch = async (one: Open): Promise<void> => {
    const untilMs = clock.now() + ARMED_LIMIT_MS;
    let pauseMs = one.isOwned ? ARM_AGAIN_MS : ENDED_PAUSE_MS;
    while (clock.now() < untilMs) {
      await clock.sleep(pauseMs, one.ended.signal);
      if (one.ended.signal.aborted) return;
      if (!one.isOwned && (await settle(one))) return;
      pauseMs = Math.min(2 * pauseMs, ARM_AGAIN_MS);
      // The ring has to come after the next look, by as much as a commit may be under way.
      if (one.ringsAtMs - clock.now() < pauseMs + ARM_AGAIN_MS) await arm(one);
    }
    log.warn(
      "a transaction that enqueued is open for so long that it is armed no more: if nobody tells of its commit, a refresh that reads Postgres finds its tasks",
      { tasks: one.ids.length, seconds: ARMED_LIMIT_MS / 1000 },
    );
  };
  const startWatching = (one: Open): void => {
    const watched = watch(one).finally(() => watching.delete(watched));
    watching.add(watched);
  };
  const openedIn = (tx: object): Open[] => [...(byTx.get(tx) ?? [])].filter(({ xid }) => open.has(xid));

  return {
    async create(tx, given, { idempotencyKey, userId }) {
      const send = sendIn(tx);
      if (idempotencyKey !== undefined)
        throw refusal(
          "idempotencyKey",
          "cannot be given with tx: what is written in the same transaction is written once",
        );
      checkName("userId", userId);
      const ring = postgresTells ? RING_OF_TRANSACTIONS : undefined;
      const rows = sealed(encryption, given);
      const { xid, ...created } = await insertInside(send, rows, userId, { channel: PG_CHANNEL, ring });
      const answer = withOutcomes(created).map(encryption.open);
      // What was kept is as it was, so nobody has to hear of it.
      const written = created.tasks.filter((_, n) => created.outcomes?.[n] !== "kept");
      const ids = new Set([...written, ...(created.freed ?? [])].map(({ id }) => id));
      if (postgresTells || ids.size === 0) return answer;
      let one = open.get(xid);
      const isNew = one === undefined;
      one ??= {
        xid,
        ids: [],
        ringsAtMs: Number.NEGATIVE_INFINITY,
        isOwned: owned.has(tx),
        ended: new AbortController(),
      };
      open.set(xid, one);
      // Without those that have ended: a client of a pool would gather them for ever.
      byTx.set(tx, new Set(openedIn(tx)).add(one));
      one.ids.push(...ids);
      // One ring for all that the transaction enqueues.
      if (isNew) await arm(one);
      // The armed ring remains when this was closed meanwhile.
      if (isNew && !closed) startWatching(one);
      return answer;
    },

    own(tx) {
      // What a client of a pool did before is another transaction, and has its own watch.
      byTx.delete(tx);
      owned.add(tx);
    },

    async beforeCommit(tx) {
      for (const one of openedIn(tx)) if (one.ringsAtMs - clock.now() < ARM_AGAIN_MS) await arm(one);
    },

    async committed(tx) {
      const ended = openedIn(tx);
      byTx.delete(tx);
      owned.delete(tx);
      await Promise.all(ended.map(tellOf));
    },

    rolledBack(tx) {
      for (const one of openedIn(tx)) end(one);
      byTx.delete(tx);
      owned.delete(tx);
    },

    unknown(tx) {
      for (const one of openedIn(tx)) one.isOwned = false;
      owned.delete(tx);
    },

    async close() {
      closed = true;
      await Promise.all(
        [...open.values()].map(async (one) => {
          await settle(one);
          end(one);
        }),
      );
      await Promise.all(watching);
    },
  };
}
