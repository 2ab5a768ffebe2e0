import type { Config, Logger, PostgresDriver, RedisDriver } from "#core";
import { horizonMsOf } from "../core/doorbell/ringer.ts";
import { createSharedDoorbell } from "./shared-doorbell.ts";
import type { TimerDoorbell } from "./timers.ts";

/** The other processes on the same servers: whichever of them learns of a task, each wakes up for it. */
export interface Neighbours {
  doorbell: TimerDoorbell;
  /** Hears them from now on. */
  listen(): Promise<void>;
  /** Makes sure that it still hears them. */
  check(): Promise<void>;
  close(): Promise<void>;
}

export interface NeighboursOptions {
  config: Config;
  /** The user of Postgres where its address names none. */
  user: string | undefined;
  log: Logger;
  postgres: PostgresDriver;
  redis: RedisDriver | undefined;
  prefix: string;
  timers: TimerDoorbell;
}

/** @throws ConfigError when a package is missing that this needs */
export async function openNeighbours({
  config,
  timers,
  log,
  ...servers
}: NeighboursOptions): Promise<Neighbours> {
  const { databaseUrl, redisUrl, cacheEnabled } = config;
  const nothing = async () => {};
  const alone = { doorbell: timers, listen: nothing, check: nothing, close: nothing };
  // The embedded Postgres lets no other process in.
  if (databaseUrl === undefined) return alone;
  const { openChannel } = await import("../drivers/open.ts");
  const channel = await openChannel({ ...servers, databaseUrl, redisUrl, log });
  if (!channel) {
    log.warn(
      "other processes on the same Postgres are not heard, since neither Neon nor Upstash sends messages: " +
        "what they enqueue, the next refresh finds; with a redis:// address in CACHE_REDIS_URL they are heard",
    );
    return alone;
  }
  const doorbell = createSharedDoorbell({
    own: timers,
    channel,
    horizonMs: horizonMsOf(config),
    cacheIsOwn: cacheEnabled && redisUrl === undefined,
  });
  return { doorbell, listen: doorbell.listen, check: channel.check, close: channel.close };
}
