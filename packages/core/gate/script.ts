/** How Lua gets its keys and arguments: by name, and in one order that exists once. */
import type { Standing } from "../tasks/standing.ts";

/**
 * The keys, in the order in which every script gets them; the flags follow, one a slot.
 *
 * - `waiting`: sorted set, a waiting task's id at its due time; and the marker `*`, "this is the whole window", at the
 *   first due time that was left out, or at infinity
 * - `running`: sorted set, a running task's id at the end of its lease
 * - `revs`: hash, id → `rev:sequence`, of all ids above and of those in `gone`
 * - `rows`: hash, id → the row as JSON (a waiting one with little data; the rest is read from Postgres)
 * - `gone`: sorted set, ids that were removed lately, at the time when they may be forgotten: an older write that comes
 *   late meets their rev and changes nothing
 * - `state`: hash: `sequence` (grows with each write), `trimmed` (the sequence when the limit last cut), `refreshed` (ms)
 * - `sleeper`: string with TTL, `wake-up ms|token`
 * - `foreign`: sorted set, a waiting task that another program runs, at its due time; listed, and no tick starts it
 * - `flag(slot)`: string with TTL, the holder's token
 */
const KEYS = {
  waiting: "waiting",
  running: "running",
  revs: "rev",
  rows: "task",
  gone: "gone",
  state: "state",
  sleeper: "sleeper",
  foreign: "foreign",
} as const;

const NAMES = Object.keys(KEYS) as (keyof typeof KEYS)[];
const KEY_LOCALS = `
  local ${NAMES.join(", ")} = unpack(KEYS, 1, ${NAMES.length})
  local function flag(slot) return KEYS[${NAMES.length + 1} + slot] end`;

/** All keys of a deployment. They share a hash tag, so that a cluster keeps them together. */
export function keysOf(prefix: string, slots: number): string[] {
  const flags = Array.from({ length: slots }, (_, slot) => `flag:${slot}`);
  return [...Object.values(KEYS), ...flags].map((name) => `{${prefix}}:${name}`);
}

/** The key that holds the rows. */
export function rowsKeyOf(keys: readonly string[]): string {
  return keys[NAMES.indexOf("rows")] as string;
}

type Kind = "text" | "number";
type Values<Args extends Record<string, Kind>> = {
  [Name in keyof Args]: Args[Name] extends "number" ? number : string;
};

/** A script with its arguments, ready to be run on the keys. */
export interface ScriptCall {
  lua: string;
  args: (string | number)[];
}

/** Takes the arguments by name, and the standings that the script writes. */
export interface Script<Args extends Record<string, Kind>> {
  (values: Values<Args>, standings?: readonly Standing[]): ScriptCall;
  readonly lua: string;
}

/**
 * A script with named arguments. They are locals of the Lua text; so are the keys, and `FIRST`, where the standings
 * begin in ARGV. The compiler refuses a name that is missing or too many.
 *
 * @example
 * const HOLD = script({ token: "text", ttl_ms: "number" }, "redis.call('SET', flag(0), token, 'PX', ttl_ms)");
 * const { lua, args } = HOLD({ token: "t", ttl_ms: 60_000 });
 */
export function script<const Args extends Record<string, Kind>>(args: Args, body: string): Script<Args> {
  const names = Object.keys(args);
  const values = names.map((name, n) =>
    args[name] === "number" ? `tonumber(ARGV[${n + 1}])` : `ARGV[${n + 1}]`,
  );
  const locals = names.length > 0 ? `local ${names.join(", ")} = ${values.join(", ")}` : "";
  const lua = tidy(`${KEY_LOCALS}\n${locals}\nlocal FIRST = ${names.length + 1}\n${body}`);
  const call = (given: Values<Args>, standings: readonly Standing[] = []): ScriptCall => ({
    lua,
    args: [...names.map((name) => given[name] as string | number), ...standings.flatMap(fieldsOf)],
  });
  return Object.assign(call, { lua });
}

/** The fields of a standing in ARGV, as locals `id, rev, kind, score, row` of a loop over all of them. */
export const EACH_STANDING = `for i = FIRST, #ARGV, 5 do
  local id, rev, kind, score, row = unpack(ARGV, i, i + 4)`;

function fieldsOf(standing: Standing): [number, number, string, number | string, string] {
  const { id, rev, kind } = standing;
  if (kind === "gone") return [id, rev, kind, "", ""];
  // A score that begins with `~` is from now on, by Redis's clock.
  const score = standing.inMs === undefined ? standing.atMs : `~${standing.inMs}`;
  const row = "task" in standing && standing.task ? JSON.stringify(standing.task) : "";
  return [id, rev, kind, score, row];
}

/** Without indentation and comments, which would travel with every request. */
function tidy(lua: string): string {
  return lua
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith("--"))
    .join("\n");
}
