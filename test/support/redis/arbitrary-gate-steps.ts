import fc from "fast-check";
import {
  BEGIN,
  ENTER,
  keysOf,
  LEAVE,
  LOOK,
  LOWER,
  PUT,
  RAISE,
  RENEW,
  SWEEP,
} from "../../../packages/core/gate/scripts.ts";

/** Random calls of the gate's scripts over a few tasks, with what an eviction or an operator may do in between. */

const SLOTS = 3;
const IDS = ["1", "2", "3", "4", "5"];
const KEYS = keysOf("gate", SLOTS).map((key) => `:${key}`);
const [DUE, LEASE, REV, TASK, GONE, STATE, SLEEPER, ASIDE, ...FLAGS] = KEYS as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  ...string[],
];

/** Minutes from noon; the scripts run at some of them and tasks are due at others. */
const NOON_MS = 1_700_000_000_000;
const minute = fc.integer({ min: -2, max: 12 }).map((minutes) => String(NOON_MS + minutes * 60_000));
const now = fc.integer({ min: 0, max: 5 }).map((minutes) => NOON_MS / 1000 + minutes * 60);

/** A script at a time of its own: a clock that is read would differ between two servers. */
const at = (script: string, seconds: number) => script.replace("redis.call('TIME')", `{'${seconds}', '0'}`);

const evaluation = (script: string, ...args: fc.Arbitrary<string | readonly string[]>[]) =>
  fc
    .tuple(now, ...args)
    .map(([seconds, ...given]) => [
      "EVAL",
      at(script, seconds),
      String(KEYS.length),
      ...KEYS,
      ...given.flat(),
    ]);

const token = fc.constantFrom("alpha", "beta");
const ttlMs = fc.constantFrom("1000000", "3000000");
const slots = fc.integer({ min: 1, max: SLOTS }).map(String);
const slot = fc.integer({ min: 0, max: SLOTS - 1 }).map(String);
const napMs = fc.constantFrom("0", "120000", "300000");
const earlyMs = fc.constantFrom("0", "60000");
const limit = fc.constantFrom("1", "2", "3", "100");
const sequence = fc.integer({ min: 0, max: 12 }).map(String);
const yes = fc.constantFrom("1", "0");
const id = fc.constantFrom(...IDS);
const rev = fc.integer({ min: 1, max: 5 }).map(String);
const kind = fc.constantFrom("due", "due", "aside", "lease", "gone");
const score = fc.oneof(minute, fc.constantFrom("~0", "~60000"));
const json = fc.constantFrom("", '{"é":1}', "123");
const writes = (...fields: fc.Arbitrary<string>[]) =>
  fc.array(fc.tuple(...fields), { maxLength: 6 }).map((list) => list.flat());

const scripts = fc.oneof(
  { weight: 3, arbitrary: evaluation(ENTER, token, ttlMs, slots, napMs, earlyMs) },
  {
    weight: 3,
    arbitrary: evaluation(
      LEAVE,
      token,
      ttlMs,
      slots,
      napMs,
      earlyMs,
      slot,
      yes,
      limit,
      writes(id, rev, kind, score),
    ),
  },
  {
    weight: 2,
    arbitrary: evaluation(RENEW, token, ttlMs, slots, earlyMs, slot, limit, writes(id, rev, kind, score)),
  },
  {
    weight: 3,
    arbitrary: evaluation(PUT, limit, fc.oneof(fc.constant(""), minute), writes(id, rev, kind, score, json)),
  },
  { weight: 1, arbitrary: evaluation(BEGIN) },
  { weight: 2, arbitrary: evaluation(SWEEP, minute, sequence, minute) },
  { weight: 1, arbitrary: evaluation(LOOK, yes, token, slots, fc.constantFrom("0", "600000")) },
  { weight: 1, arbitrary: evaluation(RAISE, token, ttlMs, slots) },
  { weight: 1, arbitrary: evaluation(LOWER, slots) },
);

const accident = fc.oneof(
  fc.constantFrom(...KEYS).map((key) => ["DEL", key]),
  fc.constantFrom(...FLAGS).map((key) => ["SET", key, "by hand"]),
  fc.constantFrom(DUE, LEASE, ASIDE).map((key) => ["ZADD", key, String(NOON_MS), "7", "inf", "8"]),
  fc.tuple(fc.constantFrom(...KEYS), ttlMs).map(([key, ms]) => ["PEXPIRE", key, ms]),
  fc.constantFrom(DUE, REV, STATE).map((key) => ["SET", key, "of another type"]),
  id.map((one) => ["HSET", REV, one, "no number"]),
);

/** A window that begins with a marker: without one, ENTER knows nothing. */
const refreshed = evaluation(
  SWEEP,
  fc.constant(String(NOON_MS)),
  fc.constant("0"),
  fc.constant(String(NOON_MS + 600_000)),
);

/** Calls to make one after the other. */
export const gateSteps = fc
  .tuple(
    fc.option(refreshed, { freq: 4, nil: ["PTTL", DUE] }),
    fc.array(fc.oneof({ weight: 15, arbitrary: scripts }, { weight: 1, arbitrary: accident }), {
      minLength: 1,
      maxLength: 30,
      size: "max",
    }),
  )
  .map(([first, steps]) => [first, ...steps]);

/** Commands that read all that the scripts may have written. */
export const readings: readonly (readonly string[])[] = [
  ...[DUE, LEASE, GONE, ASIDE].map((key) => ["ZRANGEBYSCORE", key, "-inf", "+inf", "WITHSCORES"]),
  ...[REV, TASK].map((key) => ["HMGET", key, "*", ...IDS]),
  ["HMGET", STATE, "sequence", "trimmed", "refreshed"],
  ...[SLEEPER, ...FLAGS].map((key) => ["GET", key]),
  ...KEYS.map((key) => ["PTTL", key]),
];
