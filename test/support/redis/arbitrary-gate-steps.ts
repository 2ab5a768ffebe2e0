import fc from "fast-check";
import { ENTER, LEAVE, RELEASE } from "../../../packages/core/gate/scripts/decide.ts";
import { HOLD_ALL, RELEASE_ALL, RENEW } from "../../../packages/core/gate/scripts/flag.ts";
import { KEY_NAMES, keysOf } from "../../../packages/core/gate/scripts/keys.ts";
import { LIST, LOOK, VOUCH } from "../../../packages/core/gate/scripts/read.ts";
import { BEGIN, COMPARE, FINISH, FORGET, PUT } from "../../../packages/core/gate/scripts/refresh.ts";
import type { Script } from "../../../packages/core/gate/scripts/script.ts";
import type { Standing } from "../../../packages/core/tasks/standing.ts";

/** Random calls of the gate's scripts over a few tasks, with what an eviction or an operator may do in between. */

const SLOTS = 3;
const IDS = [1, 2, 3, 4, 5];
const KEYS = keysOf("gate", SLOTS).map((key) => `:${key}`);
const key = (name: string) => KEYS[KEY_NAMES.indexOf(name)] as string;
const FLAGS = KEYS.slice(KEY_NAMES.length);

/** Minutes from noon; the scripts run at some of them and tasks are due at others. */
const NOON_MS = 1_700_000_000_000;
const minute = fc.integer({ min: -2, max: 12 }).map((minutes) => NOON_MS + minutes * 60_000);
const now = fc.integer({ min: 0, max: 5 }).map((minutes) => NOON_MS / 1000 + minutes * 60);

/** A script at a time of its own: a clock that is read would differ between two servers. */
const at = (lua: string, seconds: number) => lua.replace("redis.call('TIME')", `{'${seconds}', '0'}`);

const evaluation = <Given>(script: Script<Given, never, unknown>, given: fc.Arbitrary<Given>) =>
  fc
    .tuple(now, given)
    .map(([seconds, values]) => [
      "EVAL",
      at(script.lua, seconds),
      String(KEYS.length),
      ...KEYS,
      ...script.encode(values).map(String),
    ]);

const token = fc.constantFrom("alpha", "beta");
const ttl_ms = fc.constantFrom(1_000_000, 3_000_000);
const slot = fc.integer({ min: 0, max: SLOTS - 1 });
const nap_ms = fc.constantFrom(0, 120_000, 300_000);
const early_ms = fc.constantFrom(0, 60_000);
const limit = fc.constantFrom(1, 2, 3, 100);
const sequence = fc.integer({ min: 0, max: 12 });
const id = fc.constantFrom(...IDS);
const rev = fc.integer({ min: 1, max: 5 });
const standing: fc.Arbitrary<Standing> = fc.oneof(
  fc.record({ id, rev, kind: fc.constant("gone" as const) }),
  fc.record({ id, rev, kind: fc.constant("gone" as const), untold: fc.constant(true) }),
  fc.record({ id, rev: fc.constant(0 as const), kind: fc.constant("missing" as const) }),
  fc.record({ id, rev, kind: fc.constantFrom("waiting", "waiting", "foreign", "running"), atMs: minute }),
  fc.record({
    id,
    rev,
    kind: fc.constantFrom("waiting", "running"),
    atMs: minute,
    inMs: fc.constantFrom(0, 60_000),
  }),
  fc.record({
    id,
    rev,
    kind: fc.constant("waiting" as const),
    atMs: minute,
    task: fc.constantFrom({ é: 1 }, 123).map((row) => row as never),
  }),
);
const standings = fc.array(standing, { maxLength: 6 });
const asking = { token, ttl_ms, nap_ms, early_ms };
const nothing = fc.constant({});
const began = fc.option(minute, { nil: undefined });
const someIds = fc.array(id, { maxLength: 4 });
const finish = fc.record({
  began: minute,
  since: sequence,
  marked: fc.constantFrom(0, 1),
  cut_at: began,
  waiting_for_code: fc.constant(2),
  pauses: fc.constantFrom("", '[{"all":true}]'),
  code_since: fc.constantFrom(undefined, NOON_MS),
  basis: fc.constantFrom("ours", "theirs"),
});
const vouch = fc.record({
  basis: fc.constant("ours"),
  limit,
  young_ms: fc.constantFrom(120_000, 900_000),
  whole_ms: fc.constantFrom(0, 300_000),
  ahead_ms: fc.constantFrom(0, 300_000),
});

