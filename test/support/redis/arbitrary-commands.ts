import fc from "fast-check";

/** Random commands over a handful of keys, so that they meet each other's values, types and leftovers. */

const key = fc.constantFrom(":a", ":b", ":c");
const member = fc.constantFrom("a", "b", "c", "ab", "B", "é", "😀", "10", "");
const value = fc.oneof(member, fc.string({ maxLength: 8, unit: "binary" }).filter(isWellFormed));

const integer = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -12, max: 12 }).map(String) },
  { weight: 2, arbitrary: fc.integer().map(String) },
  { weight: 1, arbitrary: fc.constantFrom("x", "", "1.5", " 1", "01", "-0", "+1") },
);

const score = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -5, max: 5 }).map(String) },
  { weight: 3, arbitrary: fc.double({ noNaN: true }).map(String) },
  { weight: 2, arbitrary: fc.constantFrom("inf", "-inf", "0.1", "1e20", "1.5", "3.3e-9", "1700000000000") },
  { weight: 1, arbitrary: fc.constantFrom("x", "nan", "1e", "1 2") },
);

const bound = fc.tuple(fc.constantFrom("", "", "("), score).map(([exclusive, text]) => exclusive + text);

type Part = fc.Arbitrary<string | readonly string[]>;

const command = (name: string, ...parts: Part[]) =>
  fc.tuple(...parts).map((given) => [name, ...given.flat()] as readonly string[]);

const some = (arbitrary: fc.Arbitrary<string>) => fc.array(arbitrary, { minLength: 1, maxLength: 4 });

const pairs = (first: fc.Arbitrary<string>, second: fc.Arbitrary<string>) =>
  fc.array(fc.tuple(first, second), { minLength: 1, maxLength: 4 }).map((list) => list.flat());

/** Some of these options, in any order and in either case. */
const options = (...choices: readonly fc.Arbitrary<readonly string[]>[]) =>
  fc
    .subarray([...choices])
    .chain((chosen) => fc.tuple(...chosen))
    .map((given) => given.flat());
const option = (word: string, ...values: fc.Arbitrary<string>[]) =>
  fc.tuple(fc.constantFrom(word, word.toLowerCase()), ...values);

/** A thousand seconds and more: no test lasts long enough for its rounding to differ between two servers. */
const seconds = fc.integer({ min: 1, max: 90 }).map((thousands) => String(thousands * 1000));
const milliseconds = fc.integer({ min: 1, max: 90 }).map((millions) => String(millions * 1_000_000));

const keyCommands = [
  command("DEL", some(key)),
  command("EXISTS", some(key)),
  command("PTTL", key),
  command("PEXPIRE", key, fc.oneof(milliseconds, fc.constantFrom("0", "-5", "x"))),
];

const stringCommands = [
  command("GET", key),
  command("MGET", some(key)),
  command(
    "SET",
    key,
    value,
    options(option("NX"), fc.oneof(option("EX", seconds), option("PX", milliseconds))),
  ),
  command("SET", key, value, option("EX", integer)),
];

const hashCommands = [
  command("HSET", key, pairs(member, fc.oneof(value, integer))),
  command("HGET", key, member),
  command("HMGET", key, some(member)),
  command("HDEL", key, some(member)),
  command("HINCRBY", key, member, integer),
];

const rangeOptions = options(option("WITHSCORES"), option("LIMIT", integer, integer));

const sortedSetCommands = [
  command("ZADD", key, pairs(score, member)),
  command("ZREM", key, some(member)),
  command("ZSCORE", key, member),
  command("ZMSCORE", key, some(member)),
  command("ZCARD", key),
  command("ZRANGE", key, integer, integer),
  command("ZRANGE", key, integer, integer, options(option("WITHSCORES"))),
  command("ZRANGEBYSCORE", key, bound, bound, rangeOptions),
  command("ZREVRANGEBYSCORE", key, bound, bound, rangeOptions),
];

const dataCommand = fc.oneof(
  { weight: 2, arbitrary: fc.oneof(...keyCommands) },
  { weight: 2, arbitrary: fc.oneof(...stringCommands) },
  { weight: 3, arbitrary: fc.oneof(...hashCommands) },
  { weight: 5, arbitrary: fc.oneof(...sortedSetCommands) },
);

/** A command as a client sends it or, one time in six, as a script does. */
const anyCommand = fc.oneof(
  { weight: 5, arbitrary: dataCommand },
  {
    weight: 1,
    arbitrary: dataCommand.map((argv) => ["EVAL", "return redis.call(unpack(ARGV))", "0", ...argv]),
  },
);

/** Commands to run one after the other. */
export const commandSequence = fc.array(anyCommand, { minLength: 1, maxLength: 60, size: "max" });

function isWellFormed(text: string): boolean {
  return Buffer.from(text, "utf8").toString("utf8") === text;
}
