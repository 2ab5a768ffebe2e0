/** Any Redis through ioredis: from one machine, a container, or a function beside it. */
import type { RedisOptions } from "ioredis";
import type { RedisDriver, RedisReply } from "#core";
import { REDIS_TIMEOUT_MS } from "../core/limits.ts";
import { missingPeer } from "../core/peer.ts";

/**
 * A connection that was unused for longer is not used again, in milliseconds. While a function is frozen nothing keeps
 * it alive, and networks forget it without a word: a NAT gateway does so after 350 seconds.
 */
const IDLE_LIMIT_MS = 300_000;

const OPTIONS: RedisOptions = {
  commandTimeout: REDIS_TIMEOUT_MS,
  // A connection that does not answer is not waited for twice.
  socketTimeout: REDIS_TIMEOUT_MS,
  maxRetriesPerRequest: 1,
  enableOfflineQueue: true,
  retryStrategy: (times) => Math.min(2_000, 50 * 2 ** Math.min(times, 6)),
};

/**
 * A Redis by its address. It reconnects by itself; while it is away, a command fails within its time limit.
 *
 * @throws ConfigError when the package `ioredis` is not installed
 * @example const driver = await openIoredis("redis://127.0.0.1:6379");
 */
export async function openIoredis(url: string, { idleMs = IDLE_LIMIT_MS } = {}): Promise<RedisDriver> {
  const { Redis, ReplyError } = await loadIoredis();
  const connect = () => {
    const client = new Redis(url, OPTIONS);
    // What the connection met since it was last made; ioredis tells a command only that it was not sent. Without a
    // listener it would end the process.
    const connection: { client: typeof client; met: Error | undefined } = { client, met: undefined };
    client.on("error", (error: Error) => {
      connection.met = error;
    });
    client.on("connect", () => {
      connection.met = undefined;
    });
    return connection;
  };
  let current = connect();
  let usedAtMs = Date.now();
  return {
    async call([command = "", ...args]) {
      if (Date.now() - usedAtMs > idleMs) {
        current.client.disconnect();
        current = connect();
      }
      usedAtMs = Date.now();
      const connection = current;
      let reply: RedisReply;
      try {
        reply = (await connection.client.call(command, ...args)) as RedisReply;
      } catch (error) {
        if (error instanceof ReplyError) throw error;
        const unsent = (error as Error).name === "MaxRetriesPerRequestError";
        throw (
          connection.met ??
          (unsent ? new Error("the connection ended without an answer", { cause: error }) : error)
        );
      }
      // The database that the address names was refused, and this went to another one.
      if (connection.met instanceof ReplyError) throw connection.met;
      return reply;
    },
    close: async () => current.client.disconnect(),
  };
}

/** @throws ConfigError when the package `ioredis` is not installed */
export async function loadIoredis() {
  const imported = await import("ioredis").catch(
    missingPeer("ioredis", "connects to Redis servers other than Upstash"),
  );
  // It is CommonJS, of which a bundle has nothing but the default export.
  return imported.default as unknown as typeof imported;
}
