import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { createMemoryRedis, RedisError } from "../../packages/memory-redis/index.ts";
import { createLuaMachine } from "../../packages/memory-redis/lua/machine.ts";

describe("memory Redis", () => {
  test("an error reply is thrown, with its code", () => {
    const redis = createMemoryRedis();
    redis.call(["SADD", "s", "a"]);
    let thrown: unknown;
    try {
      redis.call(["GET", "s"]);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(RedisError);
    expect((thrown as RedisError).code).toBe("WRONGTYPE");
  });

  test("an error is in text, not in bytes", () => {
    const redis = createMemoryRedis();
    expect(() => redis.call(["EXPIRE", "k", "1", "é"])).toThrow("ERR Unsupported option é");
    expect(() => redis.call(["EVAL", "error('é')", "0"])).toThrow("user_script:1: é script");
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

  test("clear, FLUSHALL and SCRIPT FLUSH", () => {
    const redis = createMemoryRedis();
    const load = () => String(redis.call(["SCRIPT", "LOAD", "return 1"]));
    redis.call(["SET", "k", "v"]);
    const sha = load();

    expect(redis.call(["FLUSHALL"])).toBe("OK");
    expect(redis.call(["DBSIZE"])).toBe(0);
    expect(redis.call(["EVALSHA", sha, "0"])).toBe(1);
    expect(redis.call(["SCRIPT", "FLUSH"])).toBe("OK");
    expect(redis.call(["SCRIPT", "EXISTS", sha])).toEqual([0]);

    redis.call(["SET", "k", "v"]);
    load();
    redis.clear();
    expect(redis.call(["EXISTS", "k"])).toBe(0);
    expect(redis.call(["SCRIPT", "EXISTS", sha])).toEqual([0]);
  });

  test("a result that contains itself ends", () => {
    const redis = createMemoryRedis();
    let reply: unknown = redis.call(["EVAL", "local t = {} t[1] = t return t", "0"]);
    while (Array.isArray(reply)) reply = reply[0];
    expect(reply).toBeInstanceOf(RedisError);
  });

  test.each([
    "local function f() return 1 + f() end return f()",
    "local s = ('x'):rep(1e6) return s:rep(1e6)",
    "error({})",
    "error()",
    "return coroutine.wrap(function() error('inside') end)()",
    "local t = setmetatable({}, {__index = function(t, k) return t[k] end}) return t.x",
  ])("after '%s' the machine is as before", (script) => {
    const redis = createMemoryRedis();
    const check = () =>
      redis.call(["EVAL", "return {KEYS[1], #ARGV, redis.call('PING'), math.max(1, 2)}", "1", "k"]);
    const before = check();
    expect(() => redis.call(["EVAL", script, "0"])).toThrow(RedisError);
    expect(check()).toEqual(before);
  });

  test("a bug in a command is thrown, not told to the script", () => {
    const bug = new TypeError("a bug");
    const machine = createLuaMachine(() => {
      throw bug;
    });
    const script = machine.compile("return {pcall(redis.call, 'PING')}");
    expect(() => machine.run(script, "sha", [], [])).toThrow(bug);
    expect(machine.run(machine.compile("return 1"), "sha", [], [])).toBe(1);
  });

  test("Lua 5.3's own syntax is refused, as Redis refuses it", () => {
    const redis = createMemoryRedis();
    for (const script of ["return 7 // 2", "return 1 << 2", "return 1 & 2", "goto done ::done::"]) {
      expect(() => redis.call(["EVAL", script, "0"])).toThrow(/^ERR Error compiling script/);
    }
  });

  test("the fengari others load is left as it is", () => {
    const require = createRequire(import.meta.url);
    createMemoryRedis().call(["EVAL", "return 1", "0"]);
    const { lauxlib, lua, lualib, to_luastring } = require("fengari");
    const L = lauxlib.luaL_newstate();
    lualib.luaL_openlibs(L);
    lauxlib.luaL_dostring(L, to_luastring("return math.type(1) .. (7 // 2) .. (2 / 1)"));
    expect(lua.lua_tojsstring(L, -1)).toBe("integer32.0");
  });
});
