/**
 * The API keys as this process knows them: all together, so that a key that does not exist asks no database either.
 * They come from Redis, and only when they are not there from Postgres, which a call with a key would otherwise keep
 * awake.
 */
import { randomUUID, timingSafeEqual } from "node:crypto";
import { digestOf } from "../api-key.ts";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { RedisCommands } from "../gate/redis-commands.ts";
import { keyOf } from "../gate/scripts/keys.ts";
import { FORGET_KEYS, HOLD_KEYS, READ_KEYS, WRITE_KEYS } from "../gate/scripts/known-keys.ts";
import type { Script } from "../gate/scripts/script.ts";
import { KEYS_CACHED_SECONDS, KEYS_KNOWN_MS, KEYS_LEASE_MS, KEYS_LOOK_AGAIN_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Database } from "../store/database.ts";
import { allKeys, type StoredKey } from "../store/keys.ts";

export interface KnownKeysDeps {
  database: Database;
  redis: RedisCommands | undefined;
  prefix: string;
  clock: Pick<Clock, "now">;
  log: Logger;
}

/** What this process knows of the keys. */
export interface KnownKeys {
  /** A withdrawn key is found for `KEYS_KNOWN_MS` at most, a new one after `KEYS_LOOK_AGAIN_MS` at most. */
  find(secret: string): Promise<StoredKey | undefined>;
  findById(id: number): Promise<StoredKey | undefined>;
  /** Changes keys in Postgres: nobody goes by what was read before that. */
  changing<T>(change: () => Promise<T>): Promise<T>;
}

/** The format is in the name: each version of it has a list of its own. */
const NAMES = ["keys:v1", "keys:v1:lease"];

export function createKnownKeys({ database, redis, prefix, clock, log }: KnownKeysDeps): KnownKeys {
  const names = NAMES.map((name) => keyOf(prefix, name));
  let known: { keys: readonly StoredKey[]; atMs: number } | undefined;
  let reading: Promise<readonly StoredKey[]> | undefined;
  /** Changes that were made here: what was read before one is not kept. */
  let changes = 0;

  /** Undefined: there is no Redis, or it does not answer. */
  const ask = async <Given, Reply, Answer>(script: Script<Given, Reply, Answer>, given: Given) => {
    try {
      return redis && script.decode(await redis.run<Reply>(script.lua, names, script.encode(given)));
    } catch (error) {
      log.warn("the API keys in Redis cannot be reached", { error: messageOf(error) });
      return undefined;
    }
  };

  const read = async (): Promise<readonly StoredKey[]> => {
    const token = randomUUID();
    const cached = await ask(READ_KEYS, { token, lease_ms: KEYS_LEASE_MS });
    const list = parsed(cached?.list);
    if (list) return list;
    const keys = await allKeys(database);
    if (cached?.mayWrite)
      await ask(WRITE_KEYS, { token, list: JSON.stringify(keys), ttl_seconds: KEYS_CACHED_SECONDS });
    return keys;
  };

  /** The keys as they were so long ago at most. Callers at the same time share a request. */
  const keysSince = async (ageMs: number): Promise<readonly StoredKey[]> => {
    if (known && clock.now() - known.atMs < ageMs) return known.keys;
    const [atMs, before] = [clock.now(), changes];
    const isCurrent = () => before === changes;
    reading ??= read()
      .then((keys) => {
        if (isCurrent()) known = { keys, atMs };
        return keys;
      })
      .finally(() => {
        if (isCurrent()) reading = undefined;
      });
    return reading;
  };

  const findBy = async (is: (key: StoredKey) => boolean) =>
    (await keysSince(KEYS_KNOWN_MS)).find(is) ?? (await keysSince(KEYS_LOOK_AGAIN_MS)).find(is);

  return {
    find(secret) {
      const digest = digestOf(secret);
      // Every key is compared, each in constant time; and what is compared are hashes, which nobody can choose.
      return findBy(({ hash }) => timingSafeEqual(Buffer.from(hash, "hex"), digest));
    },

    findById: (id) => findBy((key) => key.id === id),

    async changing(change) {
      await ask(HOLD_KEYS, { token: randomUUID(), lease_ms: KEYS_LEASE_MS });
      try {
        return await change();
      } finally {
        await ask(FORGET_KEYS, {});
        changes++;
        known = undefined;
        reading = undefined;
      }
    },
  };
}

/** Undefined for what is no list, whoever wrote it. */
function parsed(list: string | undefined): StoredKey[] | undefined {
  try {
    const keys = list === undefined ? undefined : (JSON.parse(list) as unknown);
    return Array.isArray(keys) ? (keys as StoredKey[]) : undefined;
  } catch {
    return undefined;
  }
}
