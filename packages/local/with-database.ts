import { type Config, createDatabase, type Database, type PostgresDriver, systemClock } from "#core";
import { inDataFolder, makeFolder } from "./data-folder.ts";
import { lockFolder } from "./folder-lock.ts";
import { openDatabase } from "./open-servers.ts";

/**
 * Does something with the Postgres of the configuration, and closes it. An embedded one is made if it is not there.
 *
 * @param user of Postgres where its address names none
 * @throws ConfigError with one line when it cannot be used: of an embedded one, also while a server has it
 * @example const version = await withDatabase(config, undefined, schemaVersion);
 */
export async function withDatabase<T>(
  config: Config,
  user: string | undefined,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const { databaseUrl, dataDir } = config;
  const lock = () => {
    makeFolder(dataDir);
    return lockFolder(dataDir);
  };
  const unlock = databaseUrl === undefined ? inDataFolder(dataDir, lock) : undefined;
  let driver: PostgresDriver | undefined;
  try {
    driver = await openDatabase(config, user);
    return await work(createDatabase(driver, systemClock));
  } finally {
    await driver?.close();
    unlock?.();
  }
}
