/** Which driver an address needs: its scheme and host say so. */
import { ConfigError, type PostgresDriver, type RedisDriver } from "#core";
import { isNeon, needsToken } from "./addresses.ts";
import { openNeon } from "./neon.ts";
import type { PgOptions } from "./pg.ts";
import { openUpstash } from "./upstash.ts";

/**
 * Neon over HTTP, any other Postgres through node-postgres. Nothing is asked before the first query.
 *
 * @throws ConfigError when the package that this needs is not installed
 * @example const driver = await openPostgres("postgres://app:secret@db.example.com/shop");
 */
export async function openPostgres(databaseUrl: string, options: PgOptions = {}): Promise<PostgresDriver> {
  if (isNeon(databaseUrl)) return openNeon(databaseUrl);
  const { openPg } = await import("./pg.ts");
  return openPg(databaseUrl, options);
}

/**
 * Upstash over HTTP, for `https://`; any other Redis through ioredis.
 *
 * @param token Upstash's REST token
 * @throws ConfigError when the token or the package that this needs is missing
 * @example const driver = await openRedis("rediss://default:secret@cache.example.com:6380");
 */
export async function openRedis(url: string, token?: string): Promise<RedisDriver> {
  if (needsToken(url)) {
    if (!token)
      throw new ConfigError("CACHE_REDIS_TOKEN must be the REST token of CACHE_REDIS_URL, got nothing.");
    return openUpstash({ url, token });
  }
  const { openIoredis } = await import("./ioredis.ts");
  return openIoredis(url);
}
