/** A Tickwork for tests, on the embedded wires or on real servers, with both wires counted. */
import { neon } from "@neondatabase/serverless";
import { Redis } from "@upstash/redis";
import {
  type Config,
  createDatabase as createClient,
  createRedisCommands,
  createTickwork,
  type Environment,
  migrate,
  type Parts,
  readConfig,
  silent,
  systemClock,
  type Tickwork,
} from "#core";
import {
  answerNeon,
  type Backend,
  createMemoryRedis,
  createMemoryRequester,
  createTimerDoorbell,
  forgetNeon,
  openPg,
  openRedis,
  type RedisBackend,
  type TimerDoorbell,
  type WireRequest,
} from "#local";
import { createDatabase, randomName, redisServerUrl, serversAnswer } from "./servers.ts";
import { openTemplate } from "./template.ts";

export type StackKind = "embedded" | "real servers";

/** What there is on this machine; `describe.each(stacks)`. */
export const stacks: StackKind[] = serversAnswer ? ["embedded", "real servers"] : ["embedded"];

export interface TestBed {
  kind: StackKind;
  prefix: string;
  /** Requests on each wire since the last `reset`. */
  counts: { postgres: number; redis: number; reset(): void };
  /** What happens on the wires: before a request arrives (`postgres`, `redis`), and before its answer does. */
  faults: {
    postgres?: Fault<string>;
    postgresAnswer?: Fault<string>;
    redis?: Fault<WireRequest>;
    redisAnswer?: Fault<WireRequest>;
  };
  /** SQL beside Tickwork, as somebody else would write it. */
  sql<Row = Record<string, unknown>>(text: string, params?: unknown[]): Promise<Row[]>;
  redis(...command: (string | number)[]): Promise<unknown>;
  /** A Tickwork on these wires; all of them are the same deployment. */
  make(options?: MakeOptions): MadeTickwork;
  /** Empties the table and the cache. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** Called with the request; what it throws is what the caller sees. */
type Fault<Request> = (request: Request) => Promise<void> | void;

export interface MakeOptions extends Partial<Omit<Parts, "config" | "database" | "redis">> {
  env?: Environment;
  withoutRedis?: boolean;
  /** Its process dies in the test: nobody waits for it at the end. */
  dies?: boolean;
}

export type MadeTickwork = Tickwork & {
  migrate(): Promise<string[]>;
  doorbell: TimerDoorbell | undefined;
  stop(): Promise<void>;
};

export async function openTestBed(
  kind: StackKind,
  { migrated = true, redisNow }: { migrated?: boolean; redisNow?: () => number } = {},
): Promise<TestBed> {
  const database = kind === "real servers" ? await createDatabase() : undefined;
  const backend = database ? openPg(database.url) : await openTemplate();
  const redisBackend = kind === "real servers" ? openRedis(redisServerUrl) : memoryBackend(redisNow);
  const prefix = randomName();
  const counts = {
    postgres: 0,
    redis: 0,
    reset() {
      counts.postgres = 0;
      counts.redis = 0;
    },
  };
  const faults: TestBed["faults"] = {};
  const counted: Backend = {
    query: async (query) => {
      counts.postgres++;
      await faults.postgres?.(query.query);
      const result = await backend.query(query);
      await faults.postgresAnswer?.(query.query);
      return result;
    },
    transaction: async (queries, options) => {
      counts.postgres++;
      await faults.postgres?.(queries.map(({ query }) => query).join(";"));
      return backend.transaction(queries, options);
    },
    close: () => backend.close(),
  };
  const databaseUrl = answerNeon(prefix, counted);
  const made: MadeTickwork[] = [];

  const answerRedis = async (request: WireRequest) => {
    counts.redis++;
    await faults.redis?.(request);
    const answer = await redisBackend.answer(request);
    await faults.redisAnswer?.(request);
    return answer;
  };
  const connect = (config: Config, withRedis: boolean) => {
    const redis = new Redis({
      url: "https://redis.tickwork.invalid",
      token: "test",
      automaticDeserialization: false,
      enableAutoPipelining: false,
      enableTelemetry: false,
    });
    redis.use((request) => answerRedis(request) as never);
    return {
      config,
      database: createClient(neon(databaseUrl), systemClock),
      redis: withRedis && config.cacheEnabled ? createRedisCommands(redis) : undefined,
    };
  };

  const bed: TestBed = {
    kind,
    prefix,
    counts,
    faults,
    async sql<Row>(text: string, params: unknown[] = []) {
      const { fields, rows } = await backend.query({ query: text, params });
      return rows.map((row) => Object.fromEntries(fields.map(({ name }, n) => [name, row[n]]))) as Row[];
    },
    redis: async (...command) => {
      const answer = (await redisBackend.answer({ body: command })) as { result?: unknown; error?: string };
      if (answer.error) throw new Error(answer.error);
      return answer.result;
    },
    make({ env = {}, withoutRedis = false, dies = false, ...parts } = {}) {
      const config = readConfig({ TASK_SHUTDOWN_WAIT_TIME: "0", ...env }, silent);
      let tickwork: Tickwork | undefined;
      const timers = parts.doorbell
        ? undefined
        : createTimerDoorbell(async (event) => tickwork?.worker.tick(event), parts.log ?? silent);
      tickwork = createTickwork({
        log: silent,
        definitions: [],
        prefix,
        ...parts,
        ...connect(config, !withoutRedis),
        doorbell: parts.doorbell ?? (timers as TimerDoorbell),
      });
      const { worker } = tickwork;
      const { database, log } = tickwork;
      const one: MadeTickwork = {
        ...tickwork,
        migrate: () => migrate(database, log),
        doorbell: timers,
        stop: async () => {
          await worker.shutdown();
          await timers?.stop();
        },
      };
      if (!dies) made.push(one);
      return one;
    },
    async clear() {
      await Promise.all(made.splice(0).map((one) => one.stop()));
      for (const fault of Object.keys(faults) as (keyof typeof faults)[]) delete faults[fault];
      await bed.sql(`truncate "baasix_Tasks", tickwork_flags, tickwork_requests restart identity`);
      const keys = (await bed.redis("KEYS", `{${prefix}}:*`)) as string[];
      if (keys.length > 0) await bed.redis("DEL", ...keys);
      counts.reset();
    },
    async close() {
      await Promise.all(made.splice(0).map((one) => one.stop()));
      const keys = (await bed.redis("KEYS", `{${prefix}}:*`)) as string[];
      if (keys.length > 0) await bed.redis("DEL", ...keys);
      forgetNeon(databaseUrl);
      await Promise.all([backend.close(), redisBackend.close()]);
      await database?.drop();
    },
  };
  if (migrated)
    await bed
      .make({
        doorbell: { earlyMs: 0, ring: async () => {}, ringAt: async () => {}, ringAfter: async () => {} },
      })
      .migrate();
  return bed;
}

/** An embedded Redis of one's own. */
export function memoryBackend(now?: () => number): RedisBackend {
  const answer = createMemoryRequester(createMemoryRedis(now ? { now } : {}));
  return { answer: async (request) => answer(request), close: async () => {} };
}

type Nothing = false | null | undefined;

/** Waits until `check` gives something, looking again and again; for what another part of the system does. */
export async function eventually<T>(
  check: () => T | Nothing | Promise<T | Nothing>,
  { limitMs = 10_000 } = {},
): Promise<T> {
  const until = Date.now() + limitMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > until) throw new Error(`not within ${limitMs} ms: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
