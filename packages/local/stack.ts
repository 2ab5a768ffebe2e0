import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Config,
  createDatabase,
  createRedisCommands,
  createTickwork,
  type Environment,
  hooks,
  type Logger,
  type PostgresDriver,
  type RedisDriver,
  readConfig,
  systemClock,
  type Tickwork,
} from "#core";
import { definitions } from "#tasks";
import { install } from "../core/current.ts";
import { prefixOf } from "../core/gate/prefix.ts";
import { openEmbeddedPostgres, postgresFolder } from "./embedded-postgres.ts";
import { lockFolder } from "./folder-lock.ts";
import { createTimerDoorbell, type TimerDoorbell } from "./timers.ts";

/** Tickwork on one machine, and what it stands on. */
export interface Stack {
  tickwork: Tickwork;
  config: Config;
  apiKey: string;
  doorbell: TimerDoorbell;
  /** It runs on the embedded Postgres, so any earlier process that ran tasks on it is dead. */
  embedded: boolean;
  close(): Promise<void>;
}

export interface StackOptions {
  env: Environment;
  log: Logger;
  /** Calls the function `tick`. */
  tick: Parameters<typeof createTimerDoorbell>[0];
}

/** Stands for the address of the embedded Postgres in the prefix of Redis keys. */
const EMBEDDED_URL = "postgresql://tickwork@embedded/tickwork";

/** On one machine, `http_request` may reach the services that run beside this one. */
const LOOPBACK = "localhost,127.0.0.0/8,::1";

/**
 * Opens Postgres and Redis, embedded or real, and installs a Tickwork on them: the functions of this process use it.
 *
 * @throws ConfigError with one line when a value in the environment is not acceptable, or the data folder is in use
 */
export async function openStack({ env, log, tick }: StackOptions): Promise<Stack> {
  const read = readConfig({ HTTP_REQUEST_ALLOW: LOOPBACK, ...env }, log);
  mkdirSync(read.dataDir, { recursive: true });
  const apiKey = read.apiKey ?? keptApiKey(read.dataDir);
  const config = { ...read, apiKey };
  const embedded = config.databaseUrl === undefined;
  const unlock = embedded ? lockFolder(config.dataDir) : undefined;
  let postgres: PostgresDriver | undefined;
  try {
    postgres = await openPostgres(config, env.PGUSER);
    const redis = config.cacheEnabled ? await openRedis(config) : undefined;
    const doorbell = createTimerDoorbell(tick, log);
    const tickwork = createTickwork({
      config,
      log,
      database: createDatabase(postgres, systemClock),
      redis: redis && createRedisCommands(redis),
      doorbell,
      definitions,
      hooks,
      prefix: prefixOf(config.databaseUrl ?? EMBEDDED_URL),
    });
    install(tickwork);
    const opened = postgres;
    return {
      tickwork,
      config,
      apiKey,
      doorbell,
      embedded,
      async close() {
        await doorbell.stop();
        install(undefined);
        await Promise.all([opened.close(), redis?.close()]);
        unlock?.();
      },
    };
  } catch (error) {
    await postgres?.close();
    unlock?.();
    throw error;
  }
}

/** Drivers are loaded when they are needed, so that the embedded stack starts without the clients of real servers. */
async function openPostgres(
  { databaseUrl, dataDir }: Config,
  user: string | undefined,
): Promise<PostgresDriver> {
  if (databaseUrl !== undefined) {
    const { openPg } = await import("../drivers/pg.ts");
    return openPg(databaseUrl, user);
  }
  const { pgliteDriver } = await import("../drivers/pglite.ts");
  return pgliteDriver(await openEmbeddedPostgres(postgresFolder(dataDir)));
}

/** A real Redis, Upstash itself, or the embedded one. */
async function openRedis({ redisUrl, redisToken }: Config): Promise<RedisDriver> {
  if (redisUrl === undefined) {
    const { openMemory } = await import("../drivers/memory.ts");
    return openMemory();
  }
  if (/^https?:/.test(redisUrl)) {
    const { openUpstash } = await import("../drivers/upstash.ts");
    return openUpstash({ url: redisUrl, token: redisToken ?? "" });
  }
  const { openIoredis } = await import("../drivers/ioredis.ts");
  return openIoredis(redisUrl);
}

/** The API key of this data folder, generated once. */
function keptApiKey(dataDir: string): string {
  const path = join(dataDir, "api-key");
  if (!existsSync(path))
    writeFileSync(path, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  return readFileSync(path, "utf8").trim();
}
