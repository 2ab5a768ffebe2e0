import { createHash } from "node:crypto";
import {
  conforms,
  error,
  NOT_AN_INTEGER,
  raises,
  type Step,
  WRONG_TYPE,
  wrongArguments,
} from "../../support/redis/conformance.ts";

const evaluate = (script: string, reply: unknown): Step => [["EVAL", script, "0"], reply];
const fails = (script: string, text: string, line?: number): Step =>
  evaluate(script, raises(script, text, line));

const ECHO = "return {KEYS[1], ARGV[1], #KEYS, #ARGV}";
const ECHO_SHA = createHash("sha1").update(ECHO).digest("hex");
const NO_SCRIPT = error("NOSCRIPT No matching script. Please use EVAL.");

conforms("EVAL, EVALSHA, SCRIPT", [
  [
    ["EVAL", ECHO, "1", "k", "é", "b"],
    ["k", "é", 1, 2],
  ],
  [["EVALSHA", ECHO_SHA, "0", "a"], []],
  [
    ["EVALSHA", ECHO_SHA.toUpperCase(), "2", "k", "l", "a"],
    ["k", "a", 2, 1],
  ],
  [["script", "load", ECHO], ECHO_SHA],
  [
    ["SCRIPT", "EXISTS", ECHO_SHA, ECHO_SHA.toUpperCase(), "none"],
    [1, 1, 0],
  ],
  ["EVALSHA none 0", NO_SCRIPT],
  [`EVALSHA ${"0".repeat(40)} 0`, NO_SCRIPT],
  [`EVALSHA ${"0".repeat(40)} x`, NOT_AN_INTEGER],
  ["EVAL 'return 1'", wrongArguments("eval")],
  ["EVAL 'return 1' x", NOT_AN_INTEGER],
  ["EVAL 'return 1' 1", error("ERR Number of keys can't be greater than number of args")],
  ["EVAL 'return 1' -1", error("ERR Number of keys can't be negative")],
  ["SCRIPT", wrongArguments("script")],
  ["SCRIPT LOAD", wrongArguments("script|load")],
  ["SCRIPT EXISTS", wrongArguments("script|exists")],
  ["SCRIPT FOO", error("ERR unknown subcommand 'FOO'. Try SCRIPT HELP.")],
  ["SCRIPT FLUSH FOO", error("ERR SCRIPT FLUSH only support SYNC|ASYNC option")],
]);

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
  evaluate("return {}", []),
  evaluate("return {1, 2.5, nil, 4}", [1, 2]),
  evaluate("return {1, 'a', {2, {3}}, true, false, 'x'}", [1, "a", [2, [3]], 1, null, "x"]),
  evaluate("return {a = 1, 7}", [7]),
  evaluate("return {ok = 'FINE'}", "FINE"),
  evaluate("return {err = 'MY bad'}", error("MY bad")),
  evaluate("return {err = 'two\\nlines'}", error("two lines")),
  evaluate("return {ok = 5, err = 5}", []),
  evaluate("return {redis.error_reply('A b'), 1, {ok = 'S'}}", [error("A b"), 1, "S"]),
  evaluate("return redis.status_reply('HI')", "HI"),
  evaluate("return redis.error_reply('MY thing')", error("MY thing")),
  evaluate("return redis.error_reply('thing')", error("ERR thing")),
  evaluate("return redis.error_reply('-MY thing')", error("MY thing")),
  evaluate("return redis.error_reply(5)", error("ERR wrong number or type of arguments")),
  evaluate("return redis.error_reply('MY thing').err", "MY thing"),
  evaluate("return string.char(0xc3, 0xa9, 0x00, 0x41)", "é\0A"),
  evaluate("return cjson.null", null),
  evaluate("return redis.call", null),
]);

