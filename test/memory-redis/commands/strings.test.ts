import {
  conforms,
  error,
  NOT_AN_INTEGER,
  SYNTAX_ERROR,
  WRONG_TYPE,
  wrongArguments,
} from "../../support/redis/conformance.ts";

const INVALID_EXPIRE = error("ERR invalid expire time in 'set' command");
const OVERFLOW = error("ERR increment or decrement would overflow");

conforms("SET and GET", [
  ["GET :k", null],
  ["SET :k v", "OK"],
  ["get :k", "v"],
  ["SET :k ''", "OK"],
  ["GET :k", ""],
  ["SET :k 'two words'", "OK"],
  ["GET :k", "two words"],
  ["SET :k", wrongArguments("set")],
  ["GET", wrongArguments("get")],
  ["GET :k extra", wrongArguments("get")],
]);

conforms("SET with a condition", [
  ["SET :k v XX", null],
  ["GET :k", null],
  ["SET :k v nx", "OK"],
  ["SET :k w NX", null],
  ["GET :k", "v"],
  ["SET :k w xx", "OK"],
  ["GET :k", "w"],
  ["SET :k w NX XX", SYNTAX_ERROR],
]);

conforms("SET with GET", [
  ["SET :k v GET", null],
  ["SET :k w GET", "v"],
  ["SET :k x NX get", "w"],
  ["GET :k", "w"],
  ["SET :other x XX GET", null],
  ["GET :other", null],
  ["HSET :h f v", 1],
  ["SET :h v GET", WRONG_TYPE],
  ["SET :h v", "OK"],
  ["GET :h", "v"],
]);

conforms("SET with an expiry", [
  ["SET :k v EX 100", "OK"],
  ["TTL :k", 100],
  ["SET :k w KEEPTTL", "OK"],
  ["TTL :k", 100],
  ["SET :k w", "OK"],
  ["TTL :k", -1],
  ["SET :k v px 200000", "OK"],
  ["TTL :k", 200],
  ["SET :k v EX 5 EX 60", "OK"],
  ["TTL :k", 60],
  ["SET :k v PXAT 1", "OK"],
  ["GET :k", null],
  ["SET :k v EXAT 99999999999", "OK"],
  ["GET :k", "v"],
  ["SET :k v EX", SYNTAX_ERROR],
  ["SET :k v EX 1 PX 1", SYNTAX_ERROR],
  ["SET :k v KEEPTTL EX 1", SYNTAX_ERROR],
  ["SET :k v EX 1 KEEPTTL", SYNTAX_ERROR],
  ["SET :k v FOO", SYNTAX_ERROR],
  ["SET :k v EX a", NOT_AN_INTEGER],
  ["SET :k v EX 0", INVALID_EXPIRE],
  ["SET :k v PX -1", INVALID_EXPIRE],
  ["SET :k v EXAT 0", INVALID_EXPIRE],
  ["SET :k v EX 9223372036854775807", INVALID_EXPIRE],
  ["SET :k v PX 9223372036854775807", INVALID_EXPIRE],
  ["GET :k", "v"],
]);

conforms("SETNX, SETEX, PSETEX, GETSET, GETDEL", [
  ["SETNX :k v", 1],
  ["SETNX :k w", 0],
  ["SETEX :k 100 x", "OK"],
  ["TTL :k", 100],
  ["GETSET :k y", "x"],
  ["TTL :k", -1],
  ["PSETEX :k 300000 z", "OK"],
  ["TTL :k", 300],
  ["GETDEL :k", "z"],
  ["GETDEL :k", null],
  ["GETSET :k a", null],
  ["SETEX :k 0 v", error("ERR invalid expire time in 'setex' command")],
  ["PSETEX :k -5 v", error("ERR invalid expire time in 'psetex' command")],
  ["SETEX :k a v", NOT_AN_INTEGER],
  ["SADD :s a", 1],
  ["GETSET :s v", WRONG_TYPE],
  ["GETDEL :s", WRONG_TYPE],
]);

conforms("MGET and MSET", [
  ["MSET :a 1 :b 2", "OK"],
  ["HSET :h f v", 1],
  ["MGET :a :none :h :b", ["1", null, null, "2"]],
  ["MSET :a 1 :b", wrongArguments("mset")],
  ["SET :a 1 EX 100", "OK"],
  ["MSET :a 3 :a 4", "OK"],
  ["GET :a", "4"],
  ["TTL :a", -1],
]);

conforms("counters", [
  ["INCR :n", 1],
  ["INCRBY :n 41", 42],
  ["DECR :n", 41],
  ["DECRBY :n 50", -9],
  ["GET :n", "-9"],
  ["EXPIRE :n 100", 1],
  ["INCR :n", -8],
  ["TTL :n", 100],
  ["INCRBY :n 1.5", NOT_AN_INTEGER],
  ["INCRBY :n 99999999999999999999", NOT_AN_INTEGER],
  ["DECRBY :n -9223372036854775808", error("ERR decrement would overflow")],
  ["SET :s 01", "OK"],
  ["INCR :s", NOT_AN_INTEGER],
  ["SET :s +1", "OK"],
  ["INCR :s", NOT_AN_INTEGER],
  ["SET :s -0", "OK"],
  ["INCR :s", NOT_AN_INTEGER],
  ["SET :s ''", "OK"],
  ["INCR :s", NOT_AN_INTEGER],
  ["SET :s 9223372036854775808", "OK"],
  ["INCR :s", NOT_AN_INTEGER],
  ["LPUSH :l a", 1],
  ["INCR :l", WRONG_TYPE],
]);

conforms("counters beyond what a double can hold", [
  ["SET :n 9007199254740993", "OK"],
  [
    ["EVAL", "redis.call('INCRBY', KEYS[1], 2) return redis.call('GET', KEYS[1])", "1", ":n"],
    "9007199254740995",
  ],
  ["SET :n 9223372036854775806", "OK"],
  [
    ["EVAL", "redis.call('INCR', KEYS[1]) return redis.call('GET', KEYS[1])", "1", ":n"],
    "9223372036854775807",
  ],
  ["INCR :n", OVERFLOW],
  ["SET :n -9223372036854775808", "OK"],
  ["DECR :n", OVERFLOW],
]);

conforms("APPEND and STRLEN count bytes", [
  ["STRLEN :k", 0],
  ["APPEND :k abc", 3],
  ["APPEND :k é😀", 9],
  ["GET :k", "abcé😀"],
  ["STRLEN :k", 9],
  ["EXPIRE :k 100", 1],
  ["APPEND :k !", 10],
  ["TTL :k", 100],
  ["SADD :s a", 1],
  ["APPEND :s a", WRONG_TYPE],
  ["STRLEN :s", WRONG_TYPE],
]);
