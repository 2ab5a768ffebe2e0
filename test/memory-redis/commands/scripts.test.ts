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

const fails = (script: string, text: string, line?: number): Step => [
  ["EVAL", script, "0"],
  raises(script, text, line),
];

const ECHO = "return {KEYS[1], ARGV[1], #KEYS, #ARGV}";
const ECHO_SHA = createHash("sha1").update(ECHO).digest("hex");
const NO_SCRIPT = error("NOSCRIPT No matching script. Please use EVAL.");

conforms("EVAL, EVALSHA and SCRIPT LOAD", [
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
  ["EVALSHA none 0", NO_SCRIPT],
  [`EVALSHA ${"0".repeat(40)} 0`, NO_SCRIPT],
  [`EVALSHA ${"0".repeat(40)} x`, NOT_AN_INTEGER],
  ["EVAL 'return 1'", wrongArguments("eval")],
  ["EVAL 'return 1' x", NOT_AN_INTEGER],
  ["EVAL 'return 1' 1", error("ERR Number of keys can't be greater than number of args")],
  ["EVAL 'return 1' -1", error("ERR Number of keys can't be negative")],
  ["SCRIPT", wrongArguments("script")],
]);

conforms("redis.call", [
  [["EVAL", "return redis.call('SET', KEYS[1], 'v')", "1", ":k"], "OK"],
  [["EVAL", "return redis.call('SET', KEYS[1], 'v').ok", "1", ":k"], "OK"],
  [["EVAL", "return redis.call('get', KEYS[1])", "1", ":k"], "v"],
  [["EVAL", "return redis.call('get', KEYS[1]) == false", "1", ":none"], 1],
  [["EVAL", "return {redis.call('ZMSCORE', KEYS[1], 'a', 'b')}", "1", ":none"], [[null, null]]],
  [["EVAL", "return 1 + redis.call('ZCARD', KEYS[1])", "1", ":none"], 1],
  fails("return redis.call('nosuch')", "ERR Unknown Redis command called from script"),
  fails("return redis.call('get')", "ERR Wrong number of args calling Redis command from script"),
  fails("return redis.call()", "ERR Please specify at least one argument for this redis lib call"),
  fails("return redis.call('get', nil)", "ERR Lua redis lib command arguments must be strings or integers"),
  fails("return redis.call('get', {})", "ERR Lua redis lib command arguments must be strings or integers"),
  fails("\n\nredis.call('get')", "ERR Wrong number of args calling Redis command from script", 3),
]);

const WRITE_AND_FAIL = "redis.call('SET', KEYS[1], 1)\nreturn redis.call('HGET', KEYS[1], 'f')";

conforms("a script that fails keeps what it wrote", [
  [["EVAL", WRITE_AND_FAIL, "1", ":k"], raises(WRITE_AND_FAIL, WRONG_TYPE.text, 2)],
  ["GET :k", "1"],
  [["EVAL", "return 'and the next one runs'", "0"], "and the next one runs"],
]);

const keeps17Digits = (number: string, text: string): Step => [
  ["EVAL", `redis.call('SET', KEYS[1], ${number}) return redis.call('GET', KEYS[1])`, "1", ":k"],
  text,
];

conforms("numbers keep 17 digits on their way into redis.call", [
  keeps17Digits("0.1", "0.10000000000000001"),
  keeps17Digits("1e15", "1000000000000000"),
  keeps17Digits("1e17", "1e+17"),
  keeps17Digits("1700000000000", "1700000000000"),
]);
