/** A Tickwork for tests, on the embedded drivers or on real servers, with the requests to both counted. */
import {
  type Clock,
  type Config,
  createDatabase as createClient,
  createRedisCommands,
  createTickwork,
  type Environment,
  migrate,
  type Parts,
  type PostgresDriver,
  type RedisDriver,
  readConfig,
  silent,
  systemClock,
  type Tickwork,
} from "#core";
import { openIoredis, openMemory, openPg, pgliteDriver } from "#drivers";
import { createTimerDoorbell, type TimerDoorbell } from "../../../packages/local/timers.ts";

import { createDatabase, randomName, redisServerUrl, serversAnswer } from "../../../scripts/local-servers.ts";
import { GATE_SCRIPTS } from "../redis/gate-scripts.ts";
import { asText } from "./as-text.ts";
import { openTemplate } from "./template.ts";

export { eventually } from "../eventually.ts";

export type StackKind = "embedded" | "real servers";

/** What there is on this machine; `describe.each(stacks)`. */
export const stacks: StackKind[] = serversAnswer ? ["embedded", "real servers"] : ["embedded"];

export interface TestBed {
  kind: StackKind;
  prefix: string;
  /** Requests to each server since the last `reset`. */
  counts: { postgres: number; redis: number; reset(): void };
  /** What happens on the way: before a request arrives (`postgres`, `redis`), and before its answer does. */
  faults: {
    postgres?: Fault<string>;
    postgresAnswer?: Fault<string>;
    redis?: Fault<readonly string[]>;
    redisAnswer?: Fault<readonly string[]>;
  };
  /** SQL beside Tickwork, as somebody else would write it. */
  sql<Row = Record<string, unknown>>(text: string, params?: unknown[]): Promise<Row[]>;
  redis(...command: (string | number)[]): Promise<unknown>;
  /** A Tickwork on these servers; all of them are the same deployment. */
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
  {
    migrated = true,
    redisNow,
    redisUrl,
  }: { migrated?: boolean; redisNow?: () => number; redisUrl?: string } = {},
): Promise<TestBed> {
  const copyOf = migrated ? process.env.TICKWORK_TEMPLATE_DATABASE : undefined;
  const database = kind === "real servers" ? await createDatabase(copyOf ? { copyOf } : {}) : undefined;
  const postgres = database ? await openPg(database.url) : await openEmbedded(migrated);
  const redisAt = redisUrl ?? (kind === "real servers" ? redisServerUrl : undefined);
  const redis = redisAt ? await openIoredis(redisAt) : openMemory(redisNow);
  // As a server that has run for a while, it knows them: each step of the gate is one request.
  for (const { lua } of GATE_SCRIPTS) await redis.call(["SCRIPT", "LOAD", lua]);
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
  const countedPostgres: PostgresDriver = {
    ...postgres,
    query: async (statement, signal) => {
      counts.postgres++;
      await faults.postgres?.(statement.text);
      const rows = await postgres.query(statement, signal);
      await faults.postgresAnswer?.(statement.text);
      return rows;
    },
    transaction: async (statements, signal) => {
      counts.postgres++;
      await faults.postgres?.(statements.map(({ text }) => text).join(";"));
      return postgres.transaction(statements, signal);
    },
  };
  const countedRedis: RedisDriver = {
    ...redis,
    call: async (command) => {
      counts.redis++;
      await faults.redis?.(command);
      const reply = await redis.call(command);
      await faults.redisAnswer?.(command);
      return reply;
    },
  };
  const made: MadeTickwork[] = [];
  const connect = (config: Config, withRedis: boolean, clock: Clock) => ({
    config,
    database: createClient(countedPostgres, clock),
    redis: withRedis && config.cacheEnabled ? createRedisCommands(countedRedis) : undefined,
  });

  const bed: TestBed = {
    kind,
    prefix,
    counts,
    faults,
    async sql<Row>(text: string, params: unknown[] = []) {
      const rows = await postgres.query({ text, params }, new AbortController().signal);
      return rows.map(asText) as Row[];
    },
    redis: (...command) => redis.call(command.map(String)),
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
        ...connect(config, !withoutRedis, parts.clock ?? systemClock),
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
      await empty(bed);
      const keys = (await bed.redis("KEYS", `{${prefix}}:*`)) as string[];
      if (keys.length > 0) await bed.redis("DEL", ...keys);
      counts.reset();
    },
    async close() {
      await Promise.all(made.splice(0).map((one) => one.stop()));
      const keys = (await bed.redis("KEYS", `{${prefix}}:*`)) as string[];
      if (keys.length > 0) await bed.redis("DEL", ...keys);
      await Promise.all([postgres.close(), redis.close()]);
      await database?.drop();
    },
  };
  if (migrated && database && !copyOf)
    await bed
      .make({
        doorbell: { earlyMs: 0, ring: async () => {}, ringAt: async () => {}, ringAfter: async () => {} },
      })
      .migrate();
  return bed;
}

/** What suites write; each of those with an id counts from 1 again. */
const TABLES = [
  '"baasix_Tasks"',
  "tickwork_flags",
  "tickwork_requests",
  "tickwork_schedules",
  "tickwork_keys",
  "tickwork_audit",
  "tickwork_pauses",
  "tickwork_limits",
  "tickwork_declared_limits",
  "tickwork_lane_news",
  "tickwork_lane_use",
  "tickwork_lane_pools",
  "tickwork_lane_groups",
  "tickwork_lane_entries",
  "tickwork_lanes",
  "tickwork_lane_starts",
  "tickwork_bulk",
  "tickwork_notes",
];
const COUNTED = ['"baasix_Tasks"', "tickwork_keys", "tickwork_audit"];
/** Above, new files are made in less time than so many rows are deleted. */
const FEW_ROWS = 5_000;

/** Not TRUNCATE for a few rows: it makes a new file for each table and index, which takes longer than most tests. */
async function empty({ sql }: TestBed): Promise<void> {
  const [table] = await sql<{ rows: number }>(
    `select count(*)::int as rows from (select from "baasix_Tasks" limit ${FEW_ROWS}) as found`,
  );
  if (table && table.rows >= FEW_ROWS) await sql(`truncate ${TABLES.join(", ")} restart identity`);
  else
    await sql(`do $$ begin
      ${TABLES.map((name) => `delete from ${name};`).join(" ")}
      ${COUNTED.map((name) => `perform setval(pg_get_serial_sequence('${name}', 'id'), 1, false);`).join(" ")}
    end $$`);
}

async function openEmbedded(migrated: boolean): Promise<PostgresDriver> {
  const { db, close } = await openTemplate({ migrated });
  return { ...pgliteDriver(db), close };
}
