import { conforms, error, NOT_AN_INTEGER, WRONG_TYPE, wrongArguments } from "../support/redis/conformance.ts";

const MUST_BE_POSITIVE = error("ERR value is out of range, must be positive");

conforms("sets", [
  ["SADD :s a b a", 2],
  ["SADD :s b c", 1],
  ["SCARD :s", 3],
  ["SISMEMBER :s a", 1],
  ["SISMEMBER :s z", 0],
  ["SREM :s a z c", 2],
  ["SMEMBERS :s", ["b"]],
  ["SREM :s b", 1],
  ["EXISTS :s", 0],
  ["SMEMBERS :s", []],
  ["SCARD :s", 0],
  ["SREM :s a", 0],
  ["SISMEMBER :s a", 0],
  ["SADD :s", wrongArguments("sadd")],
  ["SET :k v", "OK"],
  ["SADD :k a", WRONG_TYPE],
  ["SREM :k a", WRONG_TYPE],
  ["SMEMBERS :k", WRONG_TYPE],
  ["SISMEMBER :k a", WRONG_TYPE],
]);

conforms("lists", [
  ["LPUSH :l a b c", 3],
  ["RPUSH :l d e", 5],
  ["LRANGE :l 0 -1", ["c", "b", "a", "d", "e"]],
  ["LRANGE :l -2 99", ["d", "e"]],
  ["LRANGE :l 1 2", ["b", "a"]],
  ["LRANGE :l 3 1", []],
  ["LRANGE :l -99 0", ["c"]],
  ["LRANGE :l a 1", NOT_AN_INTEGER],
  ["LLEN :l", 5],
  ["LPOP :l", "c"],
  ["RPOP :l", "e"],
  ["LPOP :l 0", []],
  ["RPOP :l 2", ["d", "a"]],
  ["LPOP :l 9", ["b"]],
  ["EXISTS :l", 0],
]);

conforms("a list that is not there, and wrong use", [
  ["LPOP :l", null],
  ["RPOP :l", null],
  ["LPOP :l 1", null],
  ["LPOP :l 0", null],
  ["LPOP :l -1", MUST_BE_POSITIVE],
  ["RPOP :l a", MUST_BE_POSITIVE],
  ["LPOP :l 1 2", wrongArguments("lpop")],
  ["RPOP :l 1 2", wrongArguments("rpop")],
  ["LRANGE :l 0 -1", []],
  ["LLEN :l", 0],
  ["LPUSH :l", wrongArguments("lpush")],
  ["SET :k v", "OK"],
  ["LPUSH :k a", WRONG_TYPE],
  ["RPOP :k", WRONG_TYPE],
  ["LPOP :k -1", MUST_BE_POSITIVE],
  ["LRANGE :k 0 1", WRONG_TYPE],
  ["LRANGE :k a 1", NOT_AN_INTEGER],
  ["LLEN :k", WRONG_TYPE],
]);
