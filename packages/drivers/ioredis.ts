/** Any Redis through ioredis: one process on one machine, or in a container. */
import { Redis } from "ioredis";
import type { RedisDriver, RedisReply } from "#core";
import { REDIS_TIMEOUT_MS } from "../core/limits.ts";

/**
 * A Redis by its address. It reconnects by itself; while it is away, a command fails within its time limit.
 *
 * @example const driver = openIoredis("redis://127.0.0.1:6379");
 */
export function openIoredis(url: string): RedisDriver {
  const client = new Redis(url, {
    commandTimeout: REDIS_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: true,
    retryStrategy: (times) => Math.min(2_000, 50 * 2 ** Math.min(times, 6)),
  });
  // Failures reach the caller of the command; without a listener they would end the process.
  client.on("error", () => {});
  return {
    call: ([command = "", ...args]) => client.call(command, ...args) as Promise<RedisReply>,
    close: async () => client.disconnect(),
  };
}
