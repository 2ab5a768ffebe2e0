/**
 * A Redis at Upstash. The app must list `upstash` among its providers, and the deployer must set UPSTASH_EMAIL and
 * UPSTASH_API_KEY.
 */
import { service } from "./names.ts";
import type { RedisAddress } from "./options.ts";
import { keepData } from "./stage.ts";

export interface UpstashOptions {
  /** `us-east-1`: the functions' region. */
  primaryRegion: string;
}

export function upstashRedis({ primaryRegion }: UpstashOptions): RedisAddress {
  const redis = new upstash.RedisDatabase(
    "TickworkUpstash",
    {
      databaseName: service,
      // The only kind that Upstash still offers; without read regions it is in one place.
      region: "global",
      primaryRegion,
      tls: true,
      // The cache bounds itself, and evicting a flag would slow ticks down.
      eviction: false,
    },
    keepData,
  );
  return { url: $interpolate`https://${redis.endpoint}`, token: redis.restToken };
}
