/** One suite for the drivers of Redis: to core they are all the same. */
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRedisCommands, type RedisDriver, RedisError } from "#core";
import { openIoredis, openMemory, openUpstash } from "#drivers";
import { REDIS_TIMEOUT_MS } from "../../packages/core/limits.ts";
import { randomName, redisServerUrl, serversAnswer } from "../../scripts/local-servers.ts";
import { serveUpstash } from "../support/lambda/upstash-server.ts";
import { memoryBackend, openRedisBackend, type RedisBackend } from "../support/wires/redis-wire.ts";

const upstashOn = async (backend: RedisBackend): Promise<RedisDriver> => {
  const server = await serveUpstash(backend, "token");
  return {
    ...openUpstash({ url: server.url, token: "token" }),
    close: async () => {
      await server.close();
      await backend.close();
    },
  };
};

const KINDS = {
  memory: async () => openMemory(),
  "upstash, its protocol in front of the in-process Redis": () => upstashOn(memoryBackend()),
  ...(serversAnswer && {
    ioredis: async () => openIoredis(redisServerUrl),
    "upstash, its protocol in front of a real server": () => upstashOn(openRedisBackend(redisServerUrl)),
  }),
} satisfies Record<string, () => Promise<RedisDriver>>;

describe.each(Object.entries(KINDS))("%s", (_, open) => {
  const key = `{${randomName()}}:key`;
  let driver: RedisDriver;
  beforeAll(async () => {
    driver = await open();
  });
  afterAll(async () => {
    await driver?.call(["DEL", key]);
    await driver?.close();
  });
  const call = (...command: string[]) => driver.call(command);

  test.each(["", "123", "1e3", "true", "null", '{"a":1}', "é ☃", "a\nb"])(
    "%j stays the string that it is",
    async (value) => {
      await call("SET", key, value);
      expect(await call("GET", key)).toBe(value);
    },
  );

  test("a script answers with strings, integers, nil and lists of them", async () => {
    const script = "return {KEYS[1], ARGV[1], 7, false, {'8', {}}, #ARGV}";
    expect(await call("EVAL", script, "1", key, "9")).toEqual([key, "9", 7, null, ["8", []], 1]);
  });

  test("a key ends with its TTL, and what is not there is null", async () => {
    expect(await call("SET", key, "1", "PX", "30")).toBe("OK");
    await expect.poll(() => call("GET", key)).toBe(null);
    expect(await call("DEL", key)).toBe(0);
  });

  test("an error of Redis is an error, and the next command is answered", async () => {
    await call("SET", key, "text");
    await expect(call("HMGET", key, "a")).rejects.toThrow("WRONGTYPE");
    await expect(call("EVAL", "this is no Lua", "0")).rejects.toThrow(/compiling|syntax/);
    expect(await call("GET", key)).toBe("text");
    await call("DEL", key);
  });

  test("a thousand fields, and a megabyte, arrive whole and in order", async () => {
    const fields = Array.from({ length: 1_000 }, (_, n) => `field-${n}`);
    await call("HSET", key, ...fields.flatMap((name) => [name, `${name}!`]));
    const commands = createRedisCommands(driver);
    expect(await commands.fields(key, [...fields, "nothing"])).toEqual([
      ...fields.map((name) => `${name}!`),
      null,
    ]);
    await call("DEL", key);
    const long = "x".repeat(1024 * 1024);
    await commands.set(key, long, 60);
    expect(await commands.get(key)).toBe(long);
    expect(await commands.remove(key)).toBe(true);
    expect(await commands.remove(key)).toBe(false);
  });

  test("commands beside each other get their own answers", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => call("EVAL", "return ARGV[1]", "0", String(n))),
    );
    expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => String(n)));
  });
});

describe("a Redis that does not answer is a RedisError within its time limit", () => {
  const silent = createServer(() => {});
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    ({ port } = silent.address() as { port: number });
  });
  afterAll(() => void silent.close());

  test.concurrent.each([
    ["ioredis, and silence", () => openIoredis(`redis://127.0.0.1:${port}`)],
    ["upstash, and silence", () => openUpstash({ url: `http://127.0.0.1:${port}`, token: "t" })],
    ["ioredis, and nothing there", () => openIoredis("redis://127.0.0.1:1")],
    ["upstash, and nothing there", () => openUpstash({ url: "http://127.0.0.1:1", token: "t" })],
  ] as const)("%s", async (_, open) => {
    const driver = open();
    const began = performance.now();
    await expect(createRedisCommands(driver).get("key")).rejects.toBeInstanceOf(RedisError);
    expect(performance.now() - began).toBeLessThan(REDIS_TIMEOUT_MS + 1_000);
    await driver.close();
  });
});
