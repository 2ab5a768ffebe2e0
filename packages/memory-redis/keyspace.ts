import { wrongType } from "./errors.ts";
import { createSortedSet, type SortedSet } from "./sorted-set.ts";

/** The value behind each of the types TYPE can answer. Strings are immutable, the others change in place. */
export interface ValueByType {
  string: string;
  hash: Map<string, string>;
  list: string[];
  set: Set<string>;
  zset: SortedSet;
}

export type ValueType = keyof ValueByType;
export type Container = Exclude<ValueType, "string">;

interface Entry {
  readonly type: ValueType;
  readonly value: ValueByType[ValueType];
  /** Milliseconds since 1970; undefined means never. */
  expiresAtMs: number | undefined;
  /** Grows with every key made. A key keeps it while it lives, which makes it a cursor for SCAN. */
  readonly serial: number;
}

/** Keys, their values and when they expire. An expired key is gone for every method here. */
export interface Keyspace {
  /** The time this command runs at, in milliseconds. It stands still until `beginCommand`. */
  now(): number;
  /** Reads the clock, and drops a few expired keys that nobody asks for any more. */
  beginCommand(): void;
  typeOf(key: string): ValueType | undefined;
  /** @throws RedisError (WRONGTYPE) when the key holds another type */
  read<T extends ValueType>(key: string, type: T): ValueByType[T] | undefined;
  /** Like `read`, but makes an empty one. The caller must put something in it. */
  readOrCreate<T extends Container>(key: string, type: T): ValueByType[T];
  /** Puts a string in place of whatever is there. Its expiry goes unless `keepTtl`. */
  writeString(key: string, value: string, options?: { readonly keepTtl: boolean }): void;
  remove(key: string): boolean;
  /** Undefined when the key does not expire or does not exist. */
  expiresAtMs(key: string): number | undefined;
  /** A time that has passed removes the key. */
  setExpiry(key: string, atMs: number | undefined): void;
  size(): number;
  /** The keys made after the one with this serial, oldest first. */
  keysAfter(serial: number): Iterable<{ readonly key: string; readonly serial: number }>;
  clear(): void;
}

const CREATE: { readonly [T in Container]: () => ValueByType[T] } = {
  hash: () => new Map(),
  list: () => [],
  set: () => new Set(),
  zset: createSortedSet,
};

/** Each command looks at keys with an expiry until it has met this many that live, … */
const SWEEP_LIVE = 2;
/** … or this many in all. A script may leave many behind at once; sweeping them must not take long either. */
const SWEEP_MOST = 100;

/** An empty keyspace on this clock. */
export function createKeyspace(clock: () => number): Keyspace {
  const entries = new Map<string, Entry>();
  const volatileKeys = new Set<string>();
  let sweep = volatileKeys.values();
  let nowMs = 0;
  let lastSerial = 0;

  function find(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (entry?.expiresAtMs === undefined || entry.expiresAtMs > nowMs) return entry;
    remove(key);
    return undefined;
  }

  function remove(key: string): boolean {
    volatileKeys.delete(key);
    return entries.delete(key);
  }

  function sweepSome(): void {
    let live = 0;
    for (let looked = 0; looked < SWEEP_MOST && live < SWEEP_LIVE && volatileKeys.size > 0; looked++) {
      const next = sweep.next();
      if (next.done) sweep = volatileKeys.values();
      else if (find(next.value) !== undefined) live++;
    }
  }

  function sweepAll(): void {
    for (const key of volatileKeys) find(key);
  }

  function read<T extends ValueType>(key: string, type: T): ValueByType[T] | undefined {
    const entry = find(key);
    if (entry === undefined) return undefined;
    if (entry.type !== type) throw wrongType();
    // `type` says which of the values it is; TypeScript does not tie the two together for a generic T.
    return entry.value as ValueByType[T];
  }

  return {
    now: () => nowMs,
    beginCommand() {
      nowMs = Math.floor(clock());
      sweepSome();
    },
    typeOf: (key) => find(key)?.type,
    read,
    readOrCreate(key, type) {
      const existing = read(key, type);
      if (existing !== undefined) return existing;
      const value = CREATE[type]();
      entries.set(key, { type, value, expiresAtMs: undefined, serial: ++lastSerial });
      return value;
    },
    writeString(key, value, options) {
      const old = find(key);
      const expiresAtMs = options?.keepTtl ? old?.expiresAtMs : undefined;
      if (expiresAtMs === undefined) volatileKeys.delete(key);
      entries.set(key, { type: "string", value, expiresAtMs, serial: old?.serial ?? ++lastSerial });
    },
    remove: (key) => find(key) !== undefined && remove(key),
    expiresAtMs: (key) => find(key)?.expiresAtMs,
    setExpiry(key, atMs) {
      const entry = find(key);
      if (entry === undefined) return;
      entry.expiresAtMs = atMs;
      if (atMs === undefined) volatileKeys.delete(key);
      else if (atMs <= nowMs) remove(key);
      else volatileKeys.add(key);
    },
    size() {
      sweepAll();
      return entries.size;
    },
    *keysAfter(serial) {
      sweepAll();
      // A Map iterates in the order its keys were made, so serials only grow along the way.
      for (const [key, entry] of entries) if (entry.serial > serial) yield { key, serial: entry.serial };
    },
    clear() {
      entries.clear();
      volatileKeys.clear();
    },
  };
}
