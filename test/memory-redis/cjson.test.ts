import { conforms, raises, type Step } from "../support/redis/conformance.ts";

const evaluate = (script: string, reply: unknown): Step => [["EVAL", script, "0"], reply];
const fails = (script: string, text: string): Step =>
  evaluate(script, raises(script, `ERR user_script:1: ${text}`));
const encodes = (value: string, json: string) => evaluate(`return cjson.encode(${value})`, json);
const decodes = (json: string, reply: unknown): Step => [
  ["EVAL", "return cjson.decode(ARGV[1])", "0", json],
  reply,
];
const refuses = (json: string, text: string): Step => {
  const script = "return cjson.decode(ARGV[1])";
  return [["EVAL", script, "0", json], raises(script, `ERR user_script:1: ${text}`)];
};

conforms("cjson.encode", [
  encodes("{}", "{}"),
  encodes("{1, 2, {a = 1}}", '[1,2,{"a":1}]'),
  encodes("{a = {}}", '{"a":{}}'),
  encodes("cjson.null", "null"),
  encodes("nil", "null"),
  encodes("{1, nil, 3}", "[1,null,3]"),
  encodes("{[3] = 1}", "[null,null,1]"),
  encodes("{[-1] = 1}", '{"-1":1}'),
  encodes("{[1.5] = 1}", '{"1.5":1}'),
  encodes("{true, false}", "[true,false]"),
  encodes("1/3", "0.33333333333333"),
  encodes("1700000000000", "1700000000000"),
  encodes("1e15", "1e+15"),
  encodes("12345678901234567", "1.2345678901235e+16"),
  encodes("'a/b\"\\\\\\n\\t\\1\\127é'", '"a\\/b\\"\\\\\\n\\t\\u0001\\u007fé"'),
  fails("return cjson.encode({[1] = 1, [20] = 2})", "Cannot serialise table: excessively sparse array"),
  fails(
    "return cjson.encode({[true] = 1})",
    "Cannot serialise boolean: table key must be a number or string",
  ),
  fails("return cjson.encode(0/0)", "Cannot serialise number: must not be NaN or Inf"),
  fails("return cjson.encode(redis.call)", "Cannot serialise function: type not supported"),
  fails("return cjson.encode()", "bad argument #1 to 'encode' (expected 1 argument)"),
  fails("local t = {} t.t = t return cjson.encode(t)", "Cannot serialise, excessive nesting (1001)"),
]);

conforms("cjson.decode", [
  decodes('[1, 2.9, "x", true, false, null, {"a": 1}]', [1, 2, "x", 1, null, null, []]),
  decodes(' "\\u00e9\\ud83d\\ude00\\n\\/ é" ', "é😀\n/ é"),
  decodes('"\\u0000a"', "\0a"),
  decodes("5", 5),
  decodes("[]", []),
  decodes("-1.5e3", -1500),
  decodes("[0x10, 01, 1., -.5e1, +2]", [16, 1, 1, -5, 2]),
  decodes('"two\nlines"', "two\nlines"),
  evaluate('return cjson.decode(\'{"a":{"b":[10,20]}}\').a.b[2]', 20),
  evaluate("return cjson.decode('{\"1\":\"x\"}')['1']", "x"),
  evaluate("return cjson.decode('{\"a\":null}').a == cjson.null", 1),
  evaluate("return tostring(cjson.decode('1234567890123456789'))", "1.2345678901235e+18"),
  evaluate("return cjson.encode(cjson.decode('[[],{},[{}]]'))", "[{},{},[{}]]"),
  refuses("nope", "Expected value but found invalid token at character 1"),
  refuses("+x", "Expected value but found invalid number at character 1"),
  refuses(".5", "Expected value but found invalid token at character 1"),
  refuses("", "Expected value but found T_END at character 1"),
  refuses('{"a":1', "Expected comma or object end but found T_END at character 7"),
  refuses("[1,]", "Expected value but found T_ARR_END at character 4"),
  refuses("[1 2]", "Expected comma or array end but found T_NUMBER at character 4"),
  refuses("{a:1}", "Expected object key string but found invalid token at character 2"),
  refuses('{"a" 1}', "Expected colon but found T_NUMBER at character 6"),
  refuses("1 2", "Expected the end but found T_NUMBER at character 3"),
  refuses('"\\x"', "Expected value but found invalid escape code at character 2"),
  refuses('"\\ud800"', "Expected value but found invalid unicode escape code at character 2"),
  refuses('"abc', "Expected value but found unexpected end of string at character 5"),
  refuses("[".repeat(1001), "Found too many nested data structures (1001) at character 1001"),
  fails("return cjson.decode()", "bad argument #1 to 'decode' (expected 1 argument)"),
]);
