import { describe, expect, test } from "vitest";
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
const MUST_BE_POSITIVE = error("ERR value is out of range, must be positive");
const LIMIT_WITHOUT_SCORES = error(
  "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);

conforms("ZADD", [
  ["ZADD :z 1 a 2 b 3 c", 3],
  ["ZADD :z CH 2 a 2 b", 1],
  ["ZADD :z NX 9 a 4 d", 1],
  ["ZADD :z xx 7 a 8 none", 0],
  ["ZADD :z GT 3 a", 0],
  ["ZADD :z LT CH 3 a", 1],
  ["ZADD :z GT CH 10 a 20 new", 2],
  ["ZRANGE :z 0 -1 WITHSCORES", ["b", "2", "c", "3", "d", "4", "a", "10", "new", "20"]],
  ["ZADD :z INCR 1 a", "11"],
  ["ZADD :z INCR NX 1 a", null],
  ["ZADD :z INCR GT -1 a", null],
  ["ZADD :z incr lt -1 a", "10"],
  ["ZADD :new XX 1 a", 0],
  ["ZADD :new XX INCR 1 a", null],
  ["EXISTS :new", 0],
]);

conforms("ZADD refuses", [
  ["ZADD :z 1", wrongArguments("zadd")],
  ["ZADD :z 1 a 2", SYNTAX_ERROR],
  ["ZADD :z NX XX CH", SYNTAX_ERROR],
  ["ZADD :z CH 1 a NX", SYNTAX_ERROR],
  ["ZADD :z NX XX 1 a", error("ERR XX and NX options at the same time are not compatible")],
  ["ZADD :z NX GT 1 a", error("ERR GT, LT, and/or NX options at the same time are not compatible")],
  ["ZADD :z GT LT 1 a", error("ERR GT, LT, and/or NX options at the same time are not compatible")],
  ["ZADD :z INCR 1 a 2 b", error("ERR INCR option supports a single increment-element pair")],
  ["ZADD :z 1 a x b", NOT_A_FLOAT],
  ["ZADD :z nan a", NOT_A_FLOAT],
  ["ZADD :z 1e400 a", NOT_A_FLOAT],
  ["ZADD :z ' 1' a", NOT_A_FLOAT],
  ["ZADD :z '' a", NOT_A_FLOAT],
  ["EXISTS :z", 0],
  ["ZADD :z inf a", 1],
  ["ZINCRBY :z -inf a", error("ERR resulting score is not a number (NaN)")],
  ["ZINCRBY :z x a", NOT_A_FLOAT],
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
  ["ZSCORE :z none", null],
  ["ZSCORE :none a", null],
  ["ZMSCORE :none a b", [null, null]],
  ["ZINCRBY :z 1.5 half", "3"],
  ["ZINCRBY :z 0.1 tenth", "0.20000000000000001"],
  ["ZINCRBY :new 2.25 a", "2.25"],
]);

conforms("members of one score are in the order of their bytes", [
  ["ZADD :z 0 b 0 a 0 B 0 ab 0 é 0 ～ 0 😀 0 '' 0 z", 9],
  ["ZRANGE :z 0 -1", ["", "B", "a", "ab", "b", "z", "é", "～", "😀"]],
  ["ZRANK :z é", 6],
  ["ZRANK :z none", null],
  ["ZRANK :none a", null],
  ["ZRANK :z a WITHSCORE", wrongArguments("zrank")],
]);

conforms("ranges by rank", [
  ["ZADD :z 1 a 2 b 2 c 3 d 5 e", 5],
  ["ZRANGE :z 1 2", ["b", "c"]],
  ["ZRANGE :z -2 -1 REV", ["b", "a"]],
  ["ZRANGE :z 0 0 rev withscores", ["e", "5"]],
  ["ZRANGE :z 3 1", []],
  ["ZRANGE :z 9 99", []],
  ["ZRANGE :none 0 -1", []],
  ["ZREVRANGE :z 0 1 WITHSCORES", ["e", "5", "d", "3"]],
  ["ZREVRANGE :z -1 -1", ["a"]],
  ["ZRANGE :z a b", NOT_AN_INTEGER],
  ["ZRANGE :z 0 -1 LIMIT 0 1", LIMIT_WITHOUT_SCORES],
  ["ZRANGE :z 0 0 LIMIT 7 -1", ["a"]],
  ["ZRANGE :z 0 -1 FOO", SYNTAX_ERROR],
  ["ZREVRANGE :z 0 1 REV", SYNTAX_ERROR],
  ["ZREVRANGE :z 0 1 LIMIT 0 1", LIMIT_WITHOUT_SCORES],
]);

conforms("ranges by score", [
  ["ZADD :z 1 a 2 b 2 c 3 d 5 e", 5],
  ["ZRANGEBYSCORE :z 2 3", ["b", "c", "d"]],
  ["ZRANGEBYSCORE :z (2 +inf withscores", ["d", "3", "e", "5"]],
  ["ZRANGEBYSCORE :z -inf (3 LIMIT 1 1", ["b"]],
  ["ZRANGEBYSCORE :z 3 2", []],
  ["ZRANGEBYSCORE :z (2 (2", []],
  ["ZREVRANGEBYSCORE :z 3 2", ["d", "c", "b"]],
  ["ZREVRANGEBYSCORE :z 3 2 LIMIT 1 1", ["c"]],
  ["ZRANGE :z (1 3 BYSCORE", ["b", "c", "d"]],
  ["ZRANGE :z 3 (1 byscore rev limit 1 5", ["c", "b"]],
  ["ZRANGE :z 0 10 BYSCORE LIMIT -1 2", []],
  ["ZRANGE :z 0 10 BYSCORE LIMIT 3 -1", ["d", "e"]],
  ["ZRANGE :z 0 10 BYSCORE LIMIT 0 0", []],
  ["ZRANGE :z 0 10 BYSCORE LIMIT 9 1", []],
  ["ZRANGEBYSCORE :z '' 1", ["a"]],
  ["ZRANGEBYSCORE :z ' 5' 1e400", ["e"]],
  ["ZCOUNT :z 2 3", 3],
  ["ZCOUNT :z (2 (3", 0],
  ["ZCOUNT :z 3 2", 0],
  ["ZCOUNT :none 1 2", 0],
  ["ZCARD :z", 5],
  ["ZCARD :none", 0],
]);

conforms("ranges by score refuse", [
  ["ZRANGEBYSCORE :z x 2", NOT_A_BOUND],
  ["ZRANGEBYSCORE :z 1 nan", NOT_A_BOUND],
  ["ZRANGEBYSCORE :z 1 (", []],
  ["ZRANGE :z a b BYSCORE", NOT_A_BOUND],
  ["ZRANGEBYSCORE :z 1 2 LIMIT 1", SYNTAX_ERROR],
  ["ZRANGEBYSCORE :z 1 2 LIMIT a b", NOT_AN_INTEGER],
  ["ZCOUNT :z a 3", NOT_A_BOUND],
  ["ZREMRANGEBYSCORE :z a 2", NOT_A_BOUND],
  ["ZREMRANGEBYRANK :z a 0", NOT_AN_INTEGER],
  ["SET :s v", "OK"],
  ["ZRANGE :s 0 1", WRONG_TYPE],
  ["ZRANGE :s a b", NOT_AN_INTEGER],
  ["ZRANGEBYSCORE :s 0 1", WRONG_TYPE],
  ["ZCOUNT :s 1 2", WRONG_TYPE],
  ["ZSCORE :s a", WRONG_TYPE],
  ["ZREM :s a", WRONG_TYPE],
]);

conforms("removal", [
  ["ZADD :z 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h", 8],
  ["ZREM :z a none a", 1],
  ["ZREMRANGEBYRANK :z 0 0", 1],
  ["ZREMRANGEBYRANK :z -1 -1", 1],
  ["ZREMRANGEBYRANK :z 5 9", 0],
  ["ZREMRANGEBYSCORE :z (3 4", 1],
  ["ZREMRANGEBYSCORE :z 9 1", 0],
  ["ZRANGE :z 0 -1", ["c", "e", "f", "g"]],
  ["ZPOPMIN :z", ["c", "3"]],
  ["ZPOPMAX :z", ["g", "7"]],
  ["ZPOPMIN :z 0", []],
  ["ZPOPMAX :z 9", ["f", "6", "e", "5"]],
  ["EXISTS :z", 0],
  ["ZPOPMIN :z", []],
  ["ZPOPMIN :z -1", MUST_BE_POSITIVE],
  ["ZPOPMIN :z a", MUST_BE_POSITIVE],
  ["ZPOPMIN :z 1 2", SYNTAX_ERROR],
  ["SET :s v", "OK"],
  ["ZPOPMIN :s", WRONG_TYPE],
]);

describe("memory", () => {
  test("20,000 members stay in order", () => {
    const redis = createMemoryRedis();
    const count = 20_000;
    // A prime step visits every score once, in an order that is anything but sorted.
    for (let step = 0; step < count; step++) {
      const score = (step * 7919) % count;
      redis.call(["ZADD", "z", String(score), `member-${score}`]);
    }
    expect(redis.call(["ZCARD", "z"])).toBe(count);
    expect(redis.call(["ZRANK", "z", "member-12345"])).toBe(12_345);
    expect(redis.call(["ZRANGEBYSCORE", "z", "9999", "(10001"])).toEqual(["member-9999", "member-10000"]);
    expect(redis.call(["ZREMRANGEBYSCORE", "z", "-inf", "(10000"])).toBe(10_000);
    expect(redis.call(["ZPOPMIN", "z"])).toEqual(["member-10000", "10000"]);
  });
});
