/** Messages through Redis: `SUBSCRIBE` on a connection of its own, `PUBLISH` through the driver. */
import type { RedisDriver } from "#core";
import { KEEP_ALIVE_AFTER_MS } from "../core/channel-limits.ts";
import type { Channel } from "../core/doorbell/channel.ts";
import { type ChannelOptions, createChannel, type Subscription } from "./channel.ts";
import { loadIoredis } from "./ioredis.ts";

export interface RedisChannelOptions extends ChannelOptions {
  redisUrl: string;
  redis: RedisDriver;
  /** Redis has the same messages in all of its databases, and others may share it. */
  prefix: string;
}

/**
 * @throws ConfigError when the package `ioredis` is not installed
 * @example const channel = await openRedisChannel({ redisUrl, redis, prefix, log });
 */
export async function openRedisChannel({
  redisUrl,
  redis,
  prefix,
  ...options
}: RedisChannelOptions): Promise<Channel> {
  const { Redis } = await loadIoredis();
  const name = `${prefix}:rings`;
  return createChannel(
    {
      subscribe(hear, ended): Subscription {
        // It neither connects nor subscribes again by itself: what is missed in between must be looked for.
        const client = new Redis(redisUrl, {
          lazyConnect: true,
          // For whoever looks at Redis's list of clients.
          connectionName: name,
          retryStrategy: () => null,
          autoResubscribe: false,
          keepAlive: KEEP_ALIVE_AFTER_MS,
        });
        client.on("error", ({ message }: Error) => ended(message));
        client.on("end", () => ended("the connection ended"));
        client.on("message", (_: string, text: string) => hear(text));
        return {
          ready: client.connect().then(() => client.subscribe(name)),
          close: () => client.disconnect(),
        };
      },
      send: (text) => redis.call(["PUBLISH", name, text]),
    },
    options,
  );
}
