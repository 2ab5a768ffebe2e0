import { expect, test } from "vitest";
import { createMemoryRedis } from "../../../packages/memory-redis/index.ts";
import {
  conforms,
  error,
  NOT_A_FLOAT,
  NOT_AN_INTEGER,
  SYNTAX_ERROR,
  WRONG_TYPE,
  wrongArguments,
} from "../../support/redis/conformance.ts";

const NOT_A_BOUND = error("ERR min or max is not a float");

conforms("ZADD and ZREM", [
  ["ZADD :z 1 a 2 b 3 c", 3],
  ["ZADD :z 9 a 4 d 3 c", 1],
  ["ZRANGE :z 0 -1", ["b", "c", "d", "a"]],
  ["ZRANGE :z 0 0 withscores", ["b", "2"]],
  ["ZCARD :z", 4],
  ["ZCARD :none", 0],
  ["ZREM :z a none a", 1],
  ["ZREM :none a", 0],
  ["ZREM :z b c d", 3],
  ["EXISTS :z", 0],
]);

conforms("ZADD refuses", [
  ["ZADD :z 1", wrongArguments("zadd")],
  ["ZADD :z 1 a 2", SYNTAX_ERROR],
  ["ZADD :z 1 a x b", NOT_A_FLOAT],
  ["ZADD :z nan a", NOT_A_FLOAT],
  ["ZADD :z ' 1' a", NOT_A_FLOAT],
  ["ZADD :z '' a", NOT_A_FLOAT],
  ["EXISTS :z", 0],
  ["SET :s v", "OK"],
  ["ZADD :s 1 a", WRONG_TYPE],
  ["ZADD :s x a", NOT_A_FLOAT],
]);

conforms("scores", [
  ["ZADD :z 1.5 half 0.1 tenth 1e20 large 123456789012345678 digits -0 zero", 5],
  ["ZADD :z inf up -Infinity down .5 dot 5. point 0x10 hexadecimal -1e-7 tiny", 6],
  ["ZADD :z 9007199254740993 odd 3.0000000000000004 third 1700000000000 time", 3],
  [
    "ZMSCORE :z half tenth large digits zero",
    ["1.5", "0.10000000000000001", "1e+20", "1.2345678901234568e+17", "0"],
  ],
  [
    "ZMSCORE :z up down dot point hexadecimal tiny",
    ["inf", "-inf", "0.5", "5", "16", "-9.9999999999999995e-08"],
  ],
  ["ZMSCORE :z odd third time", ["9007199254740992", "3.0000000000000004", "1700000000000"]],
  ["ZSCORE :z time", "1700000000000"],
  ["ZSCORE :z none", null],
  ["ZSCORE :none a", null],
  ["ZMSCORE :none a b", [null, null]],
]);

conforms("members of one score are in the order of their bytes", [
  ["ZADD :z 0 b 0 a 0 B 0 ab 0 é 0 ～ 0 😀 0 '' 0 z", 9],
  ["ZRANGE :z 0 -1", ["", "B", "a", "ab", "b", "z", "é", "～", "😀"]],
]);

conforms("ranges by rank", [
  ["ZADD :z 1 a 2 b 2 c 3 d 5 e", 5],
  ["ZRANGE :z 1 2", ["b", "c"]],
  ["ZRANGE :z -2 -1", ["d", "e"]],
  ["ZRANGE :z 9 99 WITHSCORES", []],
  ["ZRANGE :z a 1 SCORES", SYNTAX_ERROR],
  ["ZRANGE :z -9 -5", ["a"]],
  ["ZRANGE :z 0 -9", []],
  ["ZRANGE :z 3 1", []],
  ["ZRANGE :z 9 99", []],
  ["ZRANGE :none 0 -1", []],
  ["ZRANGE :z a b", NOT_AN_INTEGER],
]);

conforms("ranges by score", [
  ["ZADD :z 1 a 2 b 2 c 3 d 5 e", 5],
  ["ZRANGEBYSCORE :z 2 3", ["b", "c", "d"]],
  ["ZRANGEBYSCORE :z (2 +inf withscores", ["d", "3", "e", "5"]],
  ["ZRANGEBYSCORE :z (1 (inf limit 0 1 withscores", ["b", "2"]],
  ["ZRANGEBYSCORE :z -inf (3 LIMIT 1 1", ["b"]],
  ["ZRANGEBYSCORE :z 3 2", []],
  ["ZRANGEBYSCORE :z (2 (2", []],
  ["ZRANGEBYSCORE :z 0 10 LIMIT -1 2", []],
  ["ZRANGEBYSCORE :z 0 10 LIMIT 3 -1", ["d", "e"]],
  ["ZRANGEBYSCORE :z 0 10 LIMIT 0 0", []],
  ["ZRANGEBYSCORE :z 0 10 LIMIT 9 1", []],
  ["ZREVRANGEBYSCORE :z 3 2", ["d", "c", "b"]],
  ["ZREVRANGEBYSCORE :z 3 2 LIMIT 1 1", ["c"]],
  ["ZREVRANGEBYSCORE :z +inf -inf WITHSCORES LIMIT 0 2", ["e", "5", "d", "3"]],
  ["ZREVRANGEBYSCORE :z +inf -inf LIMIT 4 9", ["a"]],
]);

conforms("ranges refuse", [
  ["ZRANGEBYSCORE :z x 2", NOT_A_BOUND],
  ["ZRANGEBYSCORE :z 1 nan", NOT_A_BOUND],
  ["ZRANGEBYSCORE :z 1 2 LIMIT 1", SYNTAX_ERROR],
  ["ZRANGEBYSCORE :z 1 2 FOO", SYNTAX_ERROR],
  ["ZRANGEBYSCORE :z 1 2 LIMIT a b", NOT_AN_INTEGER],
  ["SET :s v", "OK"],
  ["ZRANGE :s 0 1", WRONG_TYPE],
  ["ZRANGE :s a b", NOT_AN_INTEGER],
  ["ZRANGEBYSCORE :s 0 1", WRONG_TYPE],
  ["ZSCORE :s a", WRONG_TYPE],
  ["ZREM :s a", WRONG_TYPE],
]);

test("20,000 members stay in order", () => {
  const redis = createMemoryRedis();
  const count = 20_000;
  // A prime step visits every score once, in an order that is anything but sorted.
  for (let step = 0; step < count; step++) {
    const score = (step * 7919) % count;
    redis.call(["ZADD", "z", String(score), `member-${score}`]);
  }
  expect(redis.call(["ZCARD", "z"])).toBe(count);
  expect(redis.call(["ZRANGE", "z", "12345", "12345"])).toEqual(["member-12345"]);
  expect(redis.call(["ZRANGEBYSCORE", "z", "9999", "(10001"])).toEqual(["member-9999", "member-10000"]);
});
