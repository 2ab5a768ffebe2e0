import { expect, test } from "vitest";
import { createMemoryRedis } from "../../../packages/memory-redis/index.ts";
import { conforms, raises, type Step } from "../../support/redis/conformance.ts";

/** `return tostring(expression)` for each, one script for all. */
const prints = (expected: Readonly<Record<string, string>>): Step => {
  const items = Object.keys(expected).map((expression) => `tostring(${expression})`);
  return [["EVAL", `return {${items.join(", ")}}`, "0"], Object.values(expected)];
};
const evaluate = (script: string, reply: unknown): Step => [["EVAL", script, "0"], reply];
const fails = (script: string, text: string): Step =>
  evaluate(script, raises(script, `ERR user_script:1: ${text}`));

conforms("numbers print with 14 digits", [
  prints({
    "1e13": "10000000000000",
    "1700000000000": "1700000000000",
    "99999999999999": "99999999999999",
    "100000000000000": "1e+14",
    "123456789012345": "1.2345678901234e+14",
    "12345678901234.5": "12345678901234",
    "12345678901235.5": "12345678901236",
    "1e100": "1e+100",
    "1/3": "0.33333333333333",
    "0.1 + 0.2": "0.3",
    "1e-5": "1e-05",
    "5e-324": "4.9406564584125e-324",
    "10 / 2": "5",
    "1/0": "inf",
    "-1/0": "-inf",
    "0/0": "-nan",
  }),
  // Alone: Lua 5.1 takes the constants 0 and -0 of one script for the same.
  prints({ "-0": "-0" }),
  evaluate("return 10 .. 20", "1020"),
  evaluate("return 2147483647 + 1 .. ''", "2147483648"),
]);

conforms("tonumber and tostring", [
  prints({
    "tonumber('10')": "10",
    "tonumber(' 10 ')": "10",
    "tonumber('1e2')": "100",
    "tonumber('.5')": "0.5",
    "tonumber('5.')": "5",
    "tonumber('0x1F')": "31",
    "tonumber('-Infinity')": "-inf",
    "tonumber('')": "nil",
    "tonumber('1_0')": "nil",
    "tonumber('1e')": "nil",
    "tonumber('1 2')": "nil",
    "tonumber(nil)": "nil",
    "tonumber({})": "nil",
    nil: "nil",
    true: "true",
  }),
]);

conforms("string.format", [
  evaluate(
    "return string.format('%.2f %.0f %.0f %f', 0.125, 0.5, 1.5, 1e21)",
    "0.12 0 2 1000000000000000000000.000000",
  ),
  evaluate(
    "return string.format('%.20f %.0f', 0.1, -1700000000000)",
    "0.10000000000000000555 -1700000000000",
  ),
  evaluate("return string.format('%s|%s|100%%', 'a', 1e15)", "a|1e+15|100%"),
  fails("return string.format()", "bad argument #1 to 'format' (string expected, got no value)"),
  fails("return string.format('%.0f', 'x')", "bad argument #2 to 'format' (number expected, got string)"),
  fails("return string.format('%s', nil)", "bad argument #2 to 'format' (string expected, got nil)"),
  fails("return string.format('%y', 1)", "invalid option '%y' to 'format'"),
]);

conforms("string.match and string.sub", [
  evaluate("return string.match('12:34:due', '^(%d+)')", "12"),
  evaluate("return string.match('12:34', ':(%d+)$')", "34"),
  evaluate("return string.match('1700|a|b', '|(.*)$')", "a|b"),
  evaluate("return {string.match('12:34:due', '^%d+:(%d+):(%a+)')}", ["34", "due"]),
  evaluate("return string.match('a.b+c', '%.%a%+')", ".b+"),
  evaluate("return string.match('a$^b', '$^')", "$^"),
  evaluate("return string.match('aXbXc', '(.-)X')", "a"),
  evaluate("return string.match('x_1 ', '%w+%s?$') or 'none'", "1 "),
  evaluate("return string.match('x', '%d')", null),
  evaluate("return string.match('a\\n]', '.]')", "\n]"),
  evaluate("return #string.match('é', '.')", 1),
  evaluate("return {string.sub('abc', 2), string.sub('abc', -2, -2), string.sub('abc', 0, 9)}", [
    "bc",
    "b",
    "abc",
  ]),
  evaluate("return {string.sub('abc', 3, 2), string.sub('aé', 2, 3), string.sub(1.5, 2.9)}", ["", "é", ".5"]),
]);

conforms("tables", [
  evaluate("return {unpack({1, 2, 3}, 2)}", [2, 3]),
  evaluate("return {unpack({1, 2, 3}, 2, 2)}", [2]),
  evaluate("local t = {} for i = 1, 7999 do t[i] = i end local u = {unpack(t)} return #u", 7999),
  fails("local t = {} for i = 1, 8000 do t[i] = i end return unpack(t)", "too many results to unpack"),
  evaluate("local t = {} t[2] = 'b' t[1] = 'a' t[3] = 'c' t[3] = nil return {#t, unpack(t)}", [2, "a", "b"]),
  evaluate("local s = 0 for _, n in ipairs({1, 2, nil, 4}) do s = s + n end return s", 3),
  evaluate("local s = 0 for k, n in pairs({1, 2, x = 4}) do s = s + n end return s", 7),
  evaluate("return {math.floor(-3.5), math.min(3, -1, 2)}", [-4, -1]),
]);

test("what this library does not have is refused", () => {
  const redis = createMemoryRedis();
  const run = (script: string) => () => redis.call(["EVAL", script, "0"]);
  expect(run("return tonumber('ff', 16)")).toThrow("only base 10 is known");
  expect(run("return string.match('a', '[ab]')")).toThrow("not all of Lua's patterns are known");
  expect(run("return string.match('a', '%u')")).toThrow("not all of Lua's patterns are known");
  expect(run("return string.rep('a', 2)")).toThrow("nonexistent global variable 'string.rep'");
  expect(run("return string.format('%5d', 1)")).toThrow("invalid option '%5' to 'format'");
  expect(run("return cjson.encode({})")).toThrow("nonexistent global variable 'cjson'");
});
