import {
  type Config,
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
import { inDataFolder, keptApiKey, makeFolder } from "./data-folder.ts";
import { lockFolder } from "./folder-lock.ts";
import { type Neighbours, openNeighbours } from "./neighbours.ts";
import { keyPrefixOf, openCache, openDatabase } from "./open-servers.ts";
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
  const prefix = keyPrefixOf(given);
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
