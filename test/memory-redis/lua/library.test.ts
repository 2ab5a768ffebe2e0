import { conforms, raises, type Step } from "../../support/redis/conformance.ts";

/** `return tostring(expression)` for each, one script for all. */
const prints = (expected: Readonly<Record<string, string>>): Step => {
  const items = Object.keys(expected).map((expression) => `tostring(${expression})`);
  return [["EVAL", `return {${items.join(", ")}}`, "0"], Object.values(expected)];
};
const evaluate = (script: string, reply: unknown): Step => [["EVAL", script, "0"], reply];
const fails = (script: string, text: string): Step => evaluate(script, raises(script, text));

conforms("numbers print with 14 digits", [
  prints({
    "1e13": "10000000000000",
    "1700000000000": "1700000000000",
    "12345678901234": "12345678901234",
    "99999999999999": "99999999999999",
    "100000000000000": "1e+14",
    "123456789012345": "1.2345678901234e+14",
    "12345678901234.5": "12345678901234",
    "12345678901235.5": "12345678901236",
    "1e15": "1e+15",
    "1e100": "1e+100",
    "2^53": "9.007199254741e+15",
    "1/3": "0.33333333333333",
    "0.1 + 0.2": "0.3",
    "1e-5": "1e-05",
    "5e-324": "4.9406564584125e-324",
    "10 / 2": "5",
    "3.0": "3",
    "1/0": "inf",
    "-1/0": "-inf",
    "0/0": "-nan",
  }),
  // Alone: Lua 5.1 takes the constants 0 and -0 of one script for the same.
  prints({ "-0": "-0" }),
  evaluate("return 10 .. 20", "1020"),
  evaluate("return 2^31 .. ''", "2147483648"),
]);

conforms("arithmetic is that of doubles", [
  prints({
    "2147483647 + 1": "2147483648",
    "-2147483648 - 1": "-2147483649",
    "60 * 60 * 24 * 1000 * 365": "31536000000",
    "65536 * 65536": "4294967296",
    "0xffffffff": "4294967295",
    "7 / 2": "3.5",
    "-5 % 3": "1",
    "5.5 % -2": "-0.5",
    "0.3 % 0.1": "0.1",
    "5 % 0": "-nan",
    "5 % math.huge": "-nan",
    "2 ^ 0.5": "1.4142135623731",
    "math.floor(-3.5)": "-4",
    "math.floor(1700000000123 / 1000)": "1700000000",
    "math.max(1, 2^40)": "1099511627776",
    "'10' + 5": "15",
    "'0x10' * 1": "16",
    "10 == 10.0": "true",
    "'10' == 10": "false",
  }),
  evaluate("local n = 0 for i = 2147483646, 2147483650 do n = n + 1 end return n", 5),
  evaluate("local t = {} t[2^31] = 'a' t[1.0] = 'b' return {t[2147483648], t[1]}", ["a", "b"]),
  evaluate("local n = 0 for k in pairs({[2147483647] = 1}) do n = k + k end return n", 4294967294),
]);

conforms("tonumber", [
  prints({
    "tonumber('10')": "10",
    "tonumber(' 10 ')": "10",
    "tonumber('1e2')": "100",
    "tonumber('.5')": "0.5",
    "tonumber('5.')": "5",
    "tonumber('0x1F')": "31",
    "tonumber('0xffffffffff')": "1099511627775",
    "tonumber('0x1p4')": "16",
    "tonumber('inf')": "inf",
    "tonumber('-Infinity')": "-inf",
    "tonumber('1e400')": "inf",
    "tonumber('')": "nil",
    "tonumber('x')": "nil",
    "tonumber('1_0')": "nil",
    "tonumber('1e')": "nil",
    "tonumber('1 2')": "nil",
    "tonumber(nil)": "nil",
    "tonumber({})": "nil",
    "tonumber('z', 36)": "35",
    "tonumber('ffffffffff', 16)": "1099511627775",
    "tonumber('0xff', 16)": "255",
    "tonumber('8', 8)": "nil",
    "tonumber(' 11 ', 2)": "3",
    "tonumber('10', 10)": "10",
  }),
  fails("return tonumber('1', 99)", "ERR user_script:1: bad argument #2 to 'tonumber' (base out of range)"),
]);

conforms("numbers keep 17 digits on their way into redis.call", [
  [
    ["EVAL", "redis.call('SET', KEYS[1], 0.1) return redis.call('GET', KEYS[1])", "1", ":k"],
    "0.10000000000000001",
  ],
  [
    ["EVAL", "redis.call('SET', KEYS[1], 1e15) return redis.call('GET', KEYS[1])", "1", ":k"],
    "1000000000000000",
  ],
  [["EVAL", "redis.call('SET', KEYS[1], 1e17) return redis.call('GET', KEYS[1])", "1", ":k"], "1e+17"],
  [
    ["EVAL", "redis.call('SET', KEYS[1], 2^-25) return redis.call('GET', KEYS[1])", "1", ":k"],
    "2.9802322387695312e-08",
  ],
  [
    ["EVAL", "redis.call('SET', KEYS[1], 1700000000000) return redis.call('GET', KEYS[1])", "1", ":k"],
    "1700000000000",
  ],
  [["EVAL", "return redis.call('INCRBY', KEYS[1], 9007199254740991)", "1", ":n"], 9007199254740991],
]);

