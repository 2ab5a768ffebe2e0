/** Every driver of Redis in front of every Redis that it can be in front of, for one suite over all of them. */
import type { RedisDriver } from "#core";
import { openIoredis, openMemory, openUpstash } from "#drivers";
import { REDIS_PORT, redisServerUrl, serversAnswer } from "../../../scripts/local-servers.ts";
import { serveUpstash } from "../lambda/upstash-server.ts";
import { memoryBackend, openRedisBackend, type RedisBackend } from "../wires/redis-wire.ts";
import { openProxy, type TcpProxy } from "./proxy.ts";

export interface OpenedRedis {
  driver: RedisDriver;
  /** Where others find it; there is no address inside of one process. */
  url?: string;
  /** What Upstash wants to see. */
  token?: string;
  /** Between the driver and its server; there is none inside of one process. */
  proxy?: TcpProxy;
  close(): Promise<void>;
}

/** What a test looks for in errors. */
export const TOKEN = "a-very-secret-word";

export const redises: Record<string, () => Promise<OpenedRedis>> = {
  "upstash, over memory": () => openOverUpstash(memoryBackend()),
  memory: async () => {
    const driver = openMemory();
    return { driver, close: () => driver.close() };
  },
  ...(serversAnswer && {
    "upstash, over Redis": () => openOverUpstash(openRedisBackend(redisServerUrl)),
    ioredis: async () => {
      const proxy = await openProxy(REDIS_PORT);
      const url = `redis://127.0.0.1:${proxy.port}`;
      const driver = await openIoredis(url);
      return {
        driver,
        url,
        proxy,
        async close() {
          await driver.close();
          await proxy.close();
        },
      };
    },
  }),
};

async function openOverUpstash(redis: RedisBackend): Promise<OpenedRedis> {
  const server = await serveUpstash(redis, TOKEN);
  const proxy = await openProxy(Number(new URL(server.url).port));
  const url = `http://127.0.0.1:${proxy.port}`;
  const driver = openUpstash({ url, token: TOKEN });
  return {
    driver,
    url,
    token: TOKEN,
    proxy,
    async close() {
      await driver.close();
      await proxy.close();
      await server.close();
      await redis.close();
    },
  };
}
