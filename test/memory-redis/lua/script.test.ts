import { describe, expect, test } from "vitest";
import { createMemoryRedis, RedisError } from "../../../packages/memory-redis/index.ts";
import { compileScript } from "../../../packages/memory-redis/lua/script.ts";
import { conforms, error, raises, type Step } from "../../support/redis/conformance.ts";

const evaluate = (script: string, reply: unknown): Step => [["EVAL", script, "0"], reply];
const fails = (script: string, text: string, line = 1): Step =>
  evaluate(script, raises(script, `ERR user_script:${line}: ${text}`, line));

conforms("replies", [
  evaluate("return 'text'", "text"),
  evaluate("return 3.99", 3),
  evaluate("return -3.99", -3),
  evaluate("return -0.5", 0),
  evaluate("return 1700000000000", 1700000000000),
  evaluate("return true", 1),
  evaluate("return false", null),
  evaluate("return nil", null),
  evaluate("return", null),
  evaluate("local a = 1", null),
  evaluate("return {}", []),
  evaluate("return {1, 'a', {2, {3}}, true, false, 'x'}", [1, "a", [2, [3]], 1, null, "x"]),
  evaluate("return {1, 2.5, nil, 4}", [1, 2]),
  evaluate("return {a = 1, 7}", [7]),
  evaluate("return {ok = 'FINE'}", "FINE"),
  evaluate("return {err = 'MY bad'}", error("MY bad")),
  evaluate("return {ok = 5, err = 5}", []),
  evaluate("return {{err = 'A b'}, 1, {ok = 'S'}}", [error("A b"), 1, "S"]),
  evaluate("return redis.call", null),
]);

conforms("strings are bytes", [
  evaluate("return #'é😀'", 6),
  evaluate("return 'é\\0\\65' .. \"\\\"'\\\\\"", "é\0A\"'\\"),
  evaluate("local t = {} t['\\1#'] = 'x' t['\\18\\3'] = 'y' return {t['\\1#'], t['\\18\\3']}", ["x", "y"]),
  evaluate("return {'a' < 'b', 'B' < 'a', 'a' < 'ab', '\\n' < '1', 'z' < 'é'}", [1, 1, 1, 1, 1]),
]);

conforms("variables end with their block", [
  evaluate("local n = 1 local n = n + 1 if true then local n = 9 end return n", 2),
  evaluate("local a, b = 1, 2 a, b = b, a return {a, b}", [2, 1]),
  evaluate("local a a, a = 1, 2 return a", 1),
  evaluate("local a, b, c = 1, 2 return {a, b, c == nil and 'nil'}", [1, 2, "nil"]),
  fails(
    "for i = 1, 3 do local m = 1 end return m",
    "Script attempted to access nonexistent global variable 'm'",
  ),
  evaluate(
    "local f = {} for i = 1, 3 do local function g() return i end f[i] = g end return {f[1](), f[3]()}",
    [1, 3],
  ),
  evaluate("local n = 0 local function count() n = n + 1 return n end count() count() return n", 2),
  evaluate(
    "local function fact(n) if n < 2 then return 1 end return n * fact(n - 1) end return fact(10)",
    3628800,
  ),
]);

conforms("calls", [
  evaluate("local function f() return 1, 2, 3 end return {f(), f()}", [1, 1, 2, 3]),
  evaluate("local function f() return 1, 2, 3 end return {(f()), f() + 1}", [1, 2]),
  evaluate(
    "local function f() return 1, 2, 3 end local a, b, c, d = 0, f() return {a, b, c, d}",
    [0, 1, 2, 3],
  ),
  evaluate("local function f(a, b) return b or 'none' end return {f(1), f(1, 2), f(1, 2, 3)}", [
    "none",
    2,
    2,
  ]),
  evaluate("local function f() end return {1, f()}", [1]),
]);

conforms("strings that look like symbols", [
  evaluate("return 'end'", "end"),
  evaluate("local t = {'}', '='} return {tostring(')'), t[1], t[2], 'or' .. 'and'}", [
    ")",
    "}",
    "=",
    "orand",
  ]),
  evaluate("if 'then' then return 'else' end", "else"),
]);

