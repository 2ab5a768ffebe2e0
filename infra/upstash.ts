/** A Redis at Upstash. The app lists `upstash` among its providers; the deployer has UPSTASH_EMAIL and UPSTASH_API_KEY. */
import { service } from "./names.ts";
import type { RedisAddress } from "./secrets.ts";
import { keepData } from "./stage.ts";

export interface UpstashOptions {
  /** Where: the functions' region. */
  primaryRegion: string;
}

export function upstashRedis({ primaryRegion }: UpstashOptions): RedisAddress {
  const redis = new upstash.RedisDatabase(
    "TickworkUpstash",
    {
      databaseName: service,
      // The only kind that Upstash still makes; without read regions it is one place.
      region: "global",
      primaryRegion,
      tls: true,
      // The cache bounds itself, and an evicted flag would cost a slower way.
      eviction: false,
    },
    keepData,
  );
  return { url: $interpolate`https://${redis.endpoint}`, token: redis.restToken };
}
