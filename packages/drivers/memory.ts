/** The in-process Redis of the embedded stack: it ends with its process. */
import type { RedisDriver, RedisReply } from "#core";
import { createMemoryRedis } from "#memory-redis";

/** @param now the clock by which keys expire, in milliseconds; tests give another one */
export function openMemory(now?: () => number): RedisDriver {
  const redis = createMemoryRedis(now ? { now } : {});
  return {
    call: async (command) => redis.call(command) as RedisReply,
    close: async () => {},
  };
}
