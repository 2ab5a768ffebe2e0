/** Tickwork on AWS, built from the environment that the deployment gives its functions. */
import {
  type Config,
  ConfigError,
  createDatabase,
  createLogger,
  createRedisCommands,
  createTickwork,
  type Database,
  type Definitions,
  type Environment,
  hooks,
  type Logger,
  type PostgresDriver,
  type RedisCommands,
  readConfig,
  systemClock,
  type Tickwork,
} from "#core";
import { install, installed } from "../core/current.ts";
import { prefixOf } from "../core/gate/prefix.ts";
import { DEFAULT_TIMEOUT_MS, LAMBDA_LIMIT_MS } from "../core/limits.ts";
import { openPostgres, openRedis } from "../drivers/open.ts";
import type { PgOptions } from "../drivers/pg.ts";
import { createAwsDoorbell } from "./doorbell.ts";
import { createEmbeddedMetrics } from "./embedded-metrics.ts";

/**
 * A sandbox serves one call at a time, and a server of Postgres has few connections to give. The one is kept for the
 * next call, unless that comes so late that a network between may have forgotten it: a NAT gateway does so after 350
 * seconds. It is encrypted unless the address says otherwise, because RDS takes no other.
 */
const CONNECTIONS: PgOptions = { poolSize: 1, idleMs: 300_000, sslmode: "verify-full" };

/** Values that are not in the environment in the clear: a function asks for those that it needs. */
export type Secrets = (config: Pick<Config, "cacheEnabled">, env: Environment) => Environment;

/**
 * The Tickwork of this process, built at the first call: what the functions call. Where another was installed before,
 * as on one machine, it is that one.
 *
 * @throws ConfigError with one line when a value in the environment is missing or not acceptable
 * @example const { worker } = await runtime(definitions, postgres, redis);
 */
export async function runtime(definitions: Definitions, ...secrets: Secrets[]): Promise<Tickwork> {
  const running = installed();
  if (running) return running;
  building ??= build(definitions, withSecrets(secrets));
  // A failure is not remembered: the next call tries again.
  building.catch(() => {
    building = undefined;
  });
  return building;
}

let building: Promise<Tickwork> | undefined;

/** Postgres alone, for what needs nothing else: the migrations of a deployment. The caller closes it. */
export async function postgresOnly(
  ...secrets: Secrets[]
): Promise<{ database: Database; log: Logger; close(): Promise<void> }> {
  const env = withSecrets(secrets);
  const driver = await openDriver(readConfig(env));
  return { database: createDatabase(driver, systemClock), log: jsonLog(env), close: () => driver.close() };
}

function withSecrets(secrets: readonly Secrets[]): Environment {
  const config = readConfig(process.env);
  return Object.assign({ ...process.env }, ...secrets.map((secret) => secret(config, process.env)));
}

async function build(definitions: Definitions, env: Environment): Promise<Tickwork> {
  const log = jsonLog(env);
  const config = readConfig(env, log);
  const named = (name: string) => {
    const value = env[name];
    if (!value) throw new ConfigError(`${name} must be set, got nothing; the deployment sets it.`);
    return value;
  };
  const doorbell = createAwsDoorbell({
    tickArn: named("TICK_ARN"),
    groupName: named("SCHEDULE_GROUP"),
    roleArn: named("SCHEDULE_ROLE_ARN"),
    deadLetterArn: env.DEAD_LETTER_ARN,
    log,
  });
  const tickwork = createTickwork({
    config,
    log,
    database: createDatabase(await openDriver(config), systemClock),
    redis: await connectRedis(config),
    doorbell,
    definitions,
    hooks,
    prefix: prefixOf(config.databaseUrl ?? ""),
    // A tick may have slept before, and needs its time to stop afterwards.
    timeoutLimitMs: Math.min(
      DEFAULT_TIMEOUT_MS,
      LAMBDA_LIMIT_MS - doorbell.earlyMs - config.shutdownWaitSeconds * 1000,
    ),
    metrics: createEmbeddedMetrics({ service: env.TICKWORK_SERVICE ?? "tickwork", write: writeLine }),
  });
  // Sent where a function has an extension, before its sandbox goes away.
  process.once("SIGTERM", () => void tickwork.worker.shutdown());
  install(tickwork);
  return tickwork;
}

async function openDriver({ databaseUrl }: Config): Promise<PostgresDriver> {
  if (!databaseUrl)
    throw new ConfigError("DATABASE_URL must be an address that begins with postgres://, got nothing.");
  return openPostgres(databaseUrl, CONNECTIONS);
}

async function connectRedis({
  cacheEnabled,
  redisUrl,
  redisToken,
}: Config): Promise<RedisCommands | undefined> {
  if (!cacheEnabled) return undefined;
  if (!redisUrl)
    throw new ConfigError("CACHE_REDIS_URL must be set, or CACHE_ENABLED must be false; got nothing.");
  return createRedisCommands(await openRedis(redisUrl, redisToken));
}

/** Past the console, which Lambda wraps: a line that is JSON already stays as it is, and metrics are read from it. */
const writeLine = (line: string) => void process.stdout.write(`${line}\n`);

function jsonLog({ DEBUGGING, TICKWORK_SERVICE, AWS_LAMBDA_FUNCTION_NAME }: Environment): Logger {
  const fields = { service: TICKWORK_SERVICE, function: AWS_LAMBDA_FUNCTION_NAME };
  return createLogger({ level: DEBUGGING === "true" ? "debug" : "info", write: writeLine, fields });
}
