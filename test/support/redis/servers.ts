import { Redis } from "ioredis";
import { createMemoryRedis } from "../../../packages/memory-redis/index.ts";

/** A Redis under test. Error replies reject; inside arrays they are Error objects. */
export interface Server {
  call(argv: readonly string[]): Promise<unknown>;
}

/** The replies these tests expect are those of this version: later ones print scores in another way. */
const VERSION = /redis_version:(7\.0\.\d+)/;

/** A Redis in this process. */
export function memoryServer(options: { readonly now?: () => number } = {}): Server {
  const redis = createMemoryRedis(options);
  return { call: async (argv) => redis.call(argv) };
}

/**
 * The Redis 7.0 on this machine, or undefined. It is shared: tests may touch keys under a prefix of their
 * own, and nothing else.
 */
export async function realServer(): Promise<Server | undefined> {
  // Long random runs are better had with a server of one's own.
  const port = Number(process.env.TEST_REDIS_PORT ?? 6379);
  const client = new Redis({
    host: "127.0.0.1",
    port,
    lazyConnect: true,
    connectTimeout: 1000,
    commandTimeout: 10_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // ioredis reports a failed connection twice; the rejection below is enough.
  client.on("error", () => undefined);
  try {
    await client.connect();
    const info = await client.info("server");
    if (VERSION.test(info)) return serverOf(client);
    console.info(
      `test/redis: the server on 127.0.0.1:${port} is not Redis 7.0, so only the memory one is tested`,
    );
  } catch {
    console.info(`test/redis: no server on 127.0.0.1:${port}, so only the memory one is tested`);
  }
  client.disconnect();
  return undefined;
}

/** It is kept for all files of the process that runs them, and does not keep that process. */
const serverOf = (client: Redis): Server => ({
  call: ([name = "", ...args]) => client.call(name, ...args),
});