conforms("operators", [
  evaluate("return {2 + 3 * 4 - 6 / 2, 7 % 3, -7 % 3, 2 * -3, - -2}", [11, 1, 2, -6, 2]),
  evaluate("return 1 .. 2 .. 3 + 4", "127"),
  evaluate("return {'10' + 5, '0x10' * 1, 10 == '10', 10 ~= 10.0}", [15, 16, null, null]),
  evaluate("return {nil or 1, false or nil or 2, 0 and 3, '' and 4, nil and 5}", [1, 2, 3, 4]),
  evaluate("return {1 < 2 and 'less' or 'more', not nil == true, not (1 == 1) or 'x'}", ["less", 1, "x"]),
  evaluate("local t = {1, 2} return #t + #'abc' == 5 and t[#t]", 2),
  evaluate("return {{} == {}, 0x10, 1e2, .5 * 2}", [null, 16, 100, 1]),
]);

conforms("loops and branches", [
  evaluate("local s = '' for i = 3, 1, -1 do s = s .. i end for i = 2, 1 do s = 'no' end return s", "321"),
  evaluate("local n = 1 while n < 100 do n = n * 2 end return n", 128),
  evaluate(
    "local s = '' for i = 1, 4 do if i == 1 then s = s .. 'a' elseif i == 2 then s = s .. 'b' else s = s .. 'c' end end return s",
    "abcc",
  ),
  evaluate("for i, x in ipairs({5, 6}) do if x == 6 then return i end end", 2),
  evaluate("-- a comment\nlocal t = {n = {}} -- another\nt.n.m = 7; t['k'] = 8\nreturn {t.n.m, t.k}", [7, 8]),
]);

conforms("errors of scripts", [
  fails("\nlocal t = nil\nreturn t.x", "attempt to index a nil value", 3),
  fails("local a = {} a.b.c = 1", "attempt to index a nil value"),
  fails("local x = 5 return x()", "attempt to call a number value"),
  fails("return 1 + nil", "attempt to perform arithmetic on a nil value"),
  fails("return 1 + 'a'", "attempt to perform arithmetic on a string value"),
  fails("return {} < {}", "attempt to compare two table values"),
  fails("return 1 < '2'", "attempt to compare number with string"),
  fails("return 1 > '2'", "attempt to compare string with number"),
  fails("return nil .. 'x'", "attempt to concatenate a nil value"),
  fails("return nil .. 'x' .. {}", "attempt to concatenate a table value"),
  fails("return #5", "attempt to get length of a number value"),
  fails("local t = {} t[nil] = 1", "table index is nil"),
  fails("for i = 1, 'x' do end", "'for' limit must be a number"),
  fails("return foo", "Script attempted to access nonexistent global variable 'foo'"),
  evaluate("KEYS[1] = 'a' return KEYS", ["a"]),
]);

const compileError = (text: string) =>
  error(`ERR Error compiling script (new function): user_script:${text}`);

conforms("scripts that do not compile", [
  evaluate("return 1 +", compileError("1: unexpected symbol near '<eof>'")),
  evaluate("local x\nx = = 1", compileError("2: unexpected symbol near '='")),
  evaluate("for i = 1", compileError("1: ',' expected near '<eof>'")),
  evaluate("local 5", compileError("1: '<name>' expected near '5'")),
  evaluate("if 1 then return 2 end end", compileError("1: '<eof>' expected near 'end'")),
  evaluate("if 1 then return 2", compileError("1: 'end' expected near '<eof>'")),
  evaluate("return 1 2", compileError("1: '<eof>' expected near '2'")),
]);

describe("what the translation does not know is refused", () => {
  test.each([
    "foo = 1",
    "redis.call = nil",
    "string.rep = 1",
    "function foo() end",
    "return function() end",
    "return ...",
    "repeat local x until x",
    "for i = 1, 2 do break end",
    "do local x end",
    "return ('x'):rep(2)",
    "return {['a'] = 1}",
    "return [[long]]",
    "return 2 ^ 3",
    "goto done",
    "return 7 // 2",
    "return 1 & 2",
  ])("%s", (script) => {
    expect(() => createMemoryRedis().call(["EVAL", script, "0"])).toThrow(/^ERR Error compiling script/);
  });
});

test("a bug in a command is thrown, not told to the script", () => {
  const bug = new TypeError("a bug");
  const script = compileScript("return redis.call('GET', 'k')", "sha", () => {
    throw bug;
  });
  expect(() => script([], [])).toThrow(bug);
});

test("an error is in text, not in bytes", () => {
  const redis = createMemoryRedis();
  expect(() => redis.call(["EVAL", "return {err = 'é'}", "0"])).toThrow(new RedisError("é"));
});
