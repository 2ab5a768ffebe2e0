import { quote, type Tickwork } from "#core";
import { refusal } from "./refusals.ts";
import { inUse } from "./tickwork.ts";

/** A cache of values that are JSON, beside Tickwork's own keys. */
export interface CompatCache {
  /** Null when there is nothing, or not any more. */
  get(key: string): Promise<unknown>;
  /** @param ttlSeconds absent: until it is deleted, or Redis needs the room */
  set(key: string, value: unknown, ttlSeconds?: number): Promise<void>;
  /** Whether it was there. */
  delete(key: string): Promise<boolean>;
  del(key: string): Promise<boolean>;
}

/** What there is in memory at most; the oldest go first. */
const MEMORY_LIMIT = 10_000;

/**
 * The cache of Baasix: values in Tickwork's Redis, under keys of their own. With CACHE_ENABLED=false they live in the
 * memory of this process: other processes do not see them, they are gone when it ends, and of more than 10,000 the oldest go.
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
    if (text === undefined) throw refusal("value", `${quote(value)} is not accepted; any JSON is`);
    if (ttlSeconds !== undefined && !(Number.isInteger(ttlSeconds) && ttlSeconds > 0))
      throw refusal("ttlSeconds", `${quote(ttlSeconds)} is not accepted; whole seconds from 1 are`);
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
  const living = (key: string) => {
    const entry = entries.get(key);
    if (!entry || entry.endsAtMs > Date.now()) return entry;
    entries.delete(key);
    return undefined;
  };
  return {
    get: async (key) => living(key)?.text ?? null,
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
      const there = living(key) !== undefined;
      entries.delete(key);
      return there;
    },
  };
}
