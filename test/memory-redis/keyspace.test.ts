import { describe, expect, test } from "vitest";
import { createMemoryRedis } from "../../packages/memory-redis/index.ts";

/** A memory Redis, and the clock it runs by. */
function setup() {
  let nowMs = 1_700_000_000_000;
  const redis = createMemoryRedis({ now: () => nowMs });
  const call = (command: string) => redis.call(command.split(" "));
  const advance = (ms: number) => {
    nowMs += ms;
  };
  return { redis, call, advance };
}

describe("expiry by an injected clock", () => {
  test("a key is there until its last millisecond", () => {
    const { call, advance } = setup();
    call("SET k v PX 100");
    advance(99);
    expect(call("GET k")).toBe("v");
    expect(call("PTTL k")).toBe(1);
    advance(1);
    expect(call("GET k")).toBe(null);
    expect(call("PTTL k")).toBe(-2);
  });

  test.each([
    ["SET k v EX 10", 10_000],
    ["SET k v EXAT 1700000010", 10_000],
    ["SET k v PXAT 1700000000010", 10],
    ["SETEX k 10 v", 10_000],
    ["PSETEX k 10 v", 10],
  ])("%s", (command, ms) => {
    const { call, advance } = setup();
    call(command);
    expect(call("PTTL k")).toBe(ms);
    advance(ms);
    expect(call("EXISTS k")).toBe(0);
  });

  test.each([
    ["EXPIRE k 10", 10_000],
    ["PEXPIRE k 10", 10],
    ["EXPIREAT k 1700000010", 10_000],
    ["PEXPIREAT k 1700000000010", 10],
  ])("%s on every type", (command, ms) => {
    for (const write of ["SET k v", "HSET k f v", "RPUSH k a", "SADD k a", "ZADD k 1 a"]) {
      const { call, advance } = setup();
      call(write);
      expect(call(command)).toBe(1);
      advance(ms - 1);
      expect(call("EXISTS k")).toBe(1);
      advance(1);
      expect(call("TYPE k")).toBe("none");
    }
  });

  test("TTL rounds to the nearest second", () => {
    const { call, advance } = setup();
    call("SET k v PX 2000");
    advance(500);
    expect(call("TTL k")).toBe(2);
    advance(1);
    expect(call("TTL k")).toBe(1);
    advance(1000);
    expect(call("TTL k")).toBe(0);
  });

  test("an expired key is gone for every command", () => {
    const { call, advance } = setup();
    call("SET a 1 PX 5");
    call("SET b 2");
    advance(5);
    expect(call("KEYS *")).toEqual(["b"]);
    expect(call("SCAN 0")).toEqual(["0", ["b"]]);
    call("SET c 3 PX 5");
    advance(5);
    expect(call("DBSIZE")).toBe(1);
    expect(call("DEL c")).toBe(0);
    expect(call("SET a x XX")).toBe(null);
    expect(call("SET a x NX")).toBe("OK");
    expect(call("TTL a")).toBe(-1);
  });

  test("what is made anew does not inherit the old expiry", () => {
    const { call, advance } = setup();
    call("HSET h f v");
    call("PEXPIRE h 10");
    call("HDEL h f");
    call("HSET h f w");
    advance(10);
    expect(call("HGET h f")).toBe("w");

    call("SET n 1 PX 10");
    advance(10);
    expect(call("INCR n")).toBe(1);
    expect(call("TTL n")).toBe(-1);
  });

  test("keys nobody asks for are dropped as others are used", () => {
    const { redis, call, advance } = setup();
    for (let index = 0; index < 1000; index++) call(`SET dead${index} v PX 10`);
    advance(10);
    // Commands that look at no key but their own.
    for (let index = 0; index < 1000; index++) call("GET other");
    // A page of one thousand must not have had to pass over the dead ones: none is left to pass over.
    call("SET alive v");
    expect(redis.call(["SCAN", "0", "COUNT", "1"])).toEqual(["0", ["alive"]]);
  });

  test("time stands still in a script", () => {
    let nowMs = 1_700_000_000_000;
    const redis = createMemoryRedis({ now: () => nowMs++ });
    const script = `
      local before = redis.call('TIME')
      redis.call('SET', KEYS[1], 'v', 'PX', 1)
      local value = redis.call('GET', KEYS[1])
      local after = redis.call('TIME')
      return {before[1] == after[1] and before[2] == after[2], value}`;
    expect(redis.call(["EVAL", script, "1", "k"])).toEqual([1, "v"]);
    expect(redis.call(["GET", "k"])).toBe(null);
  });

  test("TIME answers the clock", () => {
    const { call, advance } = setup();
    advance(7);
    expect(call("TIME")).toEqual(["1700000000", "7000"]);
  });
});
