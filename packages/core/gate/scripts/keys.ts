/**
 * The keys of a deployment, in the order in which every script gets them; the flags follow, one a slot. The names on the
 * left are those in Lua.
 *
 * - `waiting`: sorted set, a waiting task's id at its due time; and the marker `*`, "this is the whole window", at the
 *   first due time that was left out, or at infinity
 * - `running`: sorted set, a running task's id at the end of its lease
 * - `revs`: hash, id → `rev:sequence`, of all ids above and of those in `gone`
 * - `rows`: hash, id → the row as JSON, of a waiting task with little data; the rest is read from Postgres
 * - `gone`: sorted set, the id of a task that was removed lately, at the time when it may be forgotten: an older write
 *   that comes late meets its rev and changes nothing
 * - `state`: hash, `sequence` (grows with each write), `trimmed` (the sequence when the limit last cut), `refreshed` (ms),
 *   `waiting_for_code` (how many waited for a type that the latest refresh did not know)
 * - `sleeper`: string with TTL, `wake-up ms|token`
 * - `foreign`: sorted set, the id of a waiting task that another program runs, at its due time; listed, never started
 * - the flag of a slot: string with TTL, the holder's token
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

/** The member of `waiting` that says where the window ends. */
export const MARKER = "*";

/** What each key is called in Lua, in order. */
export const KEY_NAMES: readonly string[] = Object.keys(KEYS);

const keyOf = (prefix: string, name: string) => `{${prefix}}:${name}`;

/** All keys of a deployment. They share a hash tag, so that a cluster keeps them together. */
export function keysOf(prefix: string, slots: number): string[] {
  const flags = Array.from({ length: slots }, (_, slot) => `flag:${slot}`);
  return [...Object.values(KEYS), ...flags].map((name) => keyOf(prefix, name));
}

/** The key that holds the rows. */
export function rowsKeyOf(prefix: string): string {
  return keyOf(prefix, KEYS.rows);
}