conforms("redis.call", [
  [["EVAL", "return redis.call('SET', KEYS[1], 'v')", "1", ":k"], "OK"],
  [["EVAL", "return redis.call('SET', KEYS[1], 'v').ok", "1", ":k"], "OK"],
  [["EVAL", "return redis.call('get', KEYS[1])", "1", ":k"], "v"],
  [["EVAL", "return redis.call('get', KEYS[1]) == false", "1", ":none"], 1],
  [["EVAL", "return {redis.call('MGET', KEYS[1], KEYS[2])}", "2", ":k", ":none"], [["v", null]]],
  [["EVAL", "return type(redis.call('STRLEN', KEYS[1]))", "1", ":k"], "number"],
  [["EVAL", "return redis.pcall('HGET', KEYS[1], 'f')", "1", ":k"], WRONG_TYPE],
  [["EVAL", "return redis.pcall('HGET', KEYS[1], 'f').err", "1", ":k"], WRONG_TYPE.text],
  [
    ["EVAL", "local ok, e = pcall(redis.call, 'HGET', KEYS[1], 'f') return {ok, e}", "1", ":k"],
    [null, WRONG_TYPE.text],
  ],
  [["EVAL", "local ok, e = pcall(redis.call, 'HGET', KEYS[1], 'f') return e", "1", ":k"], WRONG_TYPE.text],
  fails("return redis.call('nosuch')", "ERR Unknown Redis command called from script"),
  fails("return redis.call('get')", "ERR Wrong number of args calling Redis command from script"),
  fails("return redis.call()", "ERR Please specify at least one argument for this redis lib call"),
  fails("return redis.call('get', nil)", "ERR Lua redis lib command arguments must be strings or integers"),
  fails("return redis.call('get', {})", "ERR Lua redis lib command arguments must be strings or integers"),
  fails("return redis.call('eval', 'return 1', 0)", "ERR This Redis command is not allowed from script"),
  fails("\n\nredis.call('incr')", "ERR Wrong number of args calling Redis command from script", 3),
  evaluate("return redis.sha1hex('')", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
  evaluate("return redis.sha1hex(5) == redis.sha1hex('5')", 1),
  evaluate("return redis.log(redis.LOG_DEBUG, 'not shown')", null),
  fails("redis.log('x')", "ERR redis.log() requires two arguments or more."),
]);

conforms("a script that fails keeps what it wrote", [
  [
    ["EVAL", "redis.call('SET', KEYS[1], 1) return redis.call('nosuch')", "1", ":k"],
    raises(
      "redis.call('SET', KEYS[1], 1) return redis.call('nosuch')",
      "ERR Unknown Redis command called from script",
    ),
  ],
  ["GET :k", "1"],
  evaluate("return 'and the next one runs'", "and the next one runs"),
]);

conforms("errors", [
  fails("error('boom')", "ERR user_script:1: boom"),
  fails("error('boom', 0)", "ERR boom"),
  fails("error(42)", "ERR user_script:1: 42"),
  fails("error({err = 'MY boom'})", "MY boom"),
  fails("\nlocal t = nil\nreturn t.x", "ERR user_script:3: attempt to index local 't' (a nil value)", 3),
  fails("local a = {} return a.b.c", "ERR user_script:1: attempt to index field 'b' (a nil value)"),
  fails("return ('x'):bad()", "ERR user_script:1: attempt to call method 'bad' (a nil value)"),
  fails("return 1 + nil", "ERR user_script:1: attempt to perform arithmetic on a nil value"),
  fails("return 1 + 'a'", "ERR user_script:1: attempt to perform arithmetic on a string value"),
  fails("return {} < {}", "ERR user_script:1: attempt to compare two table values"),
  fails("return 1 < '2'", "ERR user_script:1: attempt to compare number with string"),
  fails("return nil .. 'x'", "ERR user_script:1: attempt to concatenate a nil value"),
  fails("return ('x'):rep()", "ERR user_script:1: bad argument #1 to 'rep' (number expected, got no value)"),
  evaluate("return {pcall(error, 'boom')}", [null, "boom"]),
  evaluate("local _, e = pcall(error, {err = 'MY boom'}) return e", "MY boom"),
  evaluate("local _, e = pcall(error, {code = 7}) return e.code", 7),
  evaluate("return {pcall(function() return 1, 2 end)}", [1, 1, 2]),
]);

const compileError = (text: string) =>
  error(`ERR Error compiling script (new function): user_script:1: ${text}`);

conforms("scripts that do not compile", [
  evaluate("retrn 1", compileError("'=' expected near '1'")),
  evaluate("return 1 +", compileError("unexpected symbol near '<eof>'")),
  evaluate("x = = 1", compileError("unexpected symbol near '='")),
  evaluate("return 'abc", compileError("unfinished string near '<eof>'")),
  evaluate("for i = 1", compileError("',' expected near '<eof>'")),
  ["SCRIPT LOAD retrn", compileError("'=' expected near '<eof>'")],
]);

const READ_ONLY = "Attempt to modify a readonly table";

conforms("globals are closed", [
  fails("return foo", "ERR user_script:1: Script attempted to access nonexistent global variable 'foo'"),
  fails("foo = 1", `ERR user_script:1: ${READ_ONLY}`),
  fails("function foo() end", `ERR user_script:1: ${READ_ONLY}`),
  fails("KEYS = {}", `ERR user_script:1: ${READ_ONLY}`),
  fails("_G.foo = 1", `ERR user_script:1: ${READ_ONLY}`),
  fails("rawset(_G, 'foo', 1)", `ERR ${READ_ONLY}`),
  fails("setmetatable(_G, {})", `ERR ${READ_ONLY}`),
  fails("redis.call = nil", `ERR user_script:1: ${READ_ONLY}`),
  fails("string.rep = nil", `ERR user_script:1: ${READ_ONLY}`),
  fails("cjson.null = 1", `ERR user_script:1: ${READ_ONLY}`),
  fails("getmetatable('').__index = nil", `ERR user_script:1: ${READ_ONLY}`),
  fails("getmetatable(_G).__index = nil", `ERR user_script:1: ${READ_ONLY}`),
  fails("print('x')", "ERR user_script:1: Script attempted to access nonexistent global variable 'print'"),
  evaluate("return rawget(_G, 'foo')", null),
  evaluate("KEYS[1] = 'a' return KEYS", ["a"]),
  evaluate("return KEYS", []),
]);
