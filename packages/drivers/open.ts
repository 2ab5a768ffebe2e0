/** Which driver an address needs: its scheme and host say so. */
import { ConfigError, type PostgresDriver, type RedisDriver } from "#core";
import type { Channel } from "../core/doorbell/channel.ts";
import { isNeon, needsToken } from "./addresses.ts";
import type { ChannelOptions } from "./channel.ts";
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

/** What a channel between processes goes through: servers that have messages, and the drivers that reach them. */
export interface ChannelWays extends ChannelOptions {
  databaseUrl: string;
  /** Of Postgres, for an address that names none. */
  user?: string | undefined;
  postgres: PostgresDriver;
  /** Absent: there is none, or it is not on a server. */
  redisUrl?: string | undefined;
  redis?: RedisDriver | undefined;
  /** Names this deployment where others share the Redis. */
  prefix: string;
}

/**
 * `LISTEN` and `NOTIFY` of Postgres; where that is Neon over HTTP, `SUBSCRIBE` and `PUBLISH` of Redis. Nothing is opened
 * before somebody listens, and messages are sent through the drivers.
 *
 * @returns undefined where neither is possible: Neon, with Upstash or without Redis
 */
export async function openChannel(ways: ChannelWays): Promise<Channel | undefined> {
  if (!isNeon(ways.databaseUrl)) return (await import("./pg-channel.ts")).openPgChannel(ways);
  const { redisUrl, redis } = ways;
  if (!redis || redisUrl === undefined || needsToken(redisUrl)) return undefined;
  return (await import("./redis-channel.ts")).openRedisChannel({ ...ways, redisUrl, redis });
}
