import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { prefixOf, useWires } from "#aws";
import { type Config, type Environment, type Logger, readConfig } from "#core";
import { openRedis, type RedisBackend } from "../drivers/ioredis.ts";
import { openPg } from "../drivers/pg.ts";
import { createMemoryRedis, createMemoryRequester } from "../memory-redis/index.ts";
import { openEmbeddedPostgres, postgresFolder } from "./embedded-postgres.ts";
import { lockFolder } from "./folder-lock.ts";
import { answerNeon, type Backend, forgetNeon } from "./neon-wire.ts";
import { createTimerDoorbell, type TimerDoorbell } from "./timers.ts";

/** What the functions stand on when everything runs on one machine. */
export interface Stack {
  config: Config;
  apiKey: string;
  doorbell: TimerDoorbell;
  /** The embedded Postgres: an earlier process that ran tasks on it is dead. */
  embedded: boolean;
  close(): Promise<void>;
}

export interface StackOptions {
  env: Environment;
  log: Logger;
  /** Calls the function `tick`. */
  tick: Parameters<typeof createTimerDoorbell>[0];
}

/**
 * Opens Postgres and Redis, embedded or real, and has the functions of this process use them.
 *
 * @throws ConfigError with one line when a value in the environment is not acceptable, or the data folder is in use
 */
export async function openStack({ env, log, tick }: StackOptions): Promise<Stack> {
  const config = readConfig(env, log);
  mkdirSync(config.dataDir, { recursive: true });
  const embedded = config.databaseUrl === undefined;
  const unlock = embedded ? lockFolder(config.dataDir) : undefined;
  let postgres: Backend | undefined;
  try {
    postgres =
      config.databaseUrl === undefined
        ? await openEmbeddedPostgres(postgresFolder(config.dataDir))
        : openPg(config.databaseUrl);
    const redis = openRedisOf(config);
    const databaseUrl = answerNeon(embedded ? "embedded" : "server", postgres);
    const apiKey = config.apiKey ?? keptApiKey(config.dataDir);
    const doorbell = createTimerDoorbell(tick, log);
    useWires({
      env: {
        // On one machine, services that run beside this one are what one wants to reach.
        HTTP_REQUEST_ALLOW: "localhost,127.0.0.0/8,::1",
        ...env,
        DATABASE_URL: databaseUrl,
        CACHE_REDIS_URL: "https://redis.tickwork.invalid",
        CACHE_REDIS_TOKEN: "local",
        API_KEY: apiKey,
      },
      log,
      doorbell,
      prefix: prefixOf(config.databaseUrl ?? databaseUrl),
      redis: (request) => redis.answer(request) as never,
    });
    const opened = postgres;
    return {
      config,
      apiKey,
      doorbell,
      embedded,
      async close() {
        await doorbell.stop();
        useWires(undefined);
        forgetNeon(databaseUrl);
        await Promise.all([opened.close(), redis.close()]);
        unlock?.();
      },
    };
  } catch (error) {
    await postgres?.close();
    unlock?.();
    throw error;
  }
}

/** A real Redis, Upstash itself, or the embedded one. */
function openRedisOf({ redisUrl }: Config): RedisBackend {
  if (redisUrl) return openRedis(redisUrl);
  const answer = createMemoryRequester(createMemoryRedis({}));
  return { answer, close: async () => {} };
}

/** A key of this folder's own, made once. */
function keptApiKey(dataDir: string): string {
  const path = join(dataDir, "api-key");
  if (!existsSync(path))
    writeFileSync(path, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  return readFileSync(path, "utf8").trim();
}
