/** Upstash over HTTP: a request a command, no connection to keep. What functions use. */
import { Redis } from "@upstash/redis";
import type { RedisDriver, RedisReply } from "#core";
import {
  REDIS_RETRIES,
  REDIS_TIMEOUT_MS,
  TRANSIENT_BACKOFF_MAX_MS,
  TRANSIENT_BACKOFF_MS,
} from "../core/limits.ts";
import { backoffMs } from "../core/retry.ts";

/**
 * An Upstash database by its REST address and token. Nothing is asked before the first command.
 *
 * @example const driver = openUpstash({ url: "https://name.upstash.io", token });
 */
export function openUpstash({ url, token }: { url: string; token: string }): RedisDriver {
  const redis = new Redis({
    url,
    token,
    // Ids are digits and tokens are text: nothing may come back as another type, and no order may change.
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    readYourWrites: true,
    signal: () => AbortSignal.timeout(REDIS_TIMEOUT_MS),
    retry: {
      retries: REDIS_RETRIES,
      backoff: (n) => backoffMs(n + 1, TRANSIENT_BACKOFF_MS, TRANSIENT_BACKOFF_MAX_MS),
    },
  });
  return {
    async call([command = "", ...args]) {
      try {
        return await redis.exec<RedisReply>([command, ...args]);
      } catch (error) {
        throw withoutCommand(error);
      }
    },
    close: async () => {},
  };
}

/** The client adds the whole command to an error reply; its arguments are data of tasks, which belong in no log. */
function withoutCommand(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const [reply = "", ...command] = error.message.split(", command was: ");
  return command.length > 0 ? new Error(reply) : error;
}
