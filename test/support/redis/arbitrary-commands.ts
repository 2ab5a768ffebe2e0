import fc from "fast-check";

/** Random commands over a handful of keys, so that they meet each other's values, types and leftovers. */

const key = fc.constantFrom(":a", ":b", ":c", ":d");
const member = fc.constantFrom("a", "b", "c", "ab", "B", "é", "😀", "10", "");
const value = fc.oneof(member, fc.string({ maxLength: 8, unit: "binary" }).filter(isWellFormed));

const integer = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -12, max: 12 }).map(String) },
  { weight: 2, arbitrary: fc.maxSafeInteger().map(String) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }).map(String) },
  { weight: 1, arbitrary: fc.constantFrom("x", "", "1.5", " 1", "01", "-0", "+1") },
);

const score = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -5, max: 5 }).map(String) },
  { weight: 3, arbitrary: fc.double({ noNaN: true }).map(String) },
  { weight: 2, arbitrary: fc.constantFrom("inf", "-inf", "0.1", "1e20", "1.5", "3.3e-9", "1700000000000") },
  { weight: 1, arbitrary: fc.constantFrom("x", "", "nan", "1e999") },
);

const bound = fc.tuple(fc.constantFrom("", "", "("), score).map(([exclusive, text]) => exclusive + text);

/** Some of these words, in any order and any case, with their values. */
const options = (...words: (readonly [word: string, ...values: fc.Arbitrary<string>[]])[]) =>
  fc
    .subarray(words, { maxLength: Math.min(3, words.length) })
    .chain((chosen) =>
      fc.tuple(
        ...chosen.map(([word, ...values]) =>
          fc.tuple(fc.constantFrom(word, word.toLowerCase()), ...values).map((parts) => parts as string[]),
        ),
      ),
    );

type Part = fc.Arbitrary<string | readonly string[] | readonly string[][]>;

const command = (name: string, ...parts: Part[]) =>
  fc.tuple(...parts).map((given) => [name, ...given.flat(2)] as readonly string[]);

const some = <T extends string>(arbitrary: fc.Arbitrary<T>) =>
  fc.array(arbitrary, { minLength: 1, maxLength: 4 });
const pairs = (first: fc.Arbitrary<string>, second: fc.Arbitrary<string>) =>
  fc.array(fc.tuple(first, second), { minLength: 1, maxLength: 4 }).map((list) => list.flat());

/** A thousand seconds and more: no test lasts long enough for its rounding to differ between two servers. */
const seconds = fc.integer({ min: 1, max: 90 }).map((thousands) => String(thousands * 1000));

const stringCommands = [
  command("GET", key),
  command("SET", key, value, options(["NX"], ["XX"], ["GET"], ["KEEPTTL"], ["EX", seconds])),
  command("SETNX", key, value),
  command("SETEX", key, seconds, value),
  command("GETSET", key, value),
  command("GETDEL", key),
  command("MGET", some(key)),
  command("MSET", pairs(key, value)),
  command("APPEND", key, value),
  command("STRLEN", key),
  command("SET", key, integer),
  command("INCR", key),
  command("DECR", key),
  command("INCRBY", key, integer),
  command("DECRBY", key, integer),
];

const keyCommands = [
  command("DEL", some(key)),
  command("EXISTS", some(key)),
  command("TYPE", key),
  command("TTL", key),
  command("PERSIST", key),
  command("EXPIRE", key, seconds, options(["NX"], ["XX"], ["GT"], ["LT"])),
  command(
    "EXPIRE",
    key,
    integer.filter((text) => !/^[1-9]/.test(text)),
  ),
];

const hashCommands = [
  command("HSET", key, pairs(member, fc.oneof(value, integer))),
  command("HSETNX", key, member, value),
  command("HGET", key, member),
  command("HMGET", key, some(member)),
  command("HGETALL", key),
  command("HKEYS", key),
  command("HVALS", key),
  command("HDEL", key, some(member)),
  command("HEXISTS", key, member),
  command("HLEN", key),
  command("HINCRBY", key, member, integer),
];

const limit = ["LIMIT", integer, integer] as const;
const zaddFlags = options(["NX"], ["XX"], ["GT"], ["LT"], ["CH"], ["INCR"]);

const sortedSetCommands = [
  command("ZADD", key, pairs(score, member)),
  command("ZADD", key, zaddFlags, pairs(score, member)),
  command("ZADD", key, zaddFlags, score, member),
  command("ZINCRBY", key, score, member),
  command("ZREM", key, some(member)),
  command("ZSCORE", key, member),
  command("ZMSCORE", key, some(member)),
  command("ZCARD", key),
  command("ZRANK", key, member),
  command("ZCOUNT", key, bound, bound),
  command("ZRANGE", key, integer, integer, options(["WITHSCORES"], ["REV"])),
  command("ZRANGE", key, bound, bound, options(["BYSCORE"], ["REV"], ["WITHSCORES"], limit)),
  command("ZREVRANGE", key, integer, integer, options(["WITHSCORES"])),
  command("ZRANGEBYSCORE", key, bound, bound, options(["WITHSCORES"], limit)),
  command("ZREVRANGEBYSCORE", key, bound, bound, options(["WITHSCORES"], limit)),
  command("ZREMRANGEBYSCORE", key, bound, bound),
  command("ZREMRANGEBYRANK", key, integer, integer),
  command("ZPOPMIN", key, fc.constantFrom("1", "0", "2", "-1", "x")),
  command("ZPOPMAX", key),
];

const listAndSetCommands = [
  command("LPUSH", key, some(value)),
  command("RPUSH", key, some(value)),
  command("LPOP", key),
  command("RPOP", key, fc.constantFrom("0", "1", "2", "-1", "x")),
  command("LRANGE", key, integer, integer),
  command("LLEN", key),
  command("SADD", key, some(member)),
  command("SREM", key, some(member)),
  command("SMEMBERS", key),
  command("SISMEMBER", key, member),
  command("SCARD", key),
];

const dataCommand = fc.oneof(
  { weight: 3, arbitrary: fc.oneof(...stringCommands) },
  { weight: 2, arbitrary: fc.oneof(...keyCommands) },
  { weight: 3, arbitrary: fc.oneof(...hashCommands) },
  { weight: 5, arbitrary: fc.oneof(...sortedSetCommands) },
  { weight: 2, arbitrary: fc.oneof(...listAndSetCommands) },
);

const CALL = `
local reply = redis.pcall(unpack(ARGV))
return {type(reply), reply}`;

/** A command as a client sends it or, one time in six, as a script does. Keys must be arguments there too. */
const anyCommand = fc.oneof(
  { weight: 5, arbitrary: dataCommand },
  { weight: 1, arbitrary: dataCommand.map((argv) => ["EVAL", CALL, "0", ...argv]) },
);

/** Commands to run one after the other. */
export const commandSequence = fc.array(anyCommand, { minLength: 1, maxLength: 60, size: "max" });

function isWellFormed(text: string): boolean {
  return Buffer.from(text, "utf8").toString("utf8") === text;
}
