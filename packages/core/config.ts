import { ConfigError, mustBe } from "./errors.ts";
import { CACHE_LIMIT_MAX, RATE_LIMIT_MAX, RETENTION_DAYS_MAX } from "./limits.ts";
import type { Logger } from "./log.ts";

/** What users may set, by environment variables. */
export interface Config {
  /** `DATABASE_URL`: a Neon or any other Postgres address; absent means the embedded one. */
  databaseUrl: string | undefined;
  /** `CACHE_REDIS_URL`: Upstash's `https://` address, or of any other `redis://` or `rediss://`; absent: the embedded one. */
  redisUrl: string | undefined;
  /** `CACHE_REDIS_TOKEN`: Upstash's REST token. */
  redisToken: string | undefined;
  /** `CACHE_ENABLED`: false works on Postgres alone. */
  cacheEnabled: boolean;
  /** `TASK_LIST_REFRESH_INTERVAL`: seconds between two refreshes of the cache. */
  refreshIntervalSeconds: number;
  /**
   * `TASK_MAX_UNSEEN_TIME`: seconds that rows written without Tickwork may stay unseen. From twice the interval on,
   * refreshes leave Postgres asleep while the cache can vouch for itself.
   */
  maxUnseenSeconds: number;
  /** `TASK_SHUTDOWN_WAIT_TIME`: seconds that a running task gets when its process has to stop. */
  shutdownWaitSeconds: number;
  /** `TASK_CONCURRENCY`: how many tasks run at a time, everywhere. */
  concurrency: number;
  /** `TASK_RUNNING_TTL`: seconds that a flag and a lease live without renewal. */
  runningTtlSeconds: number;
  /** `TASK_CACHE_LIMIT`: tasks in the cache at most, the earliest ones. */
  cacheLimit: number;
  /** `TASK_MAX_CRASHES`: how many workers may die while they run a task before it ends in `Error`. */
  maxCrashes: number;
  /** `TASK_RETENTION_DAYS`: days after which refreshes delete finished tasks; absent: never. */
  retentionDays: number | undefined;
  /** `TASK_ERROR_RETENTION_DAYS`: the same for tasks that ended in `Error`. */
  errorRetentionDays: number | undefined;
  /** `API_KEY`: what callers of the HTTP API send as `Authorization: Bearer …`. */
  apiKey: string | undefined;
  /** `API_ORIGINS`: the origins whose pages may call the HTTP API from a browser, comma separated. */
  apiOrigins: string[];
  /** `API_LIMIT_PER_KEY`: requests a minute that a key may send; absent: any number. */
  apiLimitPerKey: number | undefined;
  /** `API_LIMIT_PER_ADDRESS`: the same for an address of IPv4, or a /64 of IPv6. */
  apiLimitPerAddress: number | undefined;
  /** `API_LIMIT_FAILURE`: whether requests are admitted (`open`) or refused (`closed`) while they cannot be counted. */
  apiLimitFailure: "open" | "closed";
  /** `HOST`: the address that the single-process server listens at. Where others reach it, `API_KEY` must be set. */
  host: string;
  /** `PORT`: where the single-process server listens. */
  port: number;
  /** `DATA_DIR`: where the embedded Postgres and temporary files live. */
  dataDir: string;
  /** `HTTP_REQUEST_ALLOW`: addresses that `http_request` may reach although they are private, comma separated. */
  httpRequestAllow: string[];
  /** `DEBUGGING`: log everything. */
  debugging: boolean;
}

/** Every default, declared once. */
export const DEFAULTS = {
  cacheEnabled: true,
  refreshIntervalSeconds: 600,
  shutdownWaitSeconds: 30,
  concurrency: 1,
  runningTtlSeconds: 60,
  cacheLimit: 10_000,
  maxCrashes: 3,
  apiLimitFailure: "open",
  host: "127.0.0.1",
  port: 3000,
  dataDir: ".tickwork",
  debugging: false,
} as const satisfies Partial<Config>;

