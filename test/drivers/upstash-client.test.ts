import { Redis } from "@upstash/redis";
import { describe, expect, test } from "vitest";
import { createMemoryRedis } from "#memory-redis";
import { createMemoryRequester } from "../support/wires/memory-requester.ts";

/** The real client, answered from memory instead of over HTTP. */
function setup() {
  const memory = createMemoryRedis();
  const requester = createMemoryRequester(memory);
  const redis = new Redis({
    url: "https://memory.invalid",
    token: "t",
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
  });
  redis.use((request) => requester(request));
  return { memory, requester, redis };
}

describe("@upstash/redis", () => {
  test("get and set", async () => {
    const { redis } = setup();
    expect(await redis.get("k")).toBe(null);
    expect(await redis.set("k", "é")).toBe("OK");
    expect(await redis.get("k")).toBe("é");
    expect(await redis.set("k", "w", { nx: true, px: 5000 })).toBe(null);
    expect(await redis.set("n", 5)).toBe("OK");
    expect(await redis.get("n")).toBe("5");
  });

  test("hashes and sorted sets", async () => {
    const { redis } = setup();
    expect(await redis.hset("h", { a: "1", b: 2 })).toBe(2);
    expect(await redis.hget("h", "b")).toBe("2");
    expect(await redis.zadd("z", { score: 2, member: "b" }, { score: 1.5, member: "a" })).toBe(2);
    expect(await redis.zrange("z", 0, -1)).toEqual(["a", "b"]);
    expect(await redis.zscore("z", "a")).toBe("1.5");
  });

  test("scripts", async () => {
    const { redis } = setup();
    const script = "return {KEYS[1], ARGV[1], tonumber(ARGV[2]), redis.call('EXISTS', KEYS[1]), false}";
    expect(await redis.eval(script, ["k"], ["a", 7])).toEqual(["k", "a", 7, 0, null]);
    const sha = await redis.scriptLoad(script);
    expect(await redis.evalsha(sha, ["k"], ["a", 7])).toEqual(["k", "a", 7, 0, null]);
    await expect(redis.evalsha("0".repeat(40), [], [])).rejects.toThrow("NOSCRIPT No matching script");
    await expect(redis.eval("return {err = 'LOST the lease'}", [], [])).rejects.toThrow("LOST the lease");
  });

  test("errors are the client's own", async () => {
    const { redis } = setup();
    await redis.hset("h", { f: "v" });
    await expect(redis.get("h")).rejects.toMatchObject({
      name: "UpstashError",
      message: "WRONGTYPE Operation against a key holding the wrong kind of value",
    });
  });

  test("a pipeline runs on past an error", async () => {
    const { redis } = setup();
    const pipeline = () => redis.pipeline().set("k", "v").hget("k", "f").get("k");
    await expect(pipeline().exec()).rejects.toThrow("Command 2 [ hget ] failed: WRONGTYPE");
    expect(await pipeline().exec({ keepErrors: true })).toMatchObject([
      { result: "OK" },
      { error: "WRONGTYPE Operation against a key holding the wrong kind of value" },
      { result: "v" },
    ]);
  });

  test("a transaction", async () => {
    const { redis } = setup();
    expect(await redis.multi().set("k", "v").hincrby("h", "n", 1).get("k").exec()).toEqual(["OK", 1, "v"]);
  });
});

describe("the REST answers", () => {
  test("a transaction with an unknown command runs nothing", async () => {
    const { memory, requester } = setup();
    const discarded = { error: "EXECABORT Transaction discarded because of previous errors." };
    const transaction = (...body: string[][]) => requester({ path: ["multi-exec"], body });
    expect(await transaction(["SET", "k", "v"], ["NOSUCH"])).toEqual(discarded);
    expect(await transaction(["SET", "k", "v"], ["GET"])).toEqual(discarded);
    expect(memory.call(["EXISTS", "k"])).toBe(0);
    expect(await transaction(["SET", "k", "v"], ["PEXPIRE", "k", "x"])).toEqual([
      { result: "OK" },
      { error: "ERR value is not an integer or out of range" },
    ]);
  });

  test("an error inside an array is its text", async () => {
    const { requester } = setup();
    expect(await requester({ body: ["EVAL", "return {1, {err = 'A b'}}", 0] })).toEqual({
      result: [1, "A b"],
    });
  });

  test("what is no command is an error", async () => {
    const { requester } = setup();
    expect(await requester({})).toHaveProperty("error");
    expect(await requester({ body: [] })).toHaveProperty("error");
    expect(await requester({ path: ["pipeline"], body: "PING" })).toHaveProperty("error");
    expect(await requester({ path: ["subscribe", "channel"], body: [] })).toHaveProperty("error");
    expect(await requester({ body: ["SET", "k", null] })).toEqual({
      error: "ERR argument 2 is null; it must be a string, number or boolean",
    });
  });
});
