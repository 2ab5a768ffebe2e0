import { setMaxListeners } from "node:events";
import type { Config } from "../config.ts";
import type { TickEvent } from "../doorbell/doorbell.ts";
import { TaskAborted } from "../run/abort.ts";
import { type RefreshReport, runRefresh, runScheduledRefresh } from "../run/refresh.ts";
import type { TickReport } from "../run/tally.ts";
import { runTick, type TickDeps } from "../run/tick.ts";
import { trustOf } from "../run/trust.ts";
import { handlerConfigOf } from "../tasks/handler-config.ts";

/** The call of a function that something belongs to, for the log. */
interface Invocation {
  requestId?: string | undefined;
}

/** Runs tasks: what the functions `tick` and `refresh` call. */
export interface Worker {
  /**
   * One run of the processor: runs what is due and ends.
   *
   * @param options.timeLeftMs what the invocation has left, in milliseconds; absent where nothing ends it
   * When Postgres does not answer it has `failed`, and the doorbell was rung, so that a later tick looks again.
   *
   * @throws PostgresError when Postgres does not answer and the doorbell cannot be rung either
   * @example const { completed, ended } = await worker.tick({ timeLeftMs: 900_000 });
   */
  tick(options?: TickEvent & Invocation & { timeLeftMs?: number }): Promise<TickReport>;
  /**
   * Rebuilds the cache from Postgres and rings for what is due soon. Where `TASK_MAX_UNSEEN_TIME` allows it and the
   * cache can vouch for itself, it goes by that alone, and Postgres sleeps on. Otherwise it deletes what has been
   * finished for longer than `TASK_RETENTION_DAYS` or its type says, for half a minute at most.
   *
   * @param options.readPostgres whatever the cache says
   * @throws TickworkError `refresh_too_slow`, or PostgresError when Postgres does not answer
   * @example const { waiting, oldestDueAgeSeconds } = await worker.refresh();
   */
  refresh(options?: Invocation & { readPostgres?: boolean }): Promise<RefreshReport>;
  /**
   * Ends this process's part: it claims nothing more, and running tasks get the shutdown wait time. Then their signals
   * are aborted and they go back to `Not started`.
   */
  shutdown(): Promise<void>;
}

export interface WorkerDeps
  extends Omit<
    TickDeps,
    "leaseMs" | "maxCrashes" | "unanswered" | "failed" | "shutdownWaitMs" | "handlerConfig"
  > {
  config: Config;
}

export function createWorker({ config, ...deps }: WorkerDeps): Worker {
  const { runningTtlSeconds, shutdownWaitSeconds, maxCrashes } = config;
  const settings = {
    leaseMs: runningTtlSeconds * 1000,
    shutdownWaitMs: shutdownWaitSeconds * 1000,
    maxCrashes,
    unanswered: new Set<string>(),
    failed: { inARow: 0 },
    handlerConfig: handlerConfigOf(config),
  };
  const trust = trustOf(config);
  const draining = new AbortController();
  const interrupting = new AbortController();
  // Each of the running tasks listens. Node would take more than ten for a leak, and say so.
  setMaxListeners(0, draining.signal, interrupting.signal);
  const ticks = new Set<Promise<TickReport>>();
  let stopped: Promise<void> | undefined;

  const depsOf = (requestId: string | undefined) =>
    requestId ? { ...deps, log: deps.log.with({ requestId }) } : deps;
  const stop = async () => {
    draining.abort();
    const over = new AbortController();
    const ended = Promise.allSettled(ticks).then(() => over.abort());
    await deps.clock.sleep(settings.shutdownWaitMs, over.signal);
    if (!over.signal.aborted) interrupting.abort(new TaskAborted("shutdown"));
    await ended;
  };

  return {
    tick({ requestId, ...options } = {}) {
      const run = runTick(
        { ...depsOf(requestId), ...settings },
        { ...options, drain: draining.signal, interrupt: interrupting.signal },
      );
      const tracked = run.finally(() => ticks.delete(tracked));
      ticks.add(tracked);
      return tracked;
    },
    async refresh({ requestId, readPostgres = false } = {}) {
      const named = depsOf(requestId);
      const report = await (trust && !readPostgres ? runScheduledRefresh(named, trust) : runRefresh(named));
      // Few set it, and what is not needed is not loaded.
      const isKeptFor = config.retentionDays ?? config.errorRetentionDays;
      if (report.readPostgres && (isKeptFor !== undefined || deps.registry.retention.size > 0))
        await (await import("../run/retention.ts")).runRetention(
          { ...named, drain: draining.signal },
          config,
        );
      return report;
    },
    shutdown() {
      stopped ??= stop();
      return stopped;
    },
  };
}
