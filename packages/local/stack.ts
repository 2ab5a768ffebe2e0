import {
  type Config,
  ConfigError,
  createDatabase,
  createRedisCommands,
  createTickwork,
  type Definitions,
  hooks,
  type Logger,
  type PostgresDriver,
  type RedisDriver,
  systemClock,
  type Tickwork,
} from "#core";
import { install } from "../core/current.ts";
import { prefixOf } from "../core/gate/prefix.ts";
import { inDataFolder, keptApiKey, makeFolder } from "./data-folder.ts";
import { openEmbeddedPostgres, postgresFolder } from "./embedded-postgres.ts";
import { lockFolder } from "./folder-lock.ts";
import { type Neighbours, openNeighbours } from "./neighbours.ts";
import { postgresRefusal, reachPostgres, reachRedis, redisRefusal } from "./reach.ts";
import { createTimerDoorbell } from "./timers.ts";

/** Tickwork on one machine, and what it stands on. */
export interface Stack {
  tickwork: Tickwork;
  config: Config;
  apiKey: string;
  neighbours: Pick<Neighbours, "listen" | "check">;
  /** It runs on the embedded Postgres, so any earlier process that ran tasks on it is dead. */
  embedded: boolean;
  close(): Promise<void>;
}

export interface StackOptions {
  config: Config;
  /** The user of Postgres where its address names none. */
  user: string | undefined;
  log: Logger;
  definitions: Definitions;
}

/** Stands for the address of the embedded Postgres in the prefix of Redis keys. */
const EMBEDDED_URL = "postgresql://tickwork@embedded/tickwork";

/**
 * Opens Postgres and Redis, embedded or real, and installs a Tickwork on them: the functions of this process use it.
 *
 * @throws ConfigError with one line when the data folder cannot be used, or Postgres or Redis cannot be reached
 */
export async function openStack({ config: given, user, log, definitions }: StackOptions): Promise<Stack> {
  const { dataDir, databaseUrl } = given;
  const apiKey = inDataFolder(dataDir, () => {
    makeFolder(dataDir);
    return given.apiKey ?? keptApiKey(dataDir);
  });
  const config = { ...given, apiKey };
  const embedded = databaseUrl === undefined;
  const prefix = prefixOf(databaseUrl ?? EMBEDDED_URL);
  const unlock = embedded ? inDataFolder(dataDir, () => lockFolder(dataDir)) : undefined;
  let redis: RedisDriver | undefined;
  let postgres: PostgresDriver | undefined;
  try {
    redis = config.cacheEnabled ? await openCache(config, prefix) : undefined;
    postgres = await openDatabase(config, user);
    const timers = createTimerDoorbell((event) => tickwork.worker.tick(event), log);
    const neighbours = await openNeighbours({ config, user, log, postgres, redis, prefix, timers });
    const tickwork: Tickwork = createTickwork({
      config,
      log,
      database: createDatabase(postgres, systemClock),
      redis: redis && createRedisCommands(redis),
      doorbell: neighbours.doorbell,
      definitions,
      hooks,
      prefix,
    });
    install(tickwork);
    const opened = [postgres, redis];
    return {
      tickwork,
      config,
      apiKey,
      neighbours,
      embedded,
      async close() {
        await timers.stop();
        await neighbours.close();
        install(undefined);
        await Promise.all(opened.map((driver) => driver?.close()));
        unlock?.();
      },
    };
  } catch (error) {
    await Promise.all([postgres?.close(), redis?.close()]);
    unlock?.();
    throw error;
  }
}

/** What is needed is loaded: the embedded stack starts without the clients of real servers, and these without PGlite. */
async function openDatabase(
  { databaseUrl, dataDir }: Config,
  user: string | undefined,
): Promise<PostgresDriver> {
  if (databaseUrl === undefined) {
    const { pgliteDriver } = await import("../drivers/pglite.ts");
    return pgliteDriver(await openEmbeddedPostgres(postgresFolder(dataDir)));
  }
  const { openPostgres } = await import("../drivers/open.ts");
  let driver: PostgresDriver | undefined;
  try {
    driver = await openPostgres(databaseUrl, { user });
    await reachPostgres(driver);
    return driver;
  } catch (error) {
    await driver?.close();
    throw error instanceof ConfigError ? error : postgresRefusal(databaseUrl, error);
  }
}

/** A real Redis, Upstash itself, or the embedded one. */
async function openCache({ redisUrl: url, redisToken: token }: Config, prefix: string): Promise<RedisDriver> {
  if (url === undefined) {
    const { openMemory } = await import("../drivers/memory.ts");
    return openMemory();
  }
  const { openRedis } = await import("../drivers/open.ts");
  const driver = await openRedis(url, token);
  try {
    await reachRedis(driver, prefix);
    return driver;
  } catch (error) {
    await driver.close();
    throw redisRefusal(url, token, error);
  }
}
