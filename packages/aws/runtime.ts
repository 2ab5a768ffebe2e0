/** The one file that reads the environment and constructs the clients of vendors. */
import { createHash } from "node:crypto";
import { neon } from "@neondatabase/serverless";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { Redis } from "@upstash/redis";
import { systemClock } from "../core/clock.ts";
import { type Config, type Environment, readConfig } from "../core/config.ts";
import { hooks, install, installed } from "../core/current.ts";
import type { Doorbell } from "../core/doorbell/doorbell.ts";
import { ConfigError } from "../core/errors.ts";
import { createRedisCommands } from "../core/gate/redis-commands.ts";
import {
  DEFAULT_TIMEOUT_MS,
  LAMBDA_LIMIT_MS,
  REDIS_RETRIES,
  REDIS_TIMEOUT_MS,
  TRANSIENT_BACKOFF_MAX_MS,
  TRANSIENT_BACKOFF_MS,
} from "../core/limits.ts";
import { createLogger, type Logger } from "../core/log.ts";
import { createEmbeddedMetrics } from "../core/metrics.ts";
import { backoffMs } from "../core/retry.ts";
import { createDatabase, type Database } from "../core/store/database.ts";
import type { TaskDefinition } from "../core/tasks/define-task.ts";
import { createTickwork, type Tickwork } from "../core/tickwork.ts";
import { createAwsDoorbell } from "./doorbell.ts";

/** What stands in for AWS, Neon and Upstash when everything runs on one machine. */
export interface Wires {
  env: Environment;
  log: Logger;
  doorbell: Doorbell;
  /** Begins the keys in Redis: `prefixOf` the database that is really used. */
  prefix: string;
  /** Answers the requests of Upstash's client. */
  redis: Parameters<Redis["use"]>[0];
}

let wires: Wires | undefined;

/** Has `runtime` use these instead of AWS. For one machine, before the first call of `runtime`. */
export function useWires(given: Wires | undefined): void {
  wires = given;
  install(undefined);
}

/** Values that are not in the environment in the clear. Asked for on AWS only. */
export type Secrets = (config: Pick<Config, "cacheEnabled">) => Environment;

/**
 * The Tickwork of this process, built at the first call: what the functions call.
 *
 * @throws ConfigError with one line when a value in the environment is missing or not acceptable
 * @example const { worker } = runtime(definitions, postgres, redis);
 */
export function runtime(
  definitions: readonly TaskDefinition<StandardSchemaV1>[],
  ...secrets: Secrets[]
): Tickwork {
  const running = installed();
  if (running) return running;
  const built = wires ? onOneMachine(definitions, wires) : onAws(definitions, withSecrets(secrets));
  install(built);
  return built;
}

/** Postgres alone, for what needs nothing else: the migrations of a deployment. */
export function postgresOnly(...secrets: Secrets[]): { database: Database; log: Logger } {
  const env = withSecrets(secrets);
  return { database: connectPostgres(readConfig(env)), log: jsonLog(env) };
}

function withSecrets(secrets: readonly Secrets[]): Environment {
  const config = readConfig(process.env);
  return Object.assign({ ...process.env }, ...secrets.map((secret) => secret(config)));
}

function onOneMachine(
  definitions: readonly TaskDefinition<StandardSchemaV1>[],
  { env, log, doorbell, prefix, redis }: Wires,
): Tickwork {
  const config = readConfig(env, log);
  const client = connectRedis(config);
  client?.use(redis);
  return createTickwork({ ...connect(config, client), log, doorbell, definitions, hooks, prefix });
}

function onAws(definitions: readonly TaskDefinition<StandardSchemaV1>[], env: Environment): Tickwork {
  const log = jsonLog(env);
  const config = readConfig(env, log);
  const named = (name: string) => {
    const value = env[name];
    if (!value) throw new ConfigError(`${name} is not set; the deployment sets it.`);
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
    ...connect(config, connectRedis(config)),
    log,
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
  return tickwork;
}

/** A Redis may be shared, by other applications and by other stages of this one: each database has keys of its own. */
export function prefixOf(databaseUrl: string): string {
  const { hostname, port, pathname } = new URL(databaseUrl);
  // Neon's pooled and direct addresses are the same database.
  const name = `${hostname.replace("-pooler.", ".")}:${port}${pathname}`;
  return `tickwork:${createHash("sha256").update(name).digest("hex").slice(0, 8)}`;
}

/** Past the console, which Lambda wraps: a line that is JSON already stays as it is, and metrics are read from it. */
const writeLine = (line: string) => void process.stdout.write(`${line}\n`);

function jsonLog({ DEBUGGING, TICKWORK_SERVICE, AWS_LAMBDA_FUNCTION_NAME }: Environment): Logger {
  const fields = { service: TICKWORK_SERVICE, function: AWS_LAMBDA_FUNCTION_NAME };
  return createLogger({ level: DEBUGGING === "true" ? "debug" : "info", write: writeLine, fields });
}

function connect(config: Config, redis: Redis | undefined) {
  return { config, database: connectPostgres(config), redis: redis && createRedisCommands(redis) };
}

function connectPostgres({ databaseUrl }: Config): Database {
  if (!databaseUrl)
    throw new ConfigError("DATABASE_URL is not set; it must be an address that begins with postgres://.");
  return createDatabase(neon(databaseUrl), systemClock);
}

function connectRedis(config: Config): Redis | undefined {
  if (!config.cacheEnabled) return undefined;
  const { redisUrl: url, redisToken: token } = config;
  if (!url || !token)
    throw new ConfigError(
      "CACHE_REDIS_URL and CACHE_REDIS_TOKEN must be set, or CACHE_ENABLED must be false.",
    );
  return new Redis({
    url,
    token,
    // Ids are digits and tokens are text: nothing may come back as another type, and no order may be changed.
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    readYourWrites: true,
    signal: () => AbortSignal.timeout(REDIS_TIMEOUT_MS),
    retry: {
      retries: REDIS_RETRIES,
      backoff: (n) => backoffMs(n + 1, TRANSIENT_BACKOFF_MS, TRANSIENT_BACKOFF_MAX_MS),
    },
  });
}
