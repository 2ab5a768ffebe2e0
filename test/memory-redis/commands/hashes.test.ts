import {
  conforms,
  error,
  NOT_AN_INTEGER,
  WRONG_TYPE,
  wrongArguments,
} from "../../support/redis/conformance.ts";

conforms("hashes", [
  ["HSET :h a 1 b 2", 2],
  ["HSET :h a 3 c 4", 1],
  ["HGET :h a", "3"],
  ["HGET :h none", null],
  ["HLEN :h", 3],
  ["HLEN :none", 0],
  ["HMGET :h a none b c", ["3", null, "2", "4"]],
  ["HDEL :h a a none", 1],
  ["HDEL :h b c", 2],
  ["EXISTS :h", 0],
]);

conforms("a hash that is not there", [
  ["HGET :h a", null],
  ["HMGET :h a b", [null, null]],
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
  ["HINCRBY :new n a", NOT_AN_INTEGER],
  ["EXISTS :new", 0],
]);

conforms("wrong use of hashes", [
  ["HSET :h a", wrongArguments("hset")],
  ["HSET :h a 1 b", wrongArguments("hset")],
  ["EXISTS :h", 0],
  ["SET :s v", "OK"],
  ["HSET :s a 1", WRONG_TYPE],
  ["HGET :s a", WRONG_TYPE],
  ["HMGET :s a", WRONG_TYPE],
  ["HLEN :s", WRONG_TYPE],
  ["HDEL :s a", WRONG_TYPE],
  ["HINCRBY :s a 1", WRONG_TYPE],
]);

conforms("fields named like members of an object", [
  ["HSET :h __proto__ a constructor b toString c", 3],
  ["HMGET :h toString constructor __proto__ hasOwnProperty", ["c", "b", "a", null]],
]);