conforms("string.format", [
  evaluate("return string.format('%d %d %i', 3.7, 1700000000000, -3)", "3 1700000000000 -3"),
  evaluate(
    "return string.format('[%5d][%-5d][%05d][%+d][% d][%.3d]', 42, 42, 42, 42, 42, 42)",
    "[   42][42   ][00042][+42][ 42][042]",
  ),
  evaluate(
    "return string.format('%x %X %#x %o %x %u', 255, 255, 255, 8, -1, 7)",
    "ff FF 0xff 10 ffffffffffffffff 7",
  ),
  evaluate(
    "return string.format('%.2f %.0f %.0f %f %5.1f', 0.125, 0.5, 1.5, 1e21, 2.25)",
    "0.12 0 2 1000000000000000000000.000000   2.2",
  ),
  evaluate(
    "return string.format('%.20f %e %.3E %g %.17g %.14g', 0.1, 12345.678, 0, 1e20, 0.1, 0.1)",
    "0.10000000000000000555 1.234568e+04 0.000E+00 1e+20 0.10000000000000001 0.1",
  ),
  evaluate(
    "return string.format('%g %G %5.2g|%-8g|%08.2f', 1e-5, 1/0, 123, 0.5, -3.14159)",
    "1e-05 INF 1.2e+02|0.5     |-0003.14",
  ),
  evaluate(
    "return string.format('%s|%10s|%-5s|%.3s|%s', 'a', 'right', 'l', 'abcdef', 1e15)",
    "a|     right|l    |abc|1e+15",
  ),
  evaluate("return string.format('%q', 'a\"b\\\\c\\nd')", '"a\\"b\\\\c\\\nd"'),
  evaluate("return string.format('%c%c%%', 65, 66)", "AB%"),
  fails("return string.format('%d')", "ERR user_script:1: bad argument #2 to 'format' (no value)"),
  fails(
    "return string.format('%d', 'x')",
    "ERR user_script:1: bad argument #2 to 'format' (number expected, got string)",
  ),
  fails(
    "return string.format('%s', nil)",
    "ERR user_script:1: bad argument #2 to 'format' (string expected, got nil)",
  ),
  fails("return string.format('%y', 1)", "ERR user_script:1: invalid option '%y' to 'format'"),
]);

conforms("strings are bytes", [
  evaluate("return #'é😀'", 6),
  evaluate("return ('é'):byte(1, -1)", 195),
  evaluate("return {('é'):byte(1, -1)}", [195, 169]),
  evaluate("return ('aé'):sub(2, 3)", "é"),
  evaluate("return ('x'):rep(2.7)", "xx"),
  evaluate("return ('abcdef'):sub(1, 2^40)", "abcdef"),
  evaluate("return ('abcdef'):sub(-2)", "ef"),
  evaluate("return ('a,b,,c'):gsub(',', ';')", "a;b;;c"),
  evaluate("local t = {} for w in ('a,b,,c'):gmatch('[^,]+') do t[#t + 1] = w end return t", ["a", "b", "c"]),
  evaluate("return {('key:123'):match('^(%w+):(%d+)$')}", ["key", "123"]),
  evaluate("return {('abc'):find('b', 1, true)}", [2, 2]),
  evaluate(
    "return {'a' < 'b', 'B' < 'a', 'a' < 'ab', '\\1' < 'a', '\\n' < '1', 'z' < 'é'}",
    [1, 1, 1, 1, 1, 1],
  ),
  // fengari's own hash has these two for the same key.
  evaluate("local t = {} t['\\1#'] = 'x' t['\\18\\3'] = 'y' return {t['\\1#'], t['\\18\\3']}", ["x", "y"]),
]);

conforms("tables and functions of Lua 5.1", [
  evaluate("return {unpack({1, 2, 3}, 2)}", [2, 3]),
  evaluate("local t = {} for i = 1, 7000 do t[i] = i end return select('#', unpack(t))", 7000),
  fails(
    "local t = {} for i = 1, 9000 do t[i] = i end return unpack(t)",
    "ERR user_script:1: too many results to unpack",
  ),
  evaluate("return select('#', 1, nil, nil)", 3),
  evaluate("return {select(-1, 1, 2, 3)}", [3]),
  evaluate("return table.concat({1, 'b', 2.5}, '-')", "1-b-2.5"),
  evaluate("local t = {3, 1, 2} table.sort(t) return t", [1, 2, 3]),
  evaluate("local t = {1, 2, 3} table.insert(t, 1, 0) table.remove(t) return t", [0, 1, 2]),
  evaluate("return {#{1, 2, nil, 4}, table.getn({1, 2}), table.maxn({[7] = 1})}", [4, 2, 7]),
  evaluate("return loadstring('return 5')()", 5),
  evaluate("return {math.pow(2, 10), math.mod(7, 3), math.log10(1000), math.atan2(0, 1)}", [1024, 1, 3, 0]),
  evaluate("math.randomseed(7) return {tostring(math.random()), math.random(100), math.random(5, 10)}", [
    "0.26644419658298",
    69,
    6,
  ]),
  evaluate(
    "local co = coroutine.wrap(function() coroutine.yield(1) return 2 end) return {co(), co()}",
    [1, 2],
  ),
  evaluate("local t = setmetatable({}, {__index = function(_, k) return k .. '!' end}) return t.a", "a!"),
]);
