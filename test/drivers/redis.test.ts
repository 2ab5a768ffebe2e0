/** One suite for every driver of Redis: core must not be able to tell them apart. */
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createRedisCommands, type RedisCommands, RedisError } from "#core";
import { REDIS_TIMEOUT_MS } from "../../packages/core/limits.ts";
import { randomName } from "../../scripts/local-servers.ts";
import { type OpenedRedis, redises, TOKEN } from "../support/drivers/redises.ts";
import { eventually } from "../support/eventually.ts";

/** What a slow machine may need beyond the time limit. */
const SLACK_MS = 1_000;

describe.each(Object.entries(redises))("%s", (name, open) => {
  const prefix = randomName();
  const key = (suffix: string) => `${prefix}:${suffix}`;
  let opened: OpenedRedis;
  let redis: RedisCommands;

  beforeAll(async () => {
    opened = await open();
    redis = createRedisCommands(opened.driver);
  });
  afterEach(async () => {
    if (opened.proxy) {
      opened.proxy.mode = "open";
      opened.proxy.cut = undefined;
    }
    const keys = (await opened.driver.call(["KEYS", "*"])) as string[];
    const own = keys.filter((one) => one.startsWith(prefix));
    if (own.length > 0) await opened.driver.call(["DEL", ...own]);
  });
  afterAll(() => opened?.close());

  /** Text that clients like to take for something else. */
  const texts = [
    "",
    " ",
    "123",
    "0012",
    "1e3",
    "9007199254740993",
    "true",
    "null",
    "OK",
    '{"a":1}',
    "[1]",
    "dGV4dA==",
    "é 日本 👩‍🚀",
    "a\0b\r\nc",
  ];

  test("a script that Redis does not know yet runs all the same, and goes by its hash from then on", async () => {
    const asked: string[] = [];
    const noted = createRedisCommands({
      ...opened.driver,
      call: (command) => {
        asked.push(command[0] ?? "");
        return opened.driver.call(command);
      },
    });
    const script = `return {KEYS[1], ARGV[1], '${randomName()}'}`;
    for (const text of ["first", "second"])
      expect(await noted.run(script, [key("k")], [text])).toMatchObject([key("k"), text, expect.anything()]);
    expect(asked).toEqual(["EVALSHA", "EVAL", "EVALSHA"]);
    await expect(noted.run("return redis.call('NOSUCH')", [key("k")], [])).rejects.toBeInstanceOf(RedisError);
  });

  test("a user who may run scripts, but none by its hash, runs them too", async () => {
    const redis = createRedisCommands({
      call: async ([command]) => {
        if (command === "EVALSHA")
          throw new Error("NOPERM User tickwork has no permissions to run the 'evalsha' command");
        return command ?? "";
      },
      close: async () => {},
    });
    expect(await redis.run("return 1", ["k"], [])).toBe("EVAL");
  });

  describe("values", () => {
    test.each(texts)("%j comes back as it was written", async (text) => {
      await redis.set(key("text"), text);
      expect(await redis.get(key("text"))).toBe(text);
      expect(await redis.run("return {ARGV[1], redis.call('GET', KEYS[1])}", [key("text")], [text])).toEqual([
        text,
        text,
      ]);
      await redis.run("return redis.call('HSET', KEYS[1], ARGV[1], ARGV[1])", [key("hash")], [text]);
      expect(await redis.fields(key("hash"), [text, "another"])).toEqual([text, null]);
    });

    test("that are not there are null, and say so when they are removed", async () => {
      expect(await redis.get(key("nothing"))).toBeNull();
      expect(await redis.remove(key("nothing"))).toBe(false);
      await redis.set(key("something"), "1");
      expect(await redis.remove(key("something"))).toBe(true);
      expect(await redis.get(key("something"))).toBeNull();
    });

    test("with a time to live are gone after it, those without one stay", async () => {
      await redis.set(key("brief"), "1", 1);
      await redis.set(key("hour"), "1", 3_600);
      await redis.set(key("forever"), "1");
      expect(await opened.driver.call(["PTTL", key("hour")])).toBeGreaterThan(3_590_000);
      expect(await opened.driver.call(["PTTL", key("forever")])).toBe(-1);
      await eventually(async () => (await redis.get(key("brief"))) === null);
    });

    test("a thousand fields of a hash come in the order in which they were asked for", async () => {
      const write = "for i = 1, #ARGV do redis.call('HSET', KEYS[1], ARGV[i], 'v' .. ARGV[i]) end";
      const ids = Array.from({ length: 1_000 }, (_, n) => String(n));
      await redis.run(
        write,
        [key("hash")],
        ids.filter((id) => Number(id) % 2 === 0),
      );
      const asked = ids.toReversed();
      expect(await redis.fields(key("hash"), asked)).toEqual(
        asked.map((id) => (Number(id) % 2 === 0 ? `v${id}` : null)),
      );
      expect(await redis.fields(key("nothing"), ["a", "b"])).toEqual([null, null]);
    });

    test("of a megabyte are no exception", async () => {
      const text = "é".repeat(512 * 1024);
      await redis.set(key("big"), text);
      expect((await redis.get(key("big"))) === text).toBe(true);
      expect((await redis.run<string>("return ARGV[1]", [], [text])) === text).toBe(true);
    });

    test("many at once each get their own answer", async () => {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => redis.run<number>("return tonumber(ARGV[1])", [], [n])),
      );
      expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => n));
    });
  });

  describe("a script", () => {
    test("answers with strings, integers, nil and lists of them", async () => {
      expect(await redis.run("return {1, 'a', false, {-2, '3', {}}, true}", [], [])).toEqual([
        1,
        "a",
        null,
        [-2, "3", []],
        1,
      ]);
      expect(await redis.run("return 3.9", [], [])).toBe(3);
      expect(await redis.run("return false", [], [])).toBeNull();
      expect(await redis.run("local x = 1", [], [])).toBeNull();
    });

    test("gets its keys and its arguments, numbers as text, thousands if need be", async () => {
      const script = "return {#KEYS, KEYS[2], #ARGV, ARGV[1], ARGV[#ARGV]}";
      const args = Array.from({ length: 2_500 }, (_, n) => n + 0.5);
      expect(await redis.run(script, [key("a"), key("b")], args)).toEqual([
        2,
        key("b"),
        2_500,
        "0.5",
        "2499.5",
      ]);
    });

    test.each([
      ["that meets an error", "return redis.call('NONE')", /Redis: ERR .*(unknown|Unknown) .*command/i],
      [
        "that asks for what is not possible",
        "return redis.call('GET', KEYS[1])",
        /^Redis: (ERR.*)?WRONGTYPE/,
      ],
      ["that is wrong", "return nothing.there", /^Redis: ERR .*nothing/],
      ["that is no Lua", "return return", /^Redis: ERR Error compiling script/],
    ])("%s is a RedisError with the text of Redis, and breaks nothing", async (_, script, message) => {
      await redis.run("return redis.call('RPUSH', KEYS[1], 'a')", [key("list")], []).catch(() => {});
      await opened.driver.call(["HSET", key("hash"), "a", "1"]);
      const failed = redis.run(script, [key("hash")], ["argument"]);
      await expect(failed).rejects.toBeInstanceOf(RedisError);
      await expect(failed).rejects.toMatchObject({ code: "redis_unavailable" });
      await expect(failed).rejects.toThrow(message);
      // Nothing of the request is in it: arguments are data of tasks.
      await expect(failed).rejects.not.toThrow("argument");
      expect(await redis.run("return 1", [], [])).toBe(1);
    });
  });

  test("a value of another kind is an error reply with the text of Redis", async () => {
    await opened.driver.call(["HSET", key("hash"), "a", "1"]);
    await expect(redis.get(key("hash"))).rejects.toThrow(
      /^Redis: WRONGTYPE Operation against a key holding the wrong kind of value$/,
    );
  });

  describe.skipIf(name === "memory")("the way to the server", () => {
    const proxy = () => {
      if (!opened.proxy) throw new Error("there is no proxy");
      return opened.proxy;
    };
    const expectFailure = async (request: Promise<unknown>) => {
      const began = performance.now();
      const error = await request.then(
        (answer) => new Error(`it answered ${inspect(answer)}`),
        (failed: unknown) => failed,
      );
      expect(error).toBeInstanceOf(RedisError);
      expect(inspect(error, { depth: 10 })).not.toContain(TOKEN);
      expect(performance.now() - began).toBeLessThan(REDIS_TIMEOUT_MS + SLACK_MS);
    };

    test("breaks once under a command: it is sent again", async () => {
      proxy().cut = { at: "answer", what: /once/, times: 1 };
      expect(await redis.run("return ARGV[1]", [], ["once"])).toBe("once");
      expect(proxy().cut?.times).toBe(0);
    });

    test("breaks again and again: an error within the time limit; and it is used again when it holds", async () => {
      proxy().cut = { at: "answer", what: /always/, times: 100 };
      await expectFailure(redis.run("return ARGV[1]", [], ["always"]));
      proxy().cut = undefined;
      expect(await redis.run("return 1", [], [])).toBe(1);
    });

    test("is gone: an error within the time limit; and it is used again when it is back", async () => {
      proxy().mode = "gone";
      await expectFailure(redis.get(key("a")));
      await expectFailure(redis.run("return 1", [], []));
      proxy().mode = "open";
      expect(await eventually(() => redis.run("return 1", [], []).catch(() => false))).toBe(1);
    });

    test("is silent: an error within the time limit; and it is used again when it speaks", async () => {
      expect(await redis.run("return 1", [], [])).toBe(1);
      proxy().mode = "silent";
      await Promise.all([expectFailure(redis.get(key("a"))), expectFailure(redis.run("return 1", [], []))]);
      proxy().mode = "gone";
      proxy().mode = "open";
      expect(await eventually(() => redis.run("return 1", [], []).catch(() => false))).toBe(1);
    });
  });
});

test.each(Object.keys(redises).filter((name) => name === "ioredis" || name === "upstash, over memory"))(
  "%s, silent from the start: an error within the time limit",
  async (name) => {
    const opened = await redises[name]?.();
    if (!opened?.proxy) throw new Error("there is no proxy");
    opened.proxy.mode = "silent";
    const began = performance.now();
    await expect(createRedisCommands(opened.driver).get("a")).rejects.toBeInstanceOf(RedisError);
    expect(performance.now() - began).toBeLessThan(REDIS_TIMEOUT_MS + SLACK_MS);
    await opened.close();
  },
);