const scripts = fc.oneof(
  { weight: 3, arbitrary: evaluation(ENTER, fc.record(asking)) },
  { weight: 3, arbitrary: evaluation(LEAVE, fc.record({ ...asking, slot, limit, standings })) },
  { weight: 2, arbitrary: evaluation(RELEASE, fc.record({ token, slot, early_ms, limit, standings })) },
  { weight: 2, arbitrary: evaluation(RENEW, fc.record({ token, slot, ttl_ms, early_ms, limit, standings })) },
  { weight: 3, arbitrary: evaluation(PUT, fc.record({ began, limit, standings })) },
  { weight: 1, arbitrary: evaluation(BEGIN, nothing) },
  { weight: 1, arbitrary: evaluation(COMPARE, fc.record({ from: fc.constantFrom(0, 0, 2) })) },
  { weight: 2, arbitrary: evaluation(FORGET, fc.record({ began: minute, since: sequence, ids: someIds })) },
  { weight: 2, arbitrary: evaluation(FINISH, finish) },
  { weight: 1, arbitrary: evaluation(LOOK, nothing) },
  { weight: 2, arbitrary: evaluation(VOUCH, vouch) },
  { weight: 1, arbitrary: evaluation(LIST, nothing) },
  { weight: 1, arbitrary: evaluation(HOLD_ALL, fc.record({ token, ttl_ms })) },
  { weight: 1, arbitrary: evaluation(RELEASE_ALL, nothing) },
);

const accident = fc.oneof(
  fc.constantFrom(...KEYS).map((one) => ["DEL", one]),
  fc.constantFrom(...FLAGS).map((flag) => ["SET", flag, "by hand"]),
  fc
    .constantFrom("waiting", "running", "foreign")
    .map((set) => ["ZADD", key(set), String(NOON_MS), "7", "inf", "8"]),
  fc.tuple(fc.constantFrom(...KEYS), ttl_ms).map(([one, ms]) => ["PEXPIRE", one, String(ms)]),
  // Not a set: in which order `pairs` goes, and so where a script stops, is for each Lua to choose.
  fc.constantFrom("revs", "state").map((name) => ["SET", key(name), "of another type"]),
  id.map((one) => ["HSET", key("revs"), String(one), "no number"]),
);

/** A window that begins with a marker: without one, ENTER knows nothing. */
const refreshed = evaluation(
  FINISH,
  fc.constant({
    began: NOON_MS,
    since: 0,
    marked: 0,
    cut_at: NOON_MS + 600_000,
    waiting_for_code: 0,
    pauses: "",
    code_since: undefined,
    basis: "ours",
  }),
);

/** Calls to make one after the other. */
export const gateSteps = fc
  .tuple(
    fc.option(refreshed, { freq: 4, nil: ["PTTL", key("waiting")] }),
    fc.array(fc.oneof({ weight: 15, arbitrary: scripts }, { weight: 1, arbitrary: accident }), {
      minLength: 1,
      maxLength: 30,
      size: "max",
    }),
  )
  .map(([first, steps]) => [first, ...steps]);

/** Commands that read all that the scripts may have written. */
export const readings: readonly (readonly string[])[] = [
  ...["waiting", "running", "gone", "foreign"].map((set) => [
    "ZRANGEBYSCORE",
    key(set),
    "-inf",
    "+inf",
    "WITHSCORES",
  ]),
  ...["revs", "rows"].map((hash) => ["HMGET", key(hash), "*", ...IDS.map(String)]),
  ["HMGET", key("state"), "sequence", "trimmed", "refreshed", "began", "ended", "doubted"],
  ...[key("sleeper"), ...FLAGS].map((one) => ["GET", one]),
  ...KEYS.map((one) => ["PTTL", one]),
];
