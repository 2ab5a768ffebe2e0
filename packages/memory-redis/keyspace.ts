import { RedisError } from "./reply.ts";
import { createSortedSet, type SortedSet } from "./sorted-set.ts";

/** The value of a key, by its type. */
interface ValueByType {
  string: string;
  hash: Map<string, string>;
  zset: SortedSet;
}

type ValueType = keyof ValueByType;

interface Entry {
  readonly type: ValueType;
  readonly value: ValueByType[ValueType];
  /** Milliseconds since 1970; infinite for a key that does not expire. */
  expiresAtMs: number;
}

/** Keys, their values and when they expire. An expired key is gone for every method here. */
export type Keyspace = ReturnType<typeof createKeyspace>;

/** An empty keyspace on this clock. */
export function createKeyspace(clock: () => number) {
  const entries = new Map<string, Entry>();
  const expiringKeys = new Set<string>();
  const calls = new Map<string, number>();
  let nowMs = 0;

  /** The time of the running command, in milliseconds since 1970. */
  const now = (): number => nowMs;

  /** Counts a command that runs, in a script or not. */
  const count = (name: string): void => void calls.set(name, (calls.get(name) ?? 0) + 1);

  /** Reads the clock, and drops the next key in turn that has expired without being asked for. */
  function beginCommand(): void {
    nowMs = Math.floor(clock());
    const [key] = expiringKeys;
    if (key === undefined || find(key) === undefined) return;
    expiringKeys.delete(key);
    expiringKeys.add(key);
  }

  const has = (key: string): boolean => find(key) !== undefined;

  /** Whether there is such a key, of this type. */
  const holds = (key: string, type: ValueType): boolean => find(key)?.type === type;

  function find(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (entry === undefined || entry.expiresAtMs > nowMs) return entry;
    drop(key);
    return undefined;
  }

  function drop(key: string): boolean {
    expiringKeys.delete(key);
    return entries.delete(key);
  }

  /** @throws RedisError (WRONGTYPE) when the key holds another type */
  function read<T extends ValueType>(key: string, type: T): ValueByType[T] | undefined {
    const entry = find(key);
    if (entry === undefined) return undefined;
    if (entry.type !== type)
      throw new RedisError("WRONGTYPE Operation against a key holding the wrong kind of value");
    // `type` says which of the values it is; TypeScript does not tie the two together for a generic T.
    return entry.value as ValueByType[T];
  }

  /** Like `read`, but makes what is missing. The caller must put something in it. */
  function readOrCreate<T extends "hash" | "zset">(key: string, type: T): ValueByType[T] {
    const existing = read(key, type);
    if (existing !== undefined) return existing;
    const value = (type === "hash" ? new Map() : createSortedSet()) as ValueByType[T];
    entries.set(key, { type, value, expiresAtMs: Infinity });
    return value;
  }

  /** Replaces whatever is there. */
  function writeString(key: string, value: string, expiresAtMs = Infinity): void {
    drop(key);
    entries.set(key, { type: "string", value, expiresAtMs });
    if (expiresAtMs < Infinity) expiringKeys.add(key);
  }

  /** A time that has passed removes the key. Answers false when there is no such key. */
  function setExpiry(key: string, atMs: number): boolean {
    const entry = find(key);
    if (entry === undefined) return false;
    entry.expiresAtMs = atMs;
    expiringKeys.add(key);
    return true;
  }

  /** Removes fields or members, and the key with the last of them. Answers how many were there. */
  function removeMembers(key: string, type: "hash" | "zset", members: readonly string[]): number {
    const container = read(key, type);
    const removed = members.filter((member) => container?.delete(member)).length;
    if (container?.size === 0) drop(key);
    return removed;
  }

  function clear(): void {
    entries.clear();
    expiringKeys.clear();
    calls.clear();
  }

  return {
    now,
    count,
    /** How often each command has run, by its name in small letters. */
    calls: calls as ReadonlyMap<string, number>,
    beginCommand,
    has,
    holds,
    read,
    readOrCreate,
    writeString,
    removeMembers,
    setExpiry,
    /** Undefined when there is no such key, infinite when it does not expire. */
    expiresAtMs: (key: string): number | undefined => find(key)?.expiresAtMs,
    /** Answers false when the key was not there. */
    remove: (key: string): boolean => has(key) && drop(key),
    keys: (): string[] => [...entries.keys()].filter(has),
    clear,
  };
}
