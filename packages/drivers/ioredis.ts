/** Any Redis through ioredis: one process on one machine, or in a container. */
import type { RedisDriver, RedisReply } from "#core";
import { REDIS_TIMEOUT_MS } from "../core/limits.ts";
import { missingPeer } from "../core/peer.ts";

/**
 * A Redis by its address. It reconnects by itself; while it is away, a command fails within its time limit.
 *
 * @throws ConfigError when the package `ioredis` is not installed
 * @example const driver = await openIoredis("redis://127.0.0.1:6379");
 */
export async function openIoredis(url: string): Promise<RedisDriver> {
  const { Redis, ReplyError } = await loadIoredis();
  const client = new Redis(url, {
    commandTimeout: REDIS_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: true,
    retryStrategy: (times) => Math.min(2_000, 50 * 2 ** Math.min(times, 6)),
  });
  // What the connection met since it was last made; ioredis tells a command only that it was not sent. Without a
  // listener it would end the process.
  let met: Error | undefined;
  client.on("error", (error: Error) => {
    met = error;
  });
  client.on("connect", () => {
    met = undefined;
  });
  return {
    async call([command = "", ...args]) {
      let reply: RedisReply;
      try {
        reply = (await client.call(command, ...args)) as RedisReply;
      } catch (error) {
        if (error instanceof ReplyError) throw error;
        const unsent = (error as Error).name === "MaxRetriesPerRequestError";
        throw met ?? (unsent ? new Error("the connection ended without an answer", { cause: error }) : error);
      }
      // The database that the address names was refused, and this went to another one.
      if (met instanceof ReplyError) throw met;
      return reply;
    },
    close: async () => client.disconnect(),
  };
}

/** @throws ConfigError when the package `ioredis` is not installed */
export function loadIoredis() {
  return import("ioredis").catch(missingPeer("ioredis", "connects to Redis servers other than Upstash"));
}
