/**
 * Postgres and Redis, as the configuration names them. What is needed is loaded: the embedded stack starts without the
 * clients of real servers, and these without PGlite.
 */
import { type Config, ConfigError, type PostgresDriver, type RedisDriver } from "#core";
import { prefixOf } from "../core/gate/prefix.ts";
import { openEmbeddedPostgres, postgresFolder } from "./embedded-postgres.ts";
import { postgresRefusal, reachPostgres, reachRedis, redisRefusal } from "./reach.ts";

/** Stands for the address of the embedded Postgres in the prefix of Redis keys. */
const EMBEDDED_URL = "postgresql://tickwork@embedded/tickwork";

/** Begins every key in Redis. */
export const keyPrefixOf = ({ databaseUrl = EMBEDDED_URL }: Pick<Config, "databaseUrl">): string =>
  prefixOf(databaseUrl);

/**
 * The embedded Postgres, whose folder the caller has locked, or the one of the address.
 *
 * @throws ConfigError with one line when it cannot be used
 */
export async function openDatabase(
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

/**
 * A real Redis, Upstash itself, or the embedded one.
 *
 * @throws ConfigError with one line when it cannot be used
 */
export async function openCache(
  { redisUrl: url, redisToken: token }: Config,
  prefix: string,
): Promise<RedisDriver> {
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
