import { ConfigError, type Doorbell, type Logger } from "#core";
import { addressOf, POSTGRES_SCHEMES, REDIS_SCHEMES } from "../core/config.ts";
import { encryptionKeysOf } from "../core/encryption-keys.ts";
import { needsToken } from "../drivers/addresses.ts";

/** Where the tasks are, and how those that run them are told. */
export interface ConnectOptions {
  /** The servers' `DATABASE_URL`: Neon over HTTP; any other Postgres through the package `pg`. */
  databaseUrl: string;
  /**
   * The servers' `CACHE_REDIS_URL`, where they have one: Upstash over `https://`; any other Redis through the package
   * `ioredis`. Without it, servers are told to ask Postgres, which costs them a refresh.
   */
  redisUrl?: string | undefined;
  /** Upstash's REST token. */
  redisToken?: string | undefined;
  /**
   * The servers' `TASK_ENCRYPTION_KEYS`, where a type is encrypted: its tasks are enqueued by their definition, and
   * their results read, with these.
   */
  encryptionKeys?: string | undefined;
  /** The servers' `TASK_CACHE_LIMIT`, if they have another one. Default 10,000. */
  cacheLimit?: number | undefined;
  /**
   * What makes those that run tasks look at what was enqueued. Default: servers hear of it through Postgres (`NOTIFY`),
   * and where that is Neon, through Redis (`PUBLISH`), so they start it when it is due. With Neon and Upstash there is
   * no default; without one, a server's next refresh finds it.
   */
  doorbell?: Doorbell | undefined;
  /** Default: warnings and errors go to the console. */
  log?: Logger | undefined;
}

/** @throws ConfigError with one line: the option, what it must be, what it was */
export function checkOptions({
  databaseUrl,
  redisUrl,
  redisToken,
  cacheLimit,
  encryptionKeys,
}: ConnectOptions): void {
  // Usually from the environment, and what is missing there is undefined, whatever the compiler was told.
  addressOf("databaseUrl", databaseUrl ?? "", POSTGRES_SCHEMES);
  if (redisUrl !== undefined) addressOf("redisUrl", redisUrl, REDIS_SCHEMES);
  if (redisUrl !== undefined && needsToken(redisUrl) && !redisToken)
    throw new ConfigError("redisToken must be the REST token of redisUrl, got nothing.");
  encryptionKeysOf("encryptionKeys", encryptionKeys ?? "");
  if (cacheLimit !== undefined && !(Number.isInteger(cacheLimit) && cacheLimit > 0))
    throw new ConfigError(`cacheLimit must be a whole number from 1, got ${cacheLimit}.`);
}
