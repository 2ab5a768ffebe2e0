/** Tickwork's settings in the deployer's environment, checked here: a bad value stops the deployment, not a task. */
import { type Config, type Environment, readConfig } from "../packages/core/config.ts";
import { ConfigError, mustBe } from "../packages/core/errors.ts";
import { LAMBDA_LIMIT_MS, WAKE_UP_MS } from "../packages/core/limits.ts";

/** Passed on to the functions if set. */
const NAMES = [
  "TASK_LIST_REFRESH_INTERVAL",
  "TASK_MAX_UNSEEN_TIME",
  "TASK_SHUTDOWN_WAIT_TIME",
  "TASK_CONCURRENCY",
  "TASK_RUNNING_TTL",
  "TASK_CACHE_LIMIT",
  "TASK_MAX_CRASHES",
  "TASK_RETENTION_DAYS",
  "TASK_ERROR_RETENTION_DAYS",
  "CACHE_ENABLED",
  "HTTP_REQUEST_ALLOW",
  "EMAIL_SES",
  "EXPORT_TO",
  "API_ORIGINS",
  "API_LIMIT_PER_KEY",
  "API_LIMIT_PER_ADDRESS",
  "API_LIMIT_FAILURE",
  "DEBUGGING",
] as const;

const MINUTE_SECONDS = 60;
/** What a function can wait: a tick may have slept before, and a task is to have a minute at least. */
const LONGEST_WAIT_SECONDS = (LAMBDA_LIMIT_MS - WAKE_UP_MS) / 1000 - MINUTE_SECONDS;

export interface Settings {
  config: Config;
  /** Whole minutes between two refreshes: the interval rounded down, because later than asked would be too late. */
  refreshMinutes: number;
  /** The environment of the functions, not secret. */
  environment: Record<string, string>;
}

/** @throws ConfigError with one line: the variable, what it must be, what it was */
export function readSettings(env: Environment, log?: Pick<Console, "warn">): Settings {
  // Only these: the deployer's DATABASE_URL or PORT may belong to something else.
  const given = Object.fromEntries(NAMES.flatMap((name) => (env[name]?.trim() ? [[name, env[name]]] : [])));
  const config = readConfig(given, log);
  const { shutdownWaitSeconds } = config;
  if (shutdownWaitSeconds > LONGEST_WAIT_SECONDS)
    throw new ConfigError(
      `TASK_SHUTDOWN_WAIT_TIME ${mustBe(`a whole number from 0 to ${LONGEST_WAIT_SECONDS} on AWS`, shutdownWaitSeconds)}.`,
    );
  const { exportTo } = config;
  if (exportTo !== undefined && !exportTo.startsWith("s3://"))
    throw new ConfigError(
      `EXPORT_TO ${mustBe("s3://bucket/prefix on AWS, where no folder stays", exportTo)}.`,
    );
  const refreshMinutes = Math.max(1, Math.floor(config.refreshIntervalSeconds / MINUTE_SECONDS));
  return {
    config,
    refreshMinutes,
    environment: {
      ...given,
      // The actual interval: tasks due within two intervals are rung for at once, the rest by a refresh.
      TASK_LIST_REFRESH_INTERVAL: String(refreshMinutes * MINUTE_SECONDS),
    },
  };
}

/** A rate expression for EventBridge Scheduler, which insists on whole units and on the right singular or plural. */
export function rate(minutes: number): `rate(${string})` {
  return `rate(${minutes} ${minutes === 1 ? "minute" : "minutes"})`;
}
