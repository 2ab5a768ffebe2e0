/** Connections as users make them, by addresses; and beside them the processes that run what they enqueue. */
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { type Connection, type ConnectOptions, connect } from "#connect";
import {
  createDatabase,
  createRedisCommands,
  createTickwork,
  type Definitions,
  type Logger,
  migrate,
  readConfig,
  silent,
  systemClock,
  type Tickwork,
} from "#core";
import { prefixOf } from "../../../packages/core/gate/prefix.ts";
import { keysOf } from "../../../packages/core/gate/scripts/keys.ts";
import { createTimerDoorbell, type TimerDoorbell } from "../../../packages/local/timers.ts";
import { asText } from "../bed/as-text.ts";
import { databases, type OpenedDatabase } from "../drivers/databases.ts";
import type { TcpProxy } from "../drivers/proxy.ts";
import { type OpenedRedis, redises } from "../drivers/redises.ts";

const KINDS = {
  "to Neon and Upstash, on the embedded stack": ["neon, over PGlite", "upstash, over memory"],
  "to PostgreSQL and Redis": ["pg", "ioredis"],
  "to Neon and Upstash, on real servers": ["neon, over PostgreSQL", "upstash, over Redis"],
} as const;

export type ServerProcess = Tickwork & { doorbell: TimerDoorbell; stop(): Promise<void> };

export interface ConnectBed {
  databaseUrl: string;
  redisUrl: string;
  redisToken: string | undefined;
  /** What another process needs to reach these addresses. */
  env: Record<string, string>;
  /** In front of the servers. */
  proxies: { postgres: TcpProxy; redis: TcpProxy };
  /** A connection to both, which is closed after the test. */
  connect(options?: Partial<ConnectOptions>): Connection;
  /** What runs tasks: as in a server, rings make ticks, and the cache was refreshed. */
  startServer(
    definitions: Definitions,
    options?: { log?: Logger; withoutRedis?: boolean },
  ): Promise<ServerProcess>;
  /** SQL beside Tickwork. */
  sql<Row = Record<string, string>>(text: string, params?: unknown[]): Promise<Row[]>;
  redis(...command: (string | number)[]): Promise<unknown>;
}

/** Describes a suite for each kind of addresses. Where there are no servers, those of them are reported as skipped. */
export function describeConnections(name: string, suite: (bed: ConnectBed) => void): void {
  for (const [kind, [postgres, redis]] of Object.entries(KINDS))
    describe.skipIf(!(postgres in databases) || !(redis in redises))(`${name} ${kind}`, () => {
      suite(connectBed(postgres, redis));
    });
}

/** The same for a suite that needs one kind only: that which there is on every machine. */
export function embeddedConnectBed(): ConnectBed {
  return connectBed(...KINDS["to Neon and Upstash, on the embedded stack"]);
}

function connectBed(postgres: string, redis: string): ConnectBed {
  let opened: { database: OpenedDatabase; redis: OpenedRedis } | undefined;
  const toClose: (() => Promise<unknown>)[] = [];
  const given = () => {
    const { database, redis } = opened ?? {};
    if (!database?.url || !redis?.url || !database.proxy || !redis.proxy)
      throw new Error("a bed can be used only while a test or a hook runs");
    return { database, redis, url: database.url, redisUrl: redis.url };
  };
  const query = async (text: string, params: unknown[] = []) =>
    given().database.driver.query({ text, params }, new AbortController().signal);
  const bed: ConnectBed = {
    get databaseUrl() {
      return given().url;
    },
    get redisUrl() {
      return given().redisUrl;
    },
    get redisToken() {
      return given().redis.token;
    },
    get env() {
      return given().database.env ?? {};
    },
    get proxies() {
      const { database, redis } = given();
      return { postgres: database.proxy as TcpProxy, redis: redis.proxy as TcpProxy };
    },
    connect(options = {}) {
      const { databaseUrl, redisUrl, redisToken } = bed;
      const connection = connect({ databaseUrl, redisUrl, redisToken, log: silent, ...options });
      toClose.push(() => connection.close());
      return connection;
    },
    async startServer(definitions, { log = silent, withoutRedis = false } = {}) {
      const { database, redis, url } = given();
      const doorbell = createTimerDoorbell((event) => tickwork.worker.tick(event), log);
      const tickwork: Tickwork = createTickwork({
        config: readConfig({ TASK_SHUTDOWN_WAIT_TIME: "0" }),
        log,
        database: createDatabase(database.driver, systemClock),
        redis: withoutRedis ? undefined : createRedisCommands(redis.driver),
        doorbell,
        definitions,
        prefix: prefixOf(url),
      });
      const stop = async () => {
        await tickwork.worker.shutdown();
        await doorbell.stop();
      };
      toClose.push(stop);
      await tickwork.worker.refresh();
      return { ...tickwork, doorbell, stop };
    },
    sql: async <Row>(text: string, params?: unknown[]) => (await query(text, params)).map(asText) as Row[],
    redis: (...command) => given().redis.driver.call(command.map(String)),
  };
  const dropKeys = () => bed.redis("DEL", ...keysOf(prefixOf(bed.databaseUrl), 1));

  beforeAll(async () => {
    const [database, cache] = await Promise.all([databases[postgres]?.(), redises[redis]?.()]);
    if (!database || !cache) throw new Error(`there is no ${postgres} or no ${redis}`);
    opened = { database, redis: cache };
    await migrate(createDatabase(database.driver, systemClock), silent);
  });
  afterEach(async () => {
    const { postgres, redis } = bed.proxies;
    postgres.mode = "open";
    redis.mode = "open";
    await Promise.all(toClose.splice(0).map((close) => close()));
    await query(
      `truncate "baasix_Tasks", tickwork_flags, tickwork_requests, tickwork_schedules, tickwork_pauses, tickwork_limits, tickwork_declared_limits, tickwork_lane_news, tickwork_lane_pools, tickwork_lane_groups, tickwork_lane_entries, tickwork_lanes, tickwork_lane_starts restart identity`,
    );
    await dropKeys();
  });
  afterAll(async () => {
    if (!opened) return;
    await dropKeys();
    await Promise.all([opened.database.close(), opened.redis.close()]);
  });
  return bed;
}
