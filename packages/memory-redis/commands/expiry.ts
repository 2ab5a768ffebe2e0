import { type CommandTable, command, type Handler } from "../command.ts";
import { invalidExpireTime } from "../errors.ts";
import { parseInteger } from "../integers.ts";
import type { Keyspace } from "../keyspace.ts";
import { RedisError, type Reply } from "../reply.ts";

type Unit = "seconds" | "milliseconds";

/** 2^63 - 1 as a double; times beyond it do not fit Redis's clock. */
const LATEST_MS = 2 ** 63;

/**
 * Milliseconds since 1970 for an expiry argument, relative to `fromMs`.
 * @throws RedisError naming `command` when the time does not fit 64 bits of milliseconds
 */
export function expiryMs(command: string, amount: number, unit: Unit, fromMs: number): number {
  const lengthMs = unit === "seconds" ? amount * 1000 : amount;
  if (lengthMs < -LATEST_MS || lengthMs + fromMs >= LATEST_MS) throw invalidExpireTime(command);
  return lengthMs + fromMs;
}

/** EXPIRE and its three sisters. */
const expire =
  (name: string, unit: Unit, isAbsolute: boolean): Handler =>
  (keyspace: Keyspace, key: string, amount: string, ...options: string[]): Reply => {
    const allows = parseConditions(options);
    const atMs = expiryMs(name, parseInteger(amount), unit, isAbsolute ? 0 : keyspace.now());
    if (keyspace.typeOf(key) === undefined) return 0;
    if (!allows(keyspace.expiresAtMs(key), atMs)) return 0;
    keyspace.setExpiry(key, atMs);
    return 1;
  };

type Condition = (currentMs: number | undefined, atMs: number) => boolean;

const CONDITIONS: Readonly<Record<string, Condition>> = {
  NX: (currentMs) => currentMs === undefined,
  XX: (currentMs) => currentMs !== undefined,
  // No expiry counts as an infinite one.
  GT: (currentMs, atMs) => atMs > (currentMs ?? Infinity),
  LT: (currentMs, atMs) => atMs < (currentMs ?? Infinity),
};

function parseConditions(options: readonly string[]): Condition {
  const names = new Set<string>();
  for (const option of options) {
    if (!Object.hasOwn(CONDITIONS, option.toUpperCase())) {
      throw new RedisError(`ERR Unsupported option ${option}`);
    }
    names.add(option.toUpperCase());
  }
  if (names.has("NX") && names.size > 1) {
    throw new RedisError("ERR NX and XX, GT or LT options at the same time are not compatible");
  }
  if (names.has("GT") && names.has("LT")) {
    throw new RedisError("ERR GT and LT options at the same time are not compatible");
  }
  return (currentMs, atMs) => [...names].every((name) => CONDITIONS[name]?.(currentMs, atMs));
}

/** Milliseconds left; -1 for a key that does not expire, -2 for no key. */
function remainingMs(keyspace: Keyspace, key: string): number {
  if (keyspace.typeOf(key) === undefined) return -2;
  const atMs = keyspace.expiresAtMs(key);
  return atMs === undefined ? -1 : atMs - keyspace.now();
}

function ttl(keyspace: Keyspace, key: string): Reply {
  const ms = remainingMs(keyspace, key);
  return ms < 0 ? ms : Math.floor((ms + 500) / 1000);
}

function persist(keyspace: Keyspace, key: string): Reply {
  if (keyspace.expiresAtMs(key) === undefined) return 0;
  keyspace.setExpiry(key, undefined);
  return 1;
}

export const expiryCommands: CommandTable = {
  EXPIRE: command(-3, expire("expire", "seconds", false)),
  PEXPIRE: command(-3, expire("pexpire", "milliseconds", false)),
  EXPIREAT: command(-3, expire("expireat", "seconds", true)),
  PEXPIREAT: command(-3, expire("pexpireat", "milliseconds", true)),
  TTL: command(2, ttl),
  PTTL: command(2, remainingMs),
  PERSIST: command(2, persist),
};
