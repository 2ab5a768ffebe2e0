import { createHash } from "node:crypto";
import { TickworkError } from "../errors.ts";

/** Strings come as strings, integers as numbers, nil as null, whatever a string looks like. */
export type RedisReply = string | number | null | RedisReply[];

/**
 * What a Redis driver does: it sends one command and answers. It rejects when Redis answers with an error, and when it
 * does not answer within `REDIS_TIMEOUT_MS`.
 */
export interface RedisDriver {
  call(command: readonly string[]): Promise<RedisReply>;
  close(): Promise<void>;
}

/** Redis as Tickwork uses it: scripts, many fields of one hash, and plain values. One request a call. */
export interface RedisCommands {
  /** Runs a script. One that this Redis has not run since it started takes two requests. */
  run<Reply>(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply>;
  fields(key: string, fields: readonly string[]): Promise<(string | null)[]>;
  get(key: string): Promise<string | null>;
  set(key: string, value: string, ttlSeconds?: number): Promise<void>;
  /** Whether it was there. */
  remove(key: string): Promise<boolean>;
}

/**
 * A failure of Redis or of the way to it. It makes things slower, never wrong.
 *
 * @example
 * await redis.get("key").catch((error: unknown) => {
 *   if (!(error instanceof RedisError)) throw error;
 * });
 */
export class RedisError extends TickworkError {
  constructor(cause: unknown) {
    super("redis_unavailable", `Redis: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

/**
 * What Tickwork needs of Redis, over a driver.
 *
 * @throws RedisError, from each method
 * @example const redis = createRedisCommands(redisDriver);
 */
export function createRedisCommands(driver: RedisDriver): RedisCommands {
  const call = async <Reply>(...command: (string | number)[]): Promise<Reply> => {
    try {
      return (await driver.call(command.map(String))) as Reply;
    } catch (error) {
      throw new RedisError(error);
    }
  };
  return {
    run: async <Reply>(script: string, keys: readonly string[], args: readonly (string | number)[]) => {
      const given = [keys.length, ...keys, ...args];
      try {
        return await call<Reply>("EVALSHA", shaOf(script), ...given);
      } catch (error) {
        if (!(error instanceof RedisError && UNKNOWN_SCRIPT.test(error.message))) throw error;
        return call<Reply>("EVAL", script, ...given);
      }
    },
    fields: (key, fields) => call("HMGET", key, ...fields),
    get: (key) => call("GET", key),
    set: async (key, value, ttlSeconds) => {
      await call("SET", key, value, ...(ttlSeconds === undefined ? [] : ["EX", ttlSeconds]));
    },
    remove: async (key) => (await call<number>("DEL", key)) > 0,
  };
}

/** Redis has not seen the script, or lets this user run none by its hash. */
const UNKNOWN_SCRIPT = /NOSCRIPT|'evalsha'/i;

const shas = new Map<string, string>();

/** A script's name in Redis. */
function shaOf(script: string): string {
  let sha = shas.get(script);
  if (!sha) {
    sha = createHash("sha1").update(script).digest("hex");
    shas.set(script, sha);
  }
  return sha;
}
