/**
 * `npm run bench [-- TASKS [PAIRS [DELAY]]]`: no-op tasks a second, one at a time, compared with Graphile Worker and its
 * defaults, on the real PostgreSQL and Redis of this machine. Other load changes by the second, so the two run in pairs;
 * each goes first in every other pair, and the median of the pairs' ratios counts. The first pair does not: it is the
 * warm-up, in which Node compiles the code of both. With a delay, in milliseconds, Postgres and Redis answer so much later,
 * as they do over a network. Fails when Tickwork is slower.
 */
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import {
  createDatabase,
  createRedisCommands,
  createTickwork,
  migrate,
  readConfig,
  silent,
  systemClock,
} from "#core";
import { openIoredis, openPg } from "#drivers";
import { openDelayProxy } from "./delay-proxy.ts";
import {
  createDatabase as createScratch,
  POSTGRES_PORT,
  REDIS_PORT,
  randomName,
  serversAnswer,
} from "./local-servers.ts";
import { median } from "./median.ts";

const TASKS = Number(process.argv[2] ?? 5_000);
const PAIRS = Number(process.argv[3] ?? 5);
const DELAY_MS = Number(process.argv[4] ?? 0);
const BATCH = 1_000;

/** From the first start to the last, in tasks a second. */
function stopwatch(tasks: number) {
  let first = 0;
  let count = 0;
  let done: (perSecond: number) => void = () => {};
  const finished = new Promise<number>((resolve) => {
    done = resolve;
  });
  return {
    finished,
    start: () => {
      count++;
      if (count === 1) first = performance.now();
      if (count === tasks) done((tasks - 1) / ((performance.now() - first) / 1000));
    },
  };
}

async function tickwork(databaseUrl: string): Promise<number> {
  const { start, finished } = stopwatch(TASKS);
  const postgres = await openPg(databaseUrl);
  const redis = await openIoredis(`redis://127.0.0.1:${await portOf(REDIS_PORT)}`);
  const prefix = randomName();
  const noDoorbell = { earlyMs: 0, ring: async () => {}, ringAt: async () => {}, ringAfter: async () => {} };
  const { tasks, worker, database } = createTickwork({
    config: readConfig({}),
    log: silent,
    database: createDatabase(postgres, systemClock),
    redis: createRedisCommands(redis),
    doorbell: noDoorbell,
    prefix,
    definitions: [{ type: "noop", run: async () => start() }],
  });
  await migrate(database, silent);
  await worker.refresh();
  for (let made = 0; made < TASKS; made += BATCH)
    await tasks.create(Array.from({ length: Math.min(BATCH, TASKS - made) }, () => ({ type: "noop" })));
  const [perSecond] = await Promise.all([finished, worker.tick()]);
  const keys = (await redis.call(["KEYS", `{${prefix}}:*`])) as string[];
  if (keys.length > 0) await redis.call(["DEL", ...keys]);
  await Promise.all([postgres.close(), redis.close()]);
  return perSecond;
}

async function graphileWorker(databaseUrl: string): Promise<number> {
  const { start, finished } = stopwatch(TASKS);
  const logger = new Logger(() => () => {});
  // A pool of ours, which can be ended: Graphile Worker's own is still open when it says that it has stopped.
  const pgPool = new pg.Pool({ connectionString: databaseUrl });
  pgPool.on("error", () => {});
  pgPool.on("connect", (client) => client.on("error", () => {}));
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  await utils.addJobs(Array.from({ length: TASKS }, () => ({ identifier: "noop", payload: {} })));
  const runner = await run({
    pgPool,
    concurrency: 1,
    logger,
    noHandleSignals: true,
    taskList: { noop: async () => start() },
  });
  const perSecond = await finished;
  await runner.stop();
  await utils.release();
  await pgPool.end();
  return perSecond;
}

if (!serversAnswer) {
  console.error("No PostgreSQL at 127.0.0.1:5432 or no Redis at 127.0.0.1:6379.");
  process.exit(1);
}
const proxies = new Map<number, ReturnType<typeof openDelayProxy>>();
const runs = { tickwork, "graphile-worker": graphileWorker };
type Name = keyof typeof runs;
const results: Record<Name, number>[] = [];
for (let pair = 0; pair <= PAIRS; pair++) {
  const names: Name[] = ["tickwork", "graphile-worker"];
  const result = {} as Record<Name, number>;
  for (const name of pair % 2 === 1 ? names : names.reverse()) {
    const database = await createScratch();
    try {
      const url = new URL(database.url);
      url.port = `${await portOf(POSTGRES_PORT)}`;
      result[name] = await runs[name](url.href);
    } finally {
      await database.drop();
    }
  }
  if (pair > 0) results.push(result);
  console.log(
    `${pair > 0 ? `pair ${pair}` : "warm-up"}: ${summary((name) => result[name], ratioOf(result))}`,
  );
}
const ratio = median(results.map(ratioOf));
console.log(
  `\n${TASKS} no-op tasks, one at a time, medians of ${PAIRS} pairs: ${summary((name) => median(results.map((result) => result[name])), ratio)}`,
);
process.exit(ratio >= 1 ? 0 : 1);

/** Where a server of this machine answers, as late as was asked for. */
async function portOf(port: number): Promise<number> {
  if (DELAY_MS === 0) return port;
  const proxy = proxies.get(port) ?? openDelayProxy(port, DELAY_MS);
  proxies.set(port, proxy);
  return (await proxy).port;
}

function ratioOf(result: Record<Name, number>): number {
  return result.tickwork / result["graphile-worker"];
}

function summary(perSecond: (name: Name) => number, ratio: number): string {
  return `tickwork ${perSecond("tickwork").toFixed(0)}/s, graphile-worker ${perSecond("graphile-worker").toFixed(0)}/s, ratio ${ratio.toFixed(2)}`;
}
