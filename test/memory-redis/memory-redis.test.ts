import { expect, test } from "vitest";
import { createMemoryRedis, RedisError } from "../../packages/memory-redis/index.ts";

test("an error reply is thrown, with its code", () => {
  const redis = createMemoryRedis();
  redis.call(["HSET", "h", "f", "v"]);
  let thrown: unknown;
  try {
    redis.call(["GET", "h"]);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(RedisError);
  expect((thrown as RedisError).code).toBe("WRONGTYPE");
});

test("two of them share nothing", () => {
  const [one, other] = [createMemoryRedis(), createMemoryRedis()];
  const sha = one.call(["SCRIPT", "LOAD", "return redis.call('GET', KEYS[1])"]);
  one.call(["SET", "k", "one"]);
  other.call(["SET", "k", "other"]);
  expect(one.call(["EVALSHA", String(sha), "1", "k"])).toBe("one");
  expect(() => other.call(["EVALSHA", String(sha), "1", "k"])).toThrow("NOSCRIPT");
  expect(other.call(["EVAL", "return redis.call('GET', KEYS[1])", "1", "k"])).toBe("other");
});

test("clear forgets keys and scripts", () => {
  const redis = createMemoryRedis();
  redis.call(["SET", "k", "v"]);
  const sha = String(redis.call(["SCRIPT", "LOAD", "return 1"]));
  expect(redis.call(["EVALSHA", sha, "0"])).toBe(1);
  redis.clear();
  expect(redis.call(["EXISTS", "k"])).toBe(0);
  expect(() => redis.call(["EVALSHA", sha, "0"])).toThrow("NOSCRIPT");
});

test("accepts tells what MULTI would queue", () => {
  const redis = createMemoryRedis();
  expect(redis.accepts(["get", "k"])).toBe(true);
  expect(redis.accepts(["GET"])).toBe(false);
  expect(redis.accepts(["NOSUCH", "k"])).toBe(false);
});
