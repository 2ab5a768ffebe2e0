/**
 * `npm run bench:run`: how soon a task starts and how tasks share slots, with the timers of one machine on the real
 * PostgreSQL and Redis of this one.
 *
 * Latency: tasks that are due at random moments, and how long after its moment each handler began. Slots: tasks that
 * take
 * 20 ms each, with 1 to 16 slots, as a part of what n slots could do; never more than n may run.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Definitions, migrate, readConfig, silent } from "#core";
import { withResolvers } from "../packages/core/with-resolvers.ts";
import { openStack } from "../packages/local/stack.ts";
import { createDatabase, redisServerUrl, serversAnswer } from "./local-servers.ts";

const LATENCY_TASKS = 300;
const LATENCY_SPREAD_MS = 20_000;
const TASK_MS = 20;
const SLOTS = [1, 2, 4, 8, 16];
const TASKS_A_SLOT = 200;
/** Tasks that one call makes. */
const BATCH = 800;
/** They are made before they are due. */
const LEAD_MS = 2_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A Tickwork with a database of its own, until `work` is done. */
async function withTickwork<T>(
  definitions: Definitions,
  slots: number,
  work: (tickwork: Awaited<ReturnType<typeof openStack>>["tickwork"]) => Promise<T>,
): Promise<T> {
  const database = await createDatabase();
  const folder = mkdtempSync(join(tmpdir(), "tickwork-bench-"));
  const env = {
    DATABASE_URL: database.url,
    CACHE_REDIS_URL: redisServerUrl,
    DATA_DIR: folder,
    TASK_CONCURRENCY: `${slots}`,
    API_KEY: "of-the-bench-alone",
  };
  const stack = await openStack({ config: readConfig(env), user: undefined, log: silent, definitions });
  const { tickwork } = stack;
  try {
    await migrate(tickwork.database, silent);
    await stack.neighbours.listen();
    await tickwork.worker.refresh();
    return await work(tickwork);
  } finally {
    await tickwork.worker.shutdown();
    await stack.close();
    await database.drop();
    rmSync(folder, { recursive: true });
  }
}

const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;

async function latency(): Promise<void> {
  const lateMs: number[] = [];
  const { promise: finished, resolve } = withResolvers<void>();
  const run = async (_: unknown, { task }: { task: { scheduled_time: string } }) => {
    lateMs.push(performance.timeOrigin + performance.now() - Date.parse(task.scheduled_time));
    if (lateMs.length === LATENCY_TASKS) resolve();
  };
  await withTickwork([{ type: "note", run }], 1, async ({ tasks }) => {
    const firstMs = Date.now() + LEAD_MS;
    const at = () => new Date(firstMs + Math.floor(Math.random() * LATENCY_SPREAD_MS));
    await tasks.create(Array.from({ length: LATENCY_TASKS }, () => ({ type: "note", scheduled_time: at() })));
    await finished;
  });
  const sorted = lateMs.sort((a, b) => a - b);
  const told = [0, 0.5, 0.9, 0.99, 1].map((part) => percentile(sorted, part).toFixed(1));
  console.log(
    `latency of ${LATENCY_TASKS} tasks at random moments: first ${told[0]}, p50 ${told[1]}, p90 ${told[2]}, p99 ${told[3]}, last ${told[4]} ms`,
  );
}

async function slotsAtOnce(slots: number): Promise<void> {
  let running = 0;
  let most = 0;
  let done = 0;
  let beganMs = 0;
  const count = slots * TASKS_A_SLOT;
  const { promise: finished, resolve } = withResolvers<number>();
  const run = async () => {
    beganMs ||= performance.now();
    most = Math.max(most, ++running);
    await pause(TASK_MS);
    running--;
    if (++done === count) resolve(performance.now() - beganMs);
  };
  const tookMs = await withTickwork([{ type: "note", run }], slots, async ({ tasks }) => {
    const due = new Date(Date.now() + LEAD_MS);
    for (let made = 0; made < count; made += BATCH)
      await tasks.create(
        Array.from({ length: Math.min(BATCH, count - made) }, () => ({ type: "note", scheduled_time: due })),
      );
    return finished;
  });
  results.set(slots, (count / tookMs) * 1000);
  const one = results.get(1) ?? Number.NaN;
  const rate = results.get(slots) ?? Number.NaN;
  console.log(
    `${slots} slots: ${rate.toFixed(0)} tasks a second, ${(rate / one / slots).toFixed(2)} of ${slots} times one slot; at most ${most} ran at once`,
  );
  if (most > slots) throw new Error(`at most ${slots} may run at once, got ${most}`);
}

if (!serversAnswer) {
  console.error("No PostgreSQL at 127.0.0.1:5432 or no Redis at 127.0.0.1:6379.");
  process.exit(1);
}
const results = new Map<number, number>();
const what = process.argv[2];
if (what !== "slots") await latency();
if (what !== "latency") for (const slots of SLOTS) await slotsAtOnce(slots);
process.exit();
