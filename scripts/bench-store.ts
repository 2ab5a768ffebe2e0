/** Postgres alone, for what measures its statements: a database of its own, and a worker that runs one task after the other. */
import { createDatabase as createClient, migrate, silent, systemClock } from "#core";
import { openPg } from "#drivers";
import type { Lease } from "../packages/core/store/lease.ts";
import { createStore, type Store } from "../packages/core/store/store.ts";
import { createDatabase } from "./local-servers.ts";

/** The longest that a statement may take: it may make a million rows. */
const STATEMENT_LIMIT_MS = 600_000;

/** @param options of the connections, as in a URL of Postgres */
export async function openStore(type: string, options = "") {
  const place = await createDatabase();
  const driver = await openPg(`${place.url}?options=${encodeURIComponent(options)}`);
  const database = createClient(driver, systemClock);
  await migrate(database, silent);
  const types = { ours: [type], foreign: [] };
  const store = createStore({ database, leaseMs: 60_000, slots: 1, maxCrashes: 3, cacheLimit: 1_000, types });
  return {
    store,
    sql: (text: string, params: unknown[] = []) =>
      driver.query({ text, params }, AbortSignal.timeout(STATEMENT_LIMIT_MS)),
    close: async () => {
      await driver.close();
      await place.drop();
    },
  };
}

const requestLease = () => ({ slot: 0, token: crypto.randomUUID(), leasedAt: Date.now() });

/** @throws Error when there is none that is due */
export async function claimOne(store: Store): Promise<Lease> {
  const claim = await store.claim(requestLease(), []);
  if (claim.kind !== "claimed") throw new Error("a claim must find a task");
  return claim.lease;
}

/**
 * A worker in slot 0: each call ends its attempt, if it has one, and begins the next in the same statement; the task's
 * lease is returned. After `end` it has none.
 *
 * @throws Error when there is no other task that is due
 */
export function oneAfterTheOther(store: Store) {
  let lease: Lease | undefined;
  const outcome = { kind: "completed", result: { n: 1 } } as const;
  return {
    async next(): Promise<Lease> {
      lease = lease ? (await store.settle(lease, outcome, requestLease())).next : await claimOne(store);
      if (!lease) throw new Error("a settle must find a task");
      return lease;
    },
    async end(): Promise<void> {
      if (lease) await store.settle(lease, outcome, undefined);
      lease = undefined;
    },
  };
}
