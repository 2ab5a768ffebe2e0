import type { Clock } from "../clock.ts";
import { type Config, MAX_REFRESH_INTERVAL_SECONDS } from "../config.ts";
import { messageOf } from "../errors.ts";
import type { Gate, Look } from "../gate/gate.ts";
import { HEALTH_LIMIT_MS, REFRESH_LIMIT_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import { trustOf, windowMsOf } from "../run/trust.ts";
import type { Store } from "../store/store.ts";
import type { Pause } from "../tasks/pause.ts";
import type { Vitals } from "./vitals.ts";

/** What `getCacheStats` returns. */
export interface CacheStats {
  /** Waiting tasks in the cache. */
  cachedTasksCount: number;
  isTaskRunning: boolean;
  /** Milliseconds between two refreshes. */
  refreshInterval: number;
  refreshIntervalSeconds: number;
  maxRefreshIntervalSeconds: number;
  /** How far ahead the cache reaches: `4 hours`, and more where `TASK_MAX_UNSEEN_TIME` is set. */
  taskTimeWindow: string;
  /** Whether a refresh has succeeded. */
  initialized: boolean;
  /** When a refresh last looked at the cache, ISO 8601; null before the first time. */
  lastRefreshed: string | null;
  /**
   * When a refresh last read Postgres, ISO 8601; null before the first time. Absent where every refresh does, which is
   * so unless `TASK_MAX_UNSEEN_TIME` is set.
   */
  lastRead?: string | null;
  /** Tasks that were due and of a type that nobody here runs, at the last refresh; absent when there were none. */
  waitingForCode?: number;
  /** Since when the first of them is due, ISO 8601; absent when there are none. */
  waitingForCodeSince?: string | null;
  /** What was paused at the last refresh; absent when nothing was. */
  paused?: Pause[];
  /** What is wrong, if something is, in words of Tickwork's own: what a server said about itself is in the log. */
  error?: string;
}

/** What `getHealth` returns. */
export interface Health {
  healthy: boolean;
  stats: CacheStats;
  /**
   * When Postgres and Redis last answered this process, when the cache was last refreshed by any, and when this process
   * last wrote a task; ISO 8601, or null: not yet.
   */
  last: { postgres: string | null; redis: string | null; refresh: string | null; write: string | null };
}

export interface HealthDeps {
  store: Pick<Store, "getMany">;
  gate: Pick<Gate, "look" | "isRunning">;
  vitals: Vitals;
  clock: Clock;
  config: Pick<Config, "cacheEnabled" | "refreshIntervalSeconds" | "maxUnseenSeconds">;
  log: Logger;
}

/** What `Operator` says about the state of the whole. */
export function createHealth({ store, gate, vitals, clock, config, log }: HealthDeps) {
  const { refreshIntervalSeconds, cacheEnabled } = config;
  const refreshInterval = refreshIntervalSeconds * 1000;

  /** Undefined if nothing answers in time: a monitor is not kept waiting for all the tries of a query. */
  const inTime = <T>(answer: Promise<T>): Promise<T | undefined> =>
    new Promise((resolve) => {
      const cancel = clock.after(HEALTH_LIMIT_MS, () => resolve(undefined));
      const end = (value: T | undefined) => {
        cancel();
        resolve(value);
      };
      answer.then(end, (error: unknown) => {
        log.warn("the health could not be looked at", { error: messageOf(error) });
        end(undefined);
      });
    });
  const look = () => inTime(gate.look());

  let trying: Promise<unknown> | undefined;
  /** Once Postgres has failed, only asking it again tells that it is back. One asks at a time. */
  const tryPostgres = (): Promise<unknown> => {
    trying ??= store.getMany([]).finally(() => {
      trying = undefined;
    });
    return inTime(trying);
  };

  let remembered: { look: Look; untilMs: number } | undefined;
  /** Without a cache each look is a query, and monitors would never let Postgres sleep. */
  const rarely = async (): Promise<Look | undefined> => {
    if (remembered && clock.now() < remembered.untilMs) return remembered.look;
    const answer = await look();
    remembered = answer && { look: answer, untilMs: clock.now() + refreshInterval };
    return answer;
  };

  const staleAtMs = (refreshedMs: number | undefined) =>
    refreshedMs === undefined
      ? vitals.startedMs + 2 * refreshInterval
      : // A process that has just started gets the time to refresh what it finds.
        Math.max(refreshedMs + 2 * refreshInterval, vitals.startedMs + REFRESH_LIMIT_MS);

  const wrongWith = (found: Look | undefined): string[] => [
    ...(found ? [] : [`${cacheEnabled ? "Redis" : "Postgres"} does not answer`]),
    ...(vitals.postgresFails ? ["Postgres failed when it was last asked"] : []),
    ...(vitals.writesFail ? ["the last write of a task failed"] : []),
    ...(found && clock.now() > staleAtMs(found.refreshedMs)
      ? [`the last refresh is more than ${2 * refreshIntervalSeconds} s ago`]
      : []),
  ];

  const statsOf = (found: Look | undefined, isTaskRunning: boolean): CacheStats => {
    const wrong = wrongWith(found);
    return {
      cachedTasksCount: found?.waiting ?? 0,
      isTaskRunning,
      refreshInterval,
      refreshIntervalSeconds,
      maxRefreshIntervalSeconds: MAX_REFRESH_INTERVAL_SECONDS,
      taskTimeWindow: `${Math.round(windowMsOf(config) / 360_000) / 10} hours`,
      initialized: found?.refreshedMs !== undefined,
      lastRefreshed: isoOf(found?.refreshedMs),
      ...(trustOf(config) && cacheEnabled ? { lastRead: isoOf(found?.readMs) } : {}),
      ...(found?.waitingForCode
        ? { waitingForCode: found.waitingForCode, waitingForCodeSince: isoOf(found.codeSinceMs) }
        : {}),
      ...(found?.pauses.length ? { paused: found.pauses } : {}),
      ...(wrong.length > 0 ? { error: wrong.join("; ") } : {}),
    };
  };
  const runsIn = (found: Look) => found.tickRuns || found.operatorRuns;

  return {
    async getCacheStats(): Promise<CacheStats> {
      const found = await look();
      const asked = found ? runsIn(found) : await gate.isRunning().catch(() => false);
      return statsOf(found, asked);
    },

    async getHealth(): Promise<Health> {
      if (vitals.postgresFails) await tryPostgres();
      const found = cacheEnabled ? await look() : await rarely();
      const stats = statsOf(found, found !== undefined && runsIn(found));
      return {
        healthy: stats.error === undefined,
        stats,
        last: {
          postgres: isoOf(vitals.postgresMs),
          redis: isoOf(vitals.redisMs),
          refresh: stats.lastRefreshed,
          write: isoOf(vitals.writtenMs),
        },
      };
    },
  };
}

const isoOf = (atMs: number | undefined) => (atMs === undefined ? null : new Date(atMs).toISOString());
