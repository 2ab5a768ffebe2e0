import type { Redis } from "@upstash/redis";
import { TickworkError } from "../errors.ts";

/** Redis as Tickwork uses it: scripts, reading many fields of one hash, and plain values. One request a call. */
export interface RedisCommands {
  /** Runs a script. Strings come back as strings, integers as numbers, nil as null. */
  run<Reply>(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply>;
  fields(key: string, fields: readonly string[]): Promise<(string | null)[]>;
  get(key: string): Promise<string | null>;
  set(key: string, value: string, ttlSeconds?: number): Promise<void>;
  /** Whether it was there. */
  remove(key: string): Promise<boolean>;
}

/** A failure of Redis or of the way to it. It makes things slower, never wrong. */
export class RedisError extends TickworkError {
  constructor(cause: unknown) {
    super("redis_unavailable", `Redis: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

export function createRedisCommands(redis: Redis): RedisCommands {
  const guarded = async <T>(work: () => Promise<T>) => {
    try {
      return await work();
    } catch (error) {
      throw new RedisError(error);
    }
  };
  return {
    // EVAL and not EVALSHA: a script is 2 KB at most, and one request stays one request after a restart of Redis.
    run: <Reply>(script: string, keys: readonly string[], args: readonly (string | number)[]) =>
      guarded(() => redis.eval<(string | number)[], Reply>(script, [...keys], [...args])),
    // Not HMGET of the client: whether that answers an array or an object depends on its options.
    fields: (key, fields) =>
      guarded(() =>
        redis.eval<string[], (string | null)[]>(
          "return redis.call('HMGET', KEYS[1], unpack(ARGV))",
          [key],
          [...fields],
        ),
      ),
    get: (key) => guarded(() => redis.get<string>(key)),
    set: (key, value, ttlSeconds) =>
      guarded(async () => {
        await redis.set(key, value, ttlSeconds === undefined ? undefined : { ex: ttlSeconds });
      }),
    remove: (key) => guarded(async () => (await redis.del(key)) > 0),
  };
}
