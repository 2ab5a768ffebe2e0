import { describe, expect, test } from "vitest";
import {
  conforms,
  error,
  NOT_AN_INTEGER,
  ownKeys,
  SYNTAX_ERROR,
  scanAll,
  servers,
  wrongArguments,
} from "../../support/redis/conformance.ts";

const INVALID_EXPIRE = (command: string) => error(`ERR invalid expire time in '${command}' command`);

conforms("PING, ECHO and unknown commands", [
  ["PING", "PONG"],
  ["ping hello", "hello"],
  ["PING a b", wrongArguments("ping")],
  ["ECHO hé", "hé"],
  ["ECHO", wrongArguments("echo")],
  ["TIME x", wrongArguments("time")],
  ["DBSIZE x", wrongArguments("dbsize")],
  ["NOSUCH", error("ERR unknown command 'NOSUCH', with args beginning with: ")],
  ["nosuch a 'b c'", error("ERR unknown command 'nosuch', with args beginning with: 'a' 'b c' ")],
  ["FLUSHDB FOO", SYNTAX_ERROR],
  ["FLUSHALL ASYNC SYNC", SYNTAX_ERROR],
]);

conforms("TYPE, EXISTS, DEL, UNLINK", [
  ["SET :string v", "OK"],
  ["HSET :hash f v", 1],
  ["RPUSH :list a", 1],
  ["SADD :set a", 1],
  ["ZADD :zset 1 a", 1],
  ["TYPE :string", "string"],
  ["TYPE :hash", "hash"],
  ["TYPE :list", "list"],
  ["TYPE :set", "set"],
  ["TYPE :zset", "zset"],
  ["TYPE :none", "none"],
  ["EXISTS :string :none :string", 2],
  ["DEL :string :none :hash :hash", 2],
  ["UNLINK :list :list", 1],
  ["EXISTS :string :hash :list :set :zset", 2],
  ["DEL", wrongArguments("del")],
  ["EXISTS", wrongArguments("exists")],
]);

conforms("EXPIRE and its conditions", [
  ["EXPIRE :k 10", 0],
  ["SET :k v", "OK"],
  ["EXPIRE :k 100 XX", 0],
  ["EXPIRE :k 100 GT", 0],
  ["EXPIRE :k 100 lt", 1],
  ["EXPIRE :k 200 NX", 0],
  ["EXPIRE :k 200 GT", 1],
  ["EXPIRE :k 100 GT", 0],
  ["EXPIRE :k 300 LT", 0],
  ["TTL :k", 200],
  ["EXPIRE :k 100 XX LT", 1],
  ["TTL :k", 100],
  ["PERSIST :k", 1],
  ["PERSIST :k", 0],
  ["TTL :k", -1],
  ["EXPIRE :k 100 NX", 1],
  ["PEXPIRE :k 50000", 1],
  ["TTL :k", 50],
  ["TTL :none", -2],
  ["PTTL :none", -2],
  ["PERSIST :none", 0],
]);

conforms("EXPIRE in the past removes", [
  ["SET :k v", "OK"],
  ["EXPIRE :k -1", 1],
  ["EXISTS :k", 0],
  ["SET :k v", "OK"],
  ["EXPIREAT :k 1", 1],
  ["EXISTS :k", 0],
  ["SET :k v", "OK"],
  ["PEXPIREAT :k 0", 1],
  ["EXISTS :k", 0],
  ["HSET :k f v", 1],
  ["PEXPIRE :k 0", 1],
  ["HSET :k g w", 1],
  ["HGETALL :k", ["g", "w"]],
]);

conforms("EXPIRE refuses", [
  ["SET :k v", "OK"],
  ["EXPIRE :k a", NOT_AN_INTEGER],
  ["EXPIRE :none a", NOT_AN_INTEGER],
  ["EXPIRE :k 1 FOO", error("ERR Unsupported option FOO")],
  ["EXPIRE :k 1 NX XX", error("ERR NX and XX, GT or LT options at the same time are not compatible")],
  ["EXPIRE :k 1 GT LT", error("ERR GT and LT options at the same time are not compatible")],
  ["EXPIRE :k 9223372036854775807", INVALID_EXPIRE("expire")],
  ["EXPIRE :k -9223372036854775808", INVALID_EXPIRE("expire")],
  ["PEXPIRE :k 9223372036854775807", INVALID_EXPIRE("pexpire")],
  ["EXPIREAT :k 9223372036854775807", INVALID_EXPIRE("expireat")],
  ["EXPIRE :k", wrongArguments("expire")],
  ["TTL :k", -1],
]);

conforms("SCAN options", [
  ["SCAN a", error("ERR invalid cursor")],
  ["SCAN 0 COUNT 0", SYNTAX_ERROR],
  ["SCAN 0 COUNT a", NOT_AN_INTEGER],
  ["SCAN 0 MATCH", SYNTAX_ERROR],
  ["SCAN 0 FOO bar", SYNTAX_ERROR],
]);

describe.each(servers)("$name", ({ server }) => {
  const keys = ownKeys(server);

  test.skipIf(server === undefined)("SCAN meets every key", async () => {
    const names = Array.from({ length: 57 }, (_, index) => `:key${index}`);
    for (const name of names) await keys.call(["SET", name, "v"]);
    await keys.call(["SADD", ":set", "a"]);

    const call = async (argv: readonly string[]) => keys.call(argv);
    const all = await scanAll(call, ["MATCH", ":*", "COUNT", "7"]);
    expect(new Set(all)).toEqual(new Set([...names, ":set"]));
    expect(await scanAll(call, ["MATCH", ":*", "TYPE", "set"])).toEqual([":set"]);
    expect(await scanAll(call, ["match", ":key1?", "type", "STRING"])).toHaveLength(10);
  });

  test.skipIf(server === undefined)("patterns", async () => {
    const names = ["a", "b", "ab", "a*b", "a?b", "a[b", "a]b", "a-b", "a\\b", "é", ""];
    for (const name of names) await keys.call(["SET", `:${name}`, "v"]);
    const match = async (pattern: string) => {
      const found = (await keys.call(["KEYS", `:${pattern}`])) as string[];
      return found.map((key) => key.slice(1)).sort((a, b) => (a < b ? -1 : 1));
    };

    expect(await match("?")).toEqual(["a", "b"]);
    expect(await match("??")).toEqual(["ab", "é"]);
    expect(await match("a\\*b")).toEqual(["a*b"]);
    expect(await match("a[*?]b")).toEqual(["a*b", "a?b"]);
    expect(await match("a[^*?]b")).toEqual(["a-b", "a[b", "a\\b", "a]b"]);
    expect(await match("[a-a]")).toEqual(["a"]);
    expect(await match("[c-a]")).toEqual(["a", "b"]);
    expect(await match("[ab")).toEqual(["a", "b"]);
    expect(await match("a[\\]x]b")).toEqual(["a]b"]);
    expect(await match("**b")).toEqual(["a*b", "a-b", "a?b", "a[b", "a\\b", "a]b", "ab", "b"]);
    expect(await match("a\\\\b")).toEqual(["a\\b"]);
  });
});
