import { describe, expect, test } from "vitest";
import { createMemoryRedis } from "../../packages/memory-redis/index.ts";
import { createKeyspace } from "../../packages/memory-redis/keyspace.ts";

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

  test("PEXPIRE on every type", () => {
    for (const write of ["SET k v", "HSET k f v", "ZADD k 1 a"]) {
      const { call, advance } = setup();
      call(write);
      expect(call("PEXPIRE k 10")).toBe(1);
      advance(9);
      expect(call("EXISTS k")).toBe(1);
      advance(1);
      expect(call("EXISTS k")).toBe(0);
    }
  });

  test("an expired key is gone for every command", () => {
    const { call, advance } = setup();
    call("SET a 1 EX 5");
    call("SET b 2");
    advance(5000);
    expect(call("KEYS *")).toEqual(["b"]);
    expect(call("DEL a")).toBe(0);
    expect(call("PEXPIRE a 10")).toBe(0);
    expect(call("SET a x NX")).toBe("OK");
    expect(call("PTTL a")).toBe(-1);
  });

  test("what is made anew does not inherit the old expiry", () => {
    const { call, advance } = setup();
    call("HSET h f v");
    call("PEXPIRE h 10");
    call("HDEL h f");
    call("HSET h f w");
    advance(10);
    expect(call("HGET h f")).toBe("w");

    call("SET s 1 PX 10");
    call("SET s 2");
    advance(10);
    expect(call("GET s")).toBe("2");
  });

  test("keys that nobody asks for are dropped as other commands run", () => {
    let nowMs = 0;
    const keyspace = createKeyspace(() => nowMs);
    keyspace.beginCommand();
    for (let index = 0; index < 100; index++) keyspace.writeString(`k${index}`, "v", 10);
    nowMs = 10;
    for (let index = 0; index < 100; index++) keyspace.beginCommand();
    // Back in time, what was dropped stays away.
    nowMs = 0;
    keyspace.beginCommand();
    expect(keyspace.keys()).toEqual([]);
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
