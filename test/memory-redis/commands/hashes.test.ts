import { conforms, error, NOT_AN_INTEGER, WRONG_TYPE, wrongArguments } from "../../support/redis/conformance.ts";

conforms("hashes", [
  ["HSET :h a 1 b 2", 2],
  ["HSET :h a 3 c 4", 1],
  ["HSETNX :h a 9", 0],
  ["HSETNX :h z 9", 1],
  ["HGET :h a", "3"],
  ["HGET :h none", null],
  ["HMGET :h a none z", ["3", null, "9"]],
  ["HGETALL :h", ["a", "3", "b", "2", "c", "4", "z", "9"]],
  ["HKEYS :h", ["a", "b", "c", "z"]],
  ["HVALS :h", ["3", "2", "4", "9"]],
  ["HLEN :h", 4],
  ["HEXISTS :h a", 1],
  ["HEXISTS :h none", 0],
  ["HDEL :h a a none", 1],
  ["HDEL :h b c z", 3],
  ["EXISTS :h", 0],
]);

conforms("a hash that is not there", [
  ["HGET :h a", null],
  ["HMGET :h a b", [null, null]],
  ["HGETALL :h", []],
  ["HKEYS :h", []],
  ["HVALS :h", []],
  ["HLEN :h", 0],
  ["HEXISTS :h a", 0],
  ["HDEL :h a", 0],
  ["EXISTS :h", 0],
]);

conforms("HINCRBY", [
  ["HINCRBY :h n 5", 5],
  ["HINCRBY :h n -8", -3],
  ["HGET :h n", "-3"],
  ["HSET :h s x", 1],
  ["HINCRBY :h s 1", error("ERR hash value is not an integer")],
  ["HINCRBY :h n a", NOT_AN_INTEGER],
  ["HSET :h n 9223372036854775807", 0],
  ["HINCRBY :h n 1", error("ERR increment or decrement would overflow")],
  ["HINCRBY :new n a", NOT_AN_INTEGER],
  ["EXISTS :new", 0],
]);

conforms("wrong use of hashes", [
  ["HSET :h a", wrongArguments("hset")],
  ["HSET :h a 1 b", wrongArguments("hset")],
  ["EXISTS :h", 0],
  ["SET :s v", "OK"],
  ["HSET :s a 1", WRONG_TYPE],
  ["HSETNX :s a 1", WRONG_TYPE],
  ["HGET :s a", WRONG_TYPE],
  ["HMGET :s a", WRONG_TYPE],
  ["HGETALL :s", WRONG_TYPE],
  ["HDEL :s a", WRONG_TYPE],
  ["HINCRBY :s a 1", WRONG_TYPE],
  ["HLEN :s", WRONG_TYPE],
]);

conforms("fields named like members of an object", [
  ["HSET :h __proto__ a constructor b toString c", 3],
  ["HGETALL :h", ["__proto__", "a", "constructor", "b", "toString", "c"]],
  ["HGET :h hasOwnProperty", null],
]);
