/**
 * The keys of a deployment, in the order in which every script gets them; the flags follow, one a slot. The names on
 * the left are those in Lua.
 *
 * - `waiting`: sorted set, a waiting task's id at its due time; and first of all, at -infinity, the marker: `*`, "this is
 *   the whole window", or `*` and the first due time that was left out
 * - `running`: sorted set, a running task's id at the end of its lease
 * - `revs`: hash, id → `rev:sequence:kind`, of all ids above and of those in `gone`; a `+` follows if the row is cached
 * - `rows`: hash, id → the row as JSON, of a waiting task with little data; the rest is read from Postgres
 * - `gone`: sorted set, the id of a task that was removed lately, at the time when it may be forgotten: an older write
 *   that comes late meets its rev and changes nothing
 * - `state`: hash, `sequence` (grows with each write), `trimmed` (the sequence when the limit last cut), `refreshed` (ms),
 *   `waiting_for_code` (how many waited for a type that the latest refresh did not know), `began` and `ended` (the
 *   sequences of the refreshes that did so last), `read` (ms, when the latest one began to read), `basis` (who read) and
 *   `doubted` (the sequence when something was told that may have been out of date, or not all)
 * - `foreign`: sorted set, the id of a waiting task that another program runs, at its due time; listed, never started
 * - `sleeper`: string with TTL, `wake-up ms|token`
 * - the flag of a slot: string with TTL, the holder's token
 *
 * The sleeper and the flags come last, to be read together. Ticks of another version know them, too; what is cached has
 * the version of its format in the names of its keys, so that each version has a cache of its own.
 */
const CACHE_KEYS = {
  waiting: "waiting",
  running: "running",
  revs: "rev",
  rows: "task",
  gone: "gone",
  state: "state",
  foreign: "foreign",
} as const;
const KEYS = { ...CACHE_KEYS, sleeper: "sleeper" } as const;

const FORMAT = "v2";

/** The members of `waiting` that say where the window ends begin with it. */
export const MARKER = "*";

/** The `basis` where refreshes overlapped: each may have left what the other did not find. */
export const NOT_ALL = "";

/** What each key is called in Lua, in order. */
export const KEY_NAMES: readonly string[] = Object.keys(KEYS);

const cached: ReadonlySet<string> = new Set(Object.values(CACHE_KEYS));

/** A key by the name that it has in Redis. */
export function keyOf(prefix: string, name: string): string {
  return `{${prefix}}:${cached.has(name) ? `${FORMAT}:` : ""}${name}`;
}

/** All keys of a deployment. They share a hash tag, so that a cluster keeps them together. */
export function keysOf(prefix: string, slots: number): string[] {
  const flags = Array.from({ length: slots }, (_, slot) => `flag:${slot}`);
  return [...Object.values(KEYS), ...flags].map((name) => keyOf(prefix, name));
}

/** The key that holds the rows. */
export function rowsKeyOf(prefix: string): string {
  return keyOf(prefix, KEYS.rows);
}
