import type { Tickwork } from "#core";
import { mustBe, refusal } from "../core/errors.ts";
import { inUse } from "./tickwork.ts";

/** A cache of JSON values, next to Tickwork's own keys. */
export interface CompatCache {
  /** Null if there is nothing, or it has expired. */
  get(key: string): Promise<unknown>;
  /** @param ttlSeconds whole seconds; absent: until it is deleted, or Redis evicts it */
  set(key: string, value: unknown, ttlSeconds?: number): Promise<void>;
  /** Returns whether it was there. */
  delete(key: string): Promise<boolean>;
  del(key: string): Promise<boolean>;
}

/** Entries in memory at most; the oldest go first. */
const MEMORY_LIMIT = 10_000;

/**
 * Baasix's cache: values in Tickwork's Redis, under keys of their own. With CACHE_ENABLED=false they live in the memory
 * of this process: no other process sees them, they are gone when it ends, and it keeps the latest 10,000.
 *
 * @throws RedisError, from each method, when Redis does not answer
 * @example await getCache().set("rates", { EUR: 1.1 }, 60);
 */
export function getCache(): CompatCache {
  return cache;
}

const cache: CompatCache = {
  async get(key) {
    const text = await storeOf(inUse()).get(key);
    return text === null ? null : JSON.parse(text);
  },
  async set(key, value, ttlSeconds) {
    const text = JSON.stringify(value);
    if (text === undefined) throw refusal("value", mustBe("JSON", value));
    if (ttlSeconds !== undefined && !(Number.isInteger(ttlSeconds) && ttlSeconds > 0))
      throw refusal("ttlSeconds", mustBe("whole seconds from 1", ttlSeconds));
    await storeOf(inUse()).set(key, text, ttlSeconds);
  },
  delete: async (key) => storeOf(inUse()).remove(key),
  del: async (key) => storeOf(inUse()).remove(key),
};

/** Texts by key. */
interface TextStore {
  get(key: string): Promise<string | null>;
  set(key: string, text: string, ttlSeconds: number | undefined): Promise<void>;
  remove(key: string): Promise<boolean>;
}

const memories = new WeakMap<Tickwork, TextStore>();

function storeOf(tickwork: Tickwork): TextStore {
  const { redis, prefix } = tickwork;
  if (redis) {
    const named = (key: string) => `{${prefix}}:cache:${key}`;
    return {
      get: (key) => redis.get(named(key)),
      set: (key, text, ttlSeconds) => redis.set(named(key), text, ttlSeconds),
      remove: (key) => redis.remove(named(key)),
    };
  }
  const memory = memories.get(tickwork) ?? createMemory();
  memories.set(tickwork, memory);
  return memory;
}

function createMemory(): TextStore {
  const entries = new Map<string, { text: string; endsAtMs: number }>();
  const find = (key: string) => {
    const entry = entries.get(key);
    if (!entry || entry.endsAtMs > Date.now()) return entry;
    entries.delete(key);
    return undefined;
  };
  return {
    get: async (key) => find(key)?.text ?? null,
    set: async (key, text, ttlSeconds) => {
      entries.delete(key);
      entries.set(key, {
        text,
        endsAtMs: ttlSeconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + ttlSeconds * 1000,
      });
      const [oldest] = entries.keys();
      if (entries.size > MEMORY_LIMIT && oldest !== undefined) entries.delete(oldest);
    },
    remove: async (key) => {
      const found = find(key) !== undefined;
      entries.delete(key);
      return found;
    },
  };
}
