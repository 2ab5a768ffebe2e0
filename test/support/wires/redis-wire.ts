/** Upstash's requests, answered by a real Redis. */
import { Redis as IoRedis } from "ioredis";
import { createMemoryRedis } from "#memory-redis";
import { createMemoryRequester } from "./memory-requester.ts";

/** What Upstash's client hands to `redis.use`. */
export interface WireRequest {
  path?: string[];
  body?: unknown;
}

export interface RedisBackend {
  answer(request: WireRequest): Promise<unknown>;
  close(): Promise<void>;
}

type Command = (string | number)[];

/** How long one command may wait for an answer, in milliseconds; what is down answers with an error, not with silence. */
const COMMAND_TIMEOUT_MS = 3_000;

export function openRedisBackend(url: string): RedisBackend {
  const client = new IoRedis(url, {
    commandTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: true,
    retryStrategy: (times) => Math.min(2_000, 50 * 2 ** Math.min(times, 6)),
  });
  // Failures reach whoever asked; without a listener they would end the process.
  client.on("error", () => {});
  const call = (command: Command) => client.call(String(command[0]), ...command.slice(1).map(String));
  const settled = async (command: Command) => {
    try {
      return { result: plain(await call(command)) };
    } catch (error) {
      if (!isReply(error)) throw error;
      return { error: error.message };
    }
  };
  return {
    async answer({ path, body }) {
      switch (path?.[0]) {
        case "pipeline":
          return Promise.all((body as Command[]).map(settled));
        case "multi-exec": {
          const transaction = client.multi();
          for (const command of body as Command[])
            transaction.call(String(command[0]), ...command.slice(1).map(String));
          const replies = await transaction.exec();
          return (replies ?? []).map(([error, reply]) =>
            error ? { error: error.message } : { result: plain(reply) },
          );
        }
        default:
          return settled(body as Command);
      }
    },
    close: async () => {
      client.disconnect();
    },
  };
}

/** An error that Redis answered with, as opposed to one on the way to it. */
function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

function plain(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString();
  return Array.isArray(reply) ? reply.map(plain) : (reply ?? null);
}

/** An embedded Redis of one's own. */
export function memoryBackend(now?: () => number): RedisBackend {
  const answer = createMemoryRequester(createMemoryRedis(now ? { now } : {}));
  return { answer: async (request) => answer(request), close: async () => {} };
}
