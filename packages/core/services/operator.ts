import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Ringer } from "../doorbell/ringer.ts";
import { messageOf, mustBe, refusal } from "../errors.ts";
import type { Gate } from "../gate/gate.ts";
import { DELETE_BATCH, WAIT_POLL_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import { type RefreshDeps, runRefresh } from "../run/refresh.ts";
import { FINISHED_STATUSES } from "../store/operator.ts";
import type { Store } from "../store/store.ts";
import type { HookEvent } from "../tasks/hooks.ts";
import type { Registry } from "../tasks/registry.ts";
import type { Due } from "../tasks/standing.ts";
import type { Task } from "../tasks/task.ts";
import type { Announcer } from "./announce.ts";
import type { Bulk } from "./bulk.ts";
import { type CacheStats, createHealth, type Health } from "./health.ts";
import { createLimits, type Limits } from "./limits.ts";
import { createNotStarted, type NotStartedPage } from "./not-started.ts";
import { createPauses, type Pauses } from "./pauses.ts";
import type { Vitals } from "./vitals.ts";

/**
 * Watches and corrects the whole: the methods of Baasix's TasksService, under their own names, and what goes with them.
 * Methods that do not say otherwise throw PostgresError when Postgres does not answer.
 */
export interface Operator extends Pauses, Limits, Bulk {
  /** The tasks that have not started and are due within 4 hours, by due time. Never throws: `[]` if nothing answers. */
  getNotStartedTasks(): Promise<Task[]>;
  /**
   * The same, page by page: each has at most `limit` tasks, and three megabytes. Never throws either.
   *
   * @param page.after the `next` of the page before
   * @example
   * const first = await operator.pageNotStarted({ limit: 100 });
   * const second = first.next && (await operator.pageNotStarted({ after: first.next, limit: 100 }));
   */
  pageNotStarted(page: { after?: Due | undefined; limit: number }): Promise<NotStartedPage>;
  /**
   * The operator's override: `true` keeps ticks from starting tasks, for 15 minutes or until `false`, which releases
   * all flags and rings the doorbell. A running task goes on, and no second one starts beside it: Postgres decides.
   *
   * @throws TickworkError `invalid_request` when it is not a boolean
   * @example await operator.setTaskRunning(true);
   */
  setTaskRunning(isRunning: boolean): Promise<void>;
  /**
   * Takes the place of every task: until it is released, or this time is over, no tick starts one and nobody else gets
   * the lock. It fails while a task runs, or another holds it; with the same token it is prolonged.
   *
   * @param token the caller's own
   * @param ttlMs milliseconds
   * @example if (await operator.tryLock("nightly-1", 60_000)) console.log(await operator.unlock("nightly-1"));
   */
  tryLock(token: string, ttlMs: number): Promise<boolean>;
  /** Releases the lock and rings the doorbell. Says whether it was held under this token. */
  unlock(token: string): Promise<boolean>;
  /** Whether a task is running anywhere. Never throws: `false` if nothing answers. */
  isTaskRunning(): Promise<boolean>;
  /** Rebuilds the cache from Postgres, and deletes nothing that is over age. @throws TickworkError `refresh_too_slow` */
  forceRefresh(): Promise<void>;
  /** Never throws; `error` says what failed. @example const { cachedTasksCount } = await operator.getCacheStats(); */
  getCacheStats(): Promise<CacheStats>;
  /**
   * For monitors. Unhealthy: a server does not answer, the last write of a task failed, or the last refresh is older
   * than two intervals. It does not ask Postgres, unless that failed before; without a cache, once in an interval.
   * Never throws.
   */
  getHealth(): Promise<Health>;
  /**
   * Waits until no task is running anywhere.
   *
   * @param timeoutMs milliseconds; default: the shutdown wait time
   * @returns false if that time was over first
   * @throws TickworkError `invalid_request` when it is not a time
   * @example if (!(await operator.waitForTaskCompletion(5_000))) console.log("a task is still running");
   */
  waitForTaskCompletion(timeoutMs?: number): Promise<boolean>;
  /**
   * Ends every running task in `Error` and releases all flags. Their workers, if they are alive, lose their leases and
   * can change nothing any more. Returns the tasks that were reset.
   */
  resetStuck(): Promise<Task[]>;
  /**
   * Deletes the tasks that finished more than so many days ago, in batches, until the signal aborts.
   *
   * @param options.keepId a task that stays
   * @returns how many were deleted
   * @example const deleted = await operator.deleteFinished(30);
   */
  deleteFinished(olderThanDays: number, options?: DeleteOptions): Promise<number>;
  /** Tells the cache and the doorbell about rows that were written without Tickwork. */
  notifyChanged(ids: readonly number[]): Promise<void>;
  /**
   * Tells the cache, the doorbell and the hooks about rows that were written without Tickwork, and look like this now;
   * deleted ones, as they last were.
   *
   * @param nowMs Postgres's time, epoch milliseconds
   */
  afterWrite(event: HookEvent, tasks: readonly Task[], nowMs: number): Promise<void>;
}

interface DeleteOptions {
  keepId?: number;
  signal?: AbortSignal;
}

export interface OperatorDeps extends RefreshDeps {
  store: Store;
  gate: Gate;
  ringer: Ringer;
  clock: Clock;
  config: Config;
  log: Logger;
  vitals: Vitals;
  registry: Registry;
  bulk: Bulk;
}

export function createOperator(deps: OperatorDeps, announcer: Announcer): Operator {
  const { store, gate, ringer, clock, config, log } = deps;
  const notStarted = createNotStarted(deps);
  const readOr = async <T>(otherwise: T, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      log.error("the waiting tasks could not be read", { error: messageOf(error) });
      return otherwise;
    }
  };
  const operator: Operator = {
    async getNotStartedTasks() {
      return readOr([], () => notStarted.all());
    },

    pageNotStarted: (page) => readOr({ tasks: [] }, () => notStarted.page(page)),

    async setTaskRunning(isRunning) {
      if (typeof isRunning !== "boolean") throw refusal("isRunning", mustBe("true or false", isRunning));
      await gate.setRunning(isRunning);
      if (!isRunning) await ringer.ring();
    },

    tryLock: (token, ttlMs) => gate.hold(token, ttlMs),

    async unlock(token) {
      const released = await gate.letGo(token);
      if (released) await ringer.ring();
      return released;
    },

    async isTaskRunning() {
      try {
        return await gate.isRunning();
      } catch (error) {
        log.error("whether a task is running could not be read", { error: messageOf(error) });
        return false;
      }
    },

    async forceRefresh() {
      await runRefresh(deps);
    },

    ...createHealth(deps),
    ...createPauses(deps),
    ...createLimits(deps),
    ...deps.bulk,

    async waitForTaskCompletion(timeoutMs = config.shutdownWaitSeconds * 1000) {
      if (!(timeoutMs >= 0)) throw refusal("timeoutMs", mustBe("milliseconds from 0", timeoutMs));
      const untilMs = clock.now() + timeoutMs;
      while (await operator.isTaskRunning()) {
        const leftMs = untilMs - clock.now();
        if (leftMs <= 0) return false;
        await clock.sleep(Math.min(WAIT_POLL_MS, leftMs));
      }
      return true;
    },

    async resetStuck() {
      const { tasks, nowMs } = await store.resetRunning("Manually reset");
      await announcer.afterWrite("items.update.after", tasks, nowMs);
      await operator.setTaskRunning(false);
      return tasks.map(deps.registry.encryption.open);
    },

    async deleteFinished(olderThanDays, { keepId = 0, signal } = {}) {
      let total = 0;
      for (const status of FINISHED_STATUSES)
        for (let deleted = DELETE_BATCH; deleted > 0 && !signal?.aborted; total += deleted)
          deleted = await store.deleteFinished(status, olderThanDays, DELETE_BATCH, keepId);
      return total;
    },

    notifyChanged: announcer.notifyChanged,
    afterWrite: announcer.afterWrite,
  };
  return operator;
}