/** With a longer interval, tasks could become due before any refresh has seen them. */
export const MAX_REFRESH_INTERVAL_SECONDS = 10_800;

/**
 * With more, a task could become due before a refresh has seen it: processes without this setting tell the cache of
 * what is due within four hours.
 */
export const MAX_UNSEEN_SECONDS = 14_400;

export const LIMITS_NEED_REDIS =
  "CACHE_ENABLED must be true where API_LIMIT_PER_KEY or API_LIMIT_PER_ADDRESS is set, got false; requests are counted in Redis.";

/** Waits of more than a day are a mistake, and a few weeks are more than a timer can hold. */
const DAY_SECONDS = 86_400;

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration. Empty values count as absent.
 *
 * @param log is warned about values that are changed
 * @throws ConfigError with one line: the variable, what it must be, what it was
 * @example readConfig({ TASK_CONCURRENCY: "4" }).concurrency; // 4
 */
export function readConfig(env: Environment, log?: Pick<Logger, "warn">): Config {
  const text = (name: string) => env[name]?.trim() || undefined;
  const whole = (name: string, fallback: number, min: number, max?: number) => {
    const value = text(name);
    if (value === undefined) return fallback;
    if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > (max ?? Number.POSITIVE_INFINITY))
      refuse(name, value, `a whole number from ${min}${max === undefined ? "" : ` to ${max}`}`);
    return Number(value);
  };
  const days = (name: string) =>
    text(name) === undefined ? undefined : whole(name, 0, 1, RETENTION_DAYS_MAX);
  const flag = (name: string, fallback: boolean) => {
    const value = text(name)?.toLowerCase();
    if (value === undefined) return fallback;
    if (value === "true" || value === "1") return true;
    if (value === "false" || value === "0") return false;
    return refuse(name, value, "true or false");
  };
  const address = (name: string, schemes: readonly string[]) => {
    const value = text(name);
    return value === undefined ? undefined : addressOf(name, value, schemes);
  };
  const limit = (name: string) => (text(name) === undefined ? undefined : whole(name, 0, 1, RATE_LIMIT_MAX));
  const failure = (name: string) => {
    const value = text(name) ?? DEFAULTS.apiLimitFailure;
    return value === "open" || value === "closed" ? value : refuse(name, value, "open or closed");
  };
  const list = (name: string) =>
    (text(name) ?? "")
      .split(",")
      .map((entry) => entry.trim())
      .filter(Boolean);
  const secret = (name: string) => {
    const value = text(name);
    if (value !== undefined && !isSecret(value))
      throw new ConfigError(`${name} must be ${SECRET_ACCEPTED}, got something else.`);
    return value;
  };

  const config: Config = {
    databaseUrl: address("DATABASE_URL", POSTGRES_SCHEMES),
    redisUrl: address("CACHE_REDIS_URL", REDIS_SCHEMES),
    redisToken: secret("CACHE_REDIS_TOKEN"),
    cacheEnabled: flag("CACHE_ENABLED", DEFAULTS.cacheEnabled),
    refreshIntervalSeconds: whole("TASK_LIST_REFRESH_INTERVAL", DEFAULTS.refreshIntervalSeconds, 1),
    maxUnseenSeconds: whole("TASK_MAX_UNSEEN_TIME", 0, 1, MAX_UNSEEN_SECONDS),
    shutdownWaitSeconds: whole("TASK_SHUTDOWN_WAIT_TIME", DEFAULTS.shutdownWaitSeconds, 0, DAY_SECONDS),
    concurrency: whole("TASK_CONCURRENCY", DEFAULTS.concurrency, 1, 1_000),
    runningTtlSeconds: whole("TASK_RUNNING_TTL", DEFAULTS.runningTtlSeconds, 2, DAY_SECONDS),
    cacheLimit: whole("TASK_CACHE_LIMIT", DEFAULTS.cacheLimit, 1, CACHE_LIMIT_MAX),
    maxCrashes: whole("TASK_MAX_CRASHES", DEFAULTS.maxCrashes, 0, 1_000),
    retentionDays: days("TASK_RETENTION_DAYS"),
    errorRetentionDays: days("TASK_ERROR_RETENTION_DAYS") ?? days("TASK_RETENTION_DAYS"),
    apiKey: secret("API_KEY"),
    apiOrigins: list("API_ORIGINS").map(originOf),
    apiLimitPerKey: limit("API_LIMIT_PER_KEY"),
    apiLimitPerAddress: limit("API_LIMIT_PER_ADDRESS"),
    apiLimitFailure: failure("API_LIMIT_FAILURE"),
    host: text("HOST") ?? DEFAULTS.host,
    port: whole("PORT", DEFAULTS.port, 0, 65_535),
    dataDir: text("DATA_DIR") ?? DEFAULTS.dataDir,
    httpRequestAllow: list("HTTP_REQUEST_ALLOW"),
    debugging: flag("DEBUGGING", DEFAULTS.debugging),
  };
  if (config.refreshIntervalSeconds > MAX_REFRESH_INTERVAL_SECONDS) {
    log?.warn(
      `TASK_LIST_REFRESH_INTERVAL is ${config.refreshIntervalSeconds} and becomes ${MAX_REFRESH_INTERVAL_SECONDS}: ` +
        "more than 3 hours could miss tasks.",
    );
    config.refreshIntervalSeconds = MAX_REFRESH_INTERVAL_SECONDS;
  }
  if (!config.cacheEnabled && (config.apiLimitPerKey ?? config.apiLimitPerAddress))
    throw new ConfigError(LIMITS_NEED_REDIS);
  // No refresh comes sooner.
  config.maxUnseenSeconds = Math.max(config.maxUnseenSeconds, config.refreshIntervalSeconds);
  return config;
}

