/**
 * `npm run bench:lanes [-- TASKS …]`: what a claim costs where tasks have keys, beside a plain one, on the real PostgreSQL
 * of this machine: one task after the other, each settled in the statement that claims the next. Tasks wait in 10,000
 * keys: once of 1,000 tenants, once of a single one; then in 10,000 queues. Beside the single tenant, a small one
 * creates a task now and then: how many others start before it.
 */
import type { Store } from "../packages/core/store/store.ts";
import { oneAfterTheOther, openStore } from "./bench-store.ts";
import { serversAnswer } from "./local-servers.ts";
import { median } from "./median.ts";

const KEYS = 10_000;
const TENANTS = 1_000;
const SMALL_TASKS = 50;
/** Tasks that run between two of the small tenant. */
const BETWEEN = 7;
const RUNS = 400;
const ROUNDS = 5;
const INSERTED = 100_000;

if (!serversAnswer) {
  console.error("No PostgreSQL at 127.0.0.1:5432 or no Redis at 127.0.0.1:6379.");
  process.exit(1);
}

/** Runs so many, and returns how many a second. */
async function run(store: Store, count: number, note?: (id: number, n: number) => void): Promise<number> {
  const worker = oneAfterTheOther(store);
  let { task } = await worker.next();
  const beganMs = performance.now();
  for (let n = 1; n <= count; n++) {
    note?.(task.id, n);
    if (n < count) ({ task } = await worker.next());
  }
  await worker.end();
  return (count / (performance.now() - beganMs)) * 1000;
}

async function open(waiting: number, column = "", value = "") {
  const opened = await openStore("note");
  const total = waiting + RUNS * (ROUNDS + 1);
  for (let from = 0; from < total; from += INSERTED)
    await opened.sql(`insert into "baasix_Tasks" (task_status, type, scheduled_time, "createdAt", "updatedAt", rev${column && `, ${column}`})
      select 'Not started', 'note', now() - interval '1 hour' + n * interval '1 ms', now(), now(), 1${column && `, ${value}`}
      from generate_series(${from + 1}, ${Math.min(from + INSERTED, total)}) n`);
  await opened.sql('vacuum analyze "baasix_Tasks"');
  await run(opened.store, RUNS);
  return opened;
}

/** How many others start before a task of a small tenant does, on average and at most. Alone, none would. */
async function smallTenant({ store, sql }: Awaited<ReturnType<typeof open>>): Promise<string> {
  const before: number[] = [];
  for (let n = 0; n < SMALL_TASKS; n++) {
    const [task] = (await sql(`insert into "baasix_Tasks" (task_status, type, scheduled_time, concurrency_key)
      values ('Not started', 'note', now(), 'small') returning id`)) as { id: string }[];
    await run(store, BETWEEN, (id, place) => void (id === Number(task?.id) && before.push(place - 1)));
  }
  if (before.length < SMALL_TASKS) return `more than ${BETWEEN - 1} in ${SMALL_TASKS - before.length} cases`;
  return `${(before.reduce((a, b) => a + b) / SMALL_TASKS).toFixed(2)} on average, ${Math.max(...before)} at most`;
}

const sizes = process.argv.slice(2).map(Number);
for (const waiting of sizes.length > 0 ? sizes : [1_000, 1_000_000]) {
  const many = `'t' || n % ${TENANTS} || '/' || n % ${KEYS}`;
  const all = {
    plain: await open(waiting),
    [`${TENANTS} tenants`]: await open(waiting, "concurrency_key", many),
    "one tenant": await open(waiting, "concurrency_key", `'big/' || n % ${KEYS}`),
    [`${KEYS} queues`]: await open(waiting, "queue", `'q' || n % ${KEYS}`),
    "the same, and the next one paused": await open(waiting, "queue", `'q' || n % ${KEYS}`),
  };
  await all["the same, and the next one paused"].sql(
    "insert into tickwork_pauses (kind, name, created_at) values ('queue', $1, now())",
    [`q${(RUNS + 1) % KEYS}`],
  );
  const rates = new Map(Object.keys(all).map((name) => [name, [] as number[]]));
  // In turn: whatever else the machine does falls on all.
  for (let n = 0; n < ROUNDS; n++)
    for (const [name, { store }] of Object.entries(all)) rates.get(name)?.push(await run(store, RUNS));
  const plain = median(rates.get("plain") ?? []);
  console.log(`${waiting} waiting; tasks a second, and of plain ones:`);
  for (const [name, found] of rates)
    console.log(`  ${name}: ${median(found).toFixed(0)}, ${(median(found) / plain).toFixed(2)}`);
  console.log(`  before a task of a small tenant beside the one: ${await smallTenant(all["one tenant"])}`);
  for (const { close } of Object.values(all)) await close();
}
process.exit();
