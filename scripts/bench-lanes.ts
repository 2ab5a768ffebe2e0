/**
 * `npm run bench:lanes [-- TASKS …]`: what a claim costs where tasks have keys, beside a plain one, on the real PostgreSQL
 * of this machine: one task after the other, each settled in the statement that claims the next. Tasks wait in 10,000 keys
 * of 1,000 groups; then at which places three tasks of a tenant start that comes after all of them: the first at once, each
 * other one when all groups have had a turn, if so many wait.
 */
import { createDatabase as createClient, migrate, silent, systemClock } from "#core";
import { openPg } from "#drivers";
import { createStore } from "../packages/core/store/store.ts";
import { createDatabase, serversAnswer } from "./local-servers.ts";

const KEYS = 10_000;
const GROUPS = 1_000;
const RUNS = 400;
const ROUNDS = 5;
const INSERTED = 100_000;

if (!serversAnswer) {
  console.error("No PostgreSQL at 127.0.0.1:5432 or no Redis at 127.0.0.1:6379.");
  process.exit(1);
}

async function openStore() {
  const place = await createDatabase();
  const driver = await openPg(place.url);
  const database = createClient(driver, { clock: systemClock, log: silent } as never);
  await migrate(database, silent);
  const types = { ours: ["note"], foreign: [] };
  const store = createStore({ database, leaseMs: 60_000, slots: 1, maxCrashes: 3, cacheLimit: 1_000, types });
  return {
    store,
    sql: (text: string) => driver.query({ text, params: [] }, AbortSignal.timeout(600_000)),
    close: async () => {
      await driver.close();
      await place.drop();
    },
  };
}

type Store = ReturnType<typeof createStore>;

/** Runs so many, and returns how many a second. */
async function run(store: Store, count: number, note?: (id: number, n: number) => void): Promise<number> {
  const request = () => ({ slot: 0, token: crypto.randomUUID(), leasedAt: Date.now() });
  const first = await store.claim(request(), []);
  let lease = first.kind === "claimed" ? first.lease : undefined;
  const beganMs = performance.now();
  for (let n = 1; n <= count; n++) {
    if (!lease) throw new Error("there must be more to claim");
    note?.(lease.task.id, n);
    const outcome = { kind: "completed", result: null } as const;
    lease = (await store.settle(lease, outcome, n < count ? request() : undefined)).next;
  }
  return (count / (performance.now() - beganMs)) * 1000;
}

const median = (all: number[]) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;

async function open(waiting: number, key: string) {
  const opened = await openStore();
  const total = waiting + RUNS * (ROUNDS + 1);
  for (let from = 0; from < total; from += INSERTED)
    await opened.sql(`insert into "baasix_Tasks" (task_status, type, scheduled_time, "createdAt", "updatedAt", rev${key && ", concurrency_key"})
      select 'Not started', 'note', now() - interval '1 hour' + n * interval '1 ms', now(), now(), 1${key}
      from generate_series(${from + 1}, ${Math.min(from + INSERTED, total)}) n`);
  await opened.sql('vacuum analyze "baasix_Tasks"');
  await run(opened.store, RUNS);
  return opened;
}

/** The places of three tasks of a tenant that comes last. */
async function lastTenant(
  { store, sql }: Awaited<ReturnType<typeof open>>,
  waiting: number,
): Promise<number[]> {
  const small = (await sql(`insert into "baasix_Tasks" (task_status, type, scheduled_time, concurrency_key)
    select 'Not started', 'note', now(), 'small' from generate_series(1, 3) returning id`)) as {
    id: string;
  }[];
  const wanted = new Set(small.map(({ id }) => Number(id)));
  const places: number[] = [];
  await run(store, Math.min(waiting, 2 * GROUPS + 10), (id, n) => void (wanted.has(id) && places.push(n)));
  return places;
}

const sizes = process.argv.slice(2).map(Number);
for (const waiting of sizes.length > 0 ? sizes : [1_000, 1_000_000]) {
  const plain = await open(waiting, "");
  const laned = await open(waiting, `, 't' || n % ${GROUPS} || '/' || n % ${KEYS}`);
  const rates: Record<"plain" | "laned", number[]> = { plain: [], laned: [] };
  // In turn: whatever else the machine does falls on both.
  for (let n = 0; n < ROUNDS; n++) {
    rates.plain.push(await run(plain.store, RUNS));
    rates.laned.push(await run(laned.store, RUNS));
  }
  const [a, b] = [median(rates.plain), median(rates.laned)];
  const told = `${waiting} waiting: plain ${a.toFixed(0)} a second; in ${KEYS} keys of ${GROUPS} groups ${b.toFixed(0)}, ${(b / a).toFixed(2)} of plain`;
  console.log(
    `${told}; a tenant that comes last starts as numbers ${(await lastTenant(laned, waiting)).join(", ")}`,
  );
  await plain.close();
  await laned.close();
}
process.exit();
