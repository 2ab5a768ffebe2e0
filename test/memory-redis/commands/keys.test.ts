import { describe, expect, test } from "vitest";
import { createMemoryRedis } from "../../../packages/memory-redis/index.ts";
import {
  conforms,
  error,
  NOT_AN_INTEGER,
  ownKeys,
  servers,
  wrongArguments,
} from "../../support/redis/conformance.ts";

conforms("commands that do not exist, or not with so many arguments", [
  ["NOSUCH", error("ERR unknown command 'NOSUCH', with args beginning with: ")],
  ["nosuch a 'b c'", error("ERR unknown command 'nosuch', with args beginning with: 'a' 'b c' ")],
  ["TIME x", wrongArguments("time")],
  ["DEL", wrongArguments("del")],
  ["exists", wrongArguments("exists")],
]);

conforms("EXISTS and DEL", [
  ["SET :string v", "OK"],
  ["HSET :hash f v", 1],
  ["ZADD :zset 1 a", 1],
  ["EXISTS :string :none :string", 2],
  ["DEL :string :none :hash :hash", 2],
  ["EXISTS :string :hash :zset", 1],
]);

conforms("PEXPIRE and PTTL", [
  ["PEXPIRE :k 10000", 0],
  ["PTTL :k", -2],
  ["SET :k v", "OK"],
  ["PTTL :k", -1],
  ["PEXPIRE :k a", NOT_AN_INTEGER],
  ["PEXPIRE :none a", NOT_AN_INTEGER],
  ["PEXPIRE :k", wrongArguments("pexpire")],
  ["PEXPIRE :k 10000", 1],
  ["PEXPIRE :k -1", 1],
  ["EXISTS :k", 0],
  ["HSET :h f v", 1],
  ["PEXPIRE :h 0", 1],
  ["HSET :h g w", 1],
  ["HMGET :h f g", [null, "w"]],
  ["PTTL :h", -1],
]);

test("INFO commandstats counts what scripts call, too", () => {
  const redis = createMemoryRedis();
  redis.call(["SET", "k", "v"]);
  redis.call(["EVAL", "redis.call('GET', KEYS[1]) return redis.call('get', KEYS[1])", "1", "k"]);
  expect(() => redis.call(["NOSUCH"])).toThrow();
  expect(String(redis.call(["INFO", "commandstats"])).split("\r\n")).toEqual([
    "# Commandstats",
    "cmdstat_set:calls=1",
    "cmdstat_eval:calls=1",
    "cmdstat_get:calls=2",
    "cmdstat_info:calls=1",
    "",
  ]);
});

describe.each(servers)("$name", ({ server }) => {
  const keys = ownKeys(server);

  test.skipIf(server === undefined)("KEYS", async () => {
    const names = ["a", "b", "ab", "a.b", "{a}:b", "a|b", "é", "", "a\nb"];
    for (const name of names) await keys.call(["SET", `:${name}`, "v"]);
    const match = async (pattern: string) => new Set((await keys.call(["KEYS", `:${pattern}`])) as string[]);
    const keysOf = (...found: string[]) => new Set(found.map((name) => `:${name}`));

    expect(await match("*")).toEqual(keysOf(...names));
    expect(await match("a")).toEqual(keysOf("a"));
    expect(await match("a**b")).toEqual(keysOf("ab", "a.b", "a|b", "a\nb"));
    expect(await match("{a}:*")).toEqual(keysOf("{a}:b"));
    expect(await match("*é")).toEqual(keysOf("é"));
    expect(await match("a.")).toEqual(keysOf());
  });
});

test("KEYS refuses the wildcards that it would misread", () => {
  const redis = createMemoryRedis();
  for (const pattern of ["a?", "[ab]", "a\\*"])
    expect(() => redis.call(["KEYS", pattern])).toThrow("ERR only '*' is known in the pattern");
});
