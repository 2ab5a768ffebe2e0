/** Tickwork's settings in the deployer's environment, checked here: a bad value stops the deployment, not a task. */
import { type Config, type Environment, readConfig } from "../packages/core/config.ts";

/** Passed on to the functions if set. */
const NAMES = [
  "TASK_LIST_REFRESH_INTERVAL",
  "TASK_SHUTDOWN_WAIT_TIME",
  "TASK_CONCURRENCY",
  "TASK_RUNNING_TTL",
  "TASK_CACHE_LIMIT",
  "TASK_MAX_CRASHES",
  "CACHE_ENABLED",
  "HTTP_REQUEST_ALLOW",
  "DEBUGGING",
] as const;

const MINUTE_SECONDS = 60;

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