/** How addresses begin that `openPostgres` and `openRedis` of the drivers take. */
export const POSTGRES_SCHEMES = ["postgres", "postgresql"];
export const REDIS_SCHEMES = ["https", "http", "redis", "rediss"];

/**
 * Checks the address of a server.
 *
 * @throws ConfigError with one line, which begins with `name` and has nothing of the address but its scheme
 */
export function addressOf(name: string, value: string, schemes: readonly string[]): string {
  const accepted = schemes.map((scheme) => `${scheme}://`);
  // The value usually has a password in it, so it is not repeated.
  const beginning = /^[a-z][a-z0-9+.-]*:\/\//i.exec(value)?.[0].toLowerCase() ?? "no address";
  if (!accepted.includes(beginning))
    throw new ConfigError(
      `${name} must be an address that begins with ${accepted.join(" or ")}, got ${beginning}.`,
    );
  if (!isReadable(value))
    throw new ConfigError(
      `${name} must be an address like ${beginning}user:password@host:port/database, got one that cannot be read; ` +
        "in user and password, each of / ? # % is written as % and two digits.",
    );
  return value;
}

/** As browsers write it: https://app.example.com, without a slash at the end. */
function originOf(given: string): string {
  if (/^https?:\/\//.test(given) && URL.canParse(given) && new URL(given).origin === given) return given;
  return refuse("API_ORIGINS", given, "origins such as https://app.example.com, separated by commas");
}

/** What callers can send in a header. */
export const isSecret = (value: string): boolean => /^[\x21-\x7e]+$/.test(value);
export const SECRET_ACCEPTED = "letters, digits and signs of ASCII, without blanks";

/** Whether an address has parts and each sign is in the part that it is meant for. */
function isReadable(address: string): boolean {
  try {
    const { username, password, pathname, hash, search } = new URL(address);
    // A / ? or # in a password ends the host before its @.
    if (hash !== "" || `${pathname}${search}`.includes("@")) return false;
    for (const part of [username, password, pathname]) decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

function refuse(name: string, value: string, accepted: string): never {
  throw new ConfigError(`${name} ${mustBe(accepted, value)}.`);
}
