/** What the deployer's environment says about Tickwork, checked now: a bad value stops the deployment, not a task. */
import { type Config, type Environment, readConfig } from "../packages/core/config.ts";

/** Handed on to the functions when set. */
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
  /** Whole minutes between two refreshes: the interval, rounded down, since later than asked would be too late. */
  refreshMinutes: number;
  /** Plain environment of the functions. */
  environment: Record<string, string>;
}

/** @throws ConfigError with one line: the variable, what it was, what it may be */
export function readSettings(env: Environment, log?: Pick<Console, "warn">): Settings {
  // Only these: the deployer's DATABASE_URL or PORT is about something else.
  const given = Object.fromEntries(NAMES.flatMap((name) => (env[name]?.trim() ? [[name, env[name]]] : [])));
  const config = readConfig(given, log);
  const refreshMinutes = Math.max(1, Math.floor(config.refreshIntervalSeconds / MINUTE_SECONDS));
  return {
    config,
    refreshMinutes,
    environment: {
      ...given,
      // As it really is: what is due within two of these intervals is rung for at once, the rest by a refresh.
      TASK_LIST_REFRESH_INTERVAL: String(refreshMinutes * MINUTE_SECONDS),
    },
  };
}

/** The expression of EventBridge Scheduler, which wants whole units and its grammar right. */
export function rate(minutes: number): `rate(${string})` {
  return `rate(${minutes} ${minutes === 1 ? "minute" : "minutes"})`;
}
