/** A place for one run: an empty database, an empty Redis, proxies in front of both, and processes of the contender. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Redis } from "ioredis";
import pg from "pg";
import { createDatabase, POSTGRES_PORT, REDIS_PORT, redisServerUrl } from "../scripts/local-servers.ts";
import type { Form, Given } from "./contender.ts";
import { countStatements, type OpenedProxy, openProxy } from "./proxy.ts";
import type { Answer, Jobs, Question } from "./serve.ts";

/** Redis has 16 databases, unless it is told otherwise; the last is the least likely to be used. */
const LAST_REDIS_DATABASE = 15;
const CLAIM = "tickwork-bench";
/** Longer than any job; a contender that stands still does not hold up the others. */
const ANSWER_LIMIT_MS = 600_000;

export interface ArenaOptions {
  node: string;
  /** The adapter's program. */
  program: string;
  form: Form;
  results: boolean;
  /** Added to each round trip; 0 is without a proxy, unless something is counted. */
  delayMs: number;
  counted: boolean;
}

export interface Contestant {
  ask<Job extends keyof Jobs>(
    job: Job,
    argument: Parameters<Jobs[Job]>[0],
  ): Promise<Awaited<ReturnType<Jobs[Job]>>>;
  end(): Promise<void>;
}

/** What was sent to the servers since it was opened. */
export interface Counts {
  statements: number;
  commands: number;
}

export interface Arena {
  start(): Contestant;
  counts(): Counts;
  /** What Postgres does by itself within a minute of so many new rows. */
  vacuum(): Promise<void>;
  close(): Promise<void>;
}

/** Ready, with the contender's schema. */
export async function openArena(options: ArenaOptions): Promise<Arena> {
  const { delayMs, counted, form, results } = options;
  const redis = new Redis(redisServerUrl);
  const redisDatabase = await claimEmpty(redis);
  const database = await createDatabase();
  const monitor = counted ? await redis.monitor() : undefined;
  const statements = countStatements();
  let commands = 0;
  // Those inside scripts are among them, as some hosts bill them.
  monitor?.on("monitor", (_time, _arguments, _source, db) => {
    if (Number(db) === redisDatabase) commands++;
  });
  const proxies: OpenedProxy[] = [];
  const reach = async (port: number, sent?: typeof statements.sent): Promise<number> => {
    if (delayMs === 0 && !counted) return port;
    const proxy = await openProxy({ port, delayMs, ...(sent && { sent }) });
    proxies.push(proxy);
    return proxy.port;
  };
  const databaseUrl = new URL(database.url);
  databaseUrl.port = String(await reach(POSTGRES_PORT, counted ? statements.sent : undefined));
  const redisUrl = new URL(`/${redisDatabase}`, redisServerUrl);
  redisUrl.port = String(await reach(REDIS_PORT));
  const given: Given = { databaseUrl: databaseUrl.href, redisUrl: redisUrl.href, form, results };
  const running = new Set<Contestant>();

  const arena: Arena = {
    start() {
      const contestant = startContestant(options, given);
      running.add(contestant);
      return contestant;
    },
    counts: () => ({ statements: statements.count(), commands }),
    async vacuum() {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      await client.query("vacuum analyze");
      await client.end();
    },
    async close() {
      await Promise.all([...running].map((contestant) => contestant.end()));
      await Promise.all(proxies.map((proxy) => proxy.close()));
      monitor?.disconnect();
      await redis.flushdb();
      redis.disconnect();
      await database.drop();
    },
  };
  try {
    const contestant = arena.start();
    await contestant.ask("prepare", undefined);
    await contestant.end();
    return arena;
  } catch (error) {
    await arena.close();
    throw error;
  }
}

/** Finds a database without keys, and takes it: it will be emptied. */
async function claimEmpty(redis: Redis): Promise<number> {
  for (let database = LAST_REDIS_DATABASE; database > 0; database--) {
    await redis.select(database);
    if ((await redis.set(CLAIM, 1, "NX")) === null) continue;
    if ((await redis.dbsize()) === 1) return database;
    await redis.del(CLAIM);
  }
  redis.disconnect();
  throw new Error("Each database of Redis has keys; the bench needs one that it may empty.");
}

function startContestant({ node, program }: ArenaOptions, given: Given): Contestant {
  const child: ChildProcess = fork(program, [JSON.stringify(given)], { execPath: node, execArgv: [] });
  const ended = once(child, "exit");
  return {
    async ask(job, argument) {
      const question: Question = { job, argument };
      child.send(question);
      const died = ended.then(([code]) => {
        throw new Error(`${program} ended with ${code} while it was asked to ${job}.`);
      });
      died.catch(() => {});
      const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
      const [answer] = (await Promise.race([once(child, "message", { signal }), died])) as [Answer];
      if ("error" in answer) throw new Error(`${program}, asked to ${job}: ${answer.error}`);
      return answer.result as never;
    },
    async end() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await ended;
    },
  };
}
