import {
  type CacheStats,
  type Hooks,
  hooks,
  type Operator,
  type Tasks,
  type Tickwork,
  type Worker,
} from "#core";
import { DEFAULTS, MAX_REFRESH_INTERVAL_SECONDS } from "../core/config.ts";
import { messageOf } from "../core/errors.ts";
import { WINDOW_MS } from "../core/limits.ts";
import * as locks from "./locks.ts";
import { inUse } from "./tickwork.ts";

type Locks = typeof locks;

/** Baasix's TasksService as one object: its methods under their own names, and all that Tickwork adds. */
export type TasksService = Tasks & Operator & Worker & Locks;

/**
 * The services of whichever Tickwork runs when a method is called: extensions import this before anything runs. Until
 * then the three methods that never throw give empty answers, and the others reject with ConfigError.
 *
 * @example if (await tasksService.isTaskRunning()) return;
 */
export const tasksService: TasksService = {
  getNotStartedTasks: () =>
    onceRunning(
      ({ operator }) => operator.getNotStartedTasks(),
      () => [],
    ),
  pageNotStarted: async (page) => inUse().operator.pageNotStarted(page),
  pause: async (target, options) => inUse().operator.pause(target, options),
  resume: async (target) => inUse().operator.resume(target),
  listPauses: async () => inUse().operator.listPauses(),
  bulk: async (request, options) => inUse().operator.bulk(request, options),
  countBulk: async (request) => inUse().operator.countBulk(request),
  isTaskRunning: () =>
    onceRunning(
      ({ operator }) => operator.isTaskRunning(),
      () => false,
    ),
  getCacheStats: () => onceRunning(({ operator }) => operator.getCacheStats(), emptyStats),

  getHealth: async () => inUse().operator.getHealth(),
  ...locks,
  tryLock: async (token, ttlMs) => inUse().operator.tryLock(token, ttlMs),
  unlock: async (token) => inUse().operator.unlock(token),
  setTaskRunning: async (isRunning) => inUse().operator.setTaskRunning(isRunning),
  forceRefresh: async () => inUse().operator.forceRefresh(),
  waitForTaskCompletion: async (timeoutMs) => inUse().operator.waitForTaskCompletion(timeoutMs),
  resetStuck: async () => inUse().operator.resetStuck(),
  deleteFinished: async (olderThanDays, options) => inUse().operator.deleteFinished(olderThanDays, options),
  notifyChanged: async (ids) => inUse().operator.notifyChanged(ids),
  afterWrite: async (event, tasks, nowMs) => inUse().operator.afterWrite(event, tasks, nowMs),

  create: async (tasks, options) => inUse().tasks.create(tasks, options),
  get: async (id) => inUse().tasks.get(id),
  list: async (filter) => inUse().tasks.list(filter),
  page: async (filter) => inUse().tasks.page(filter),
  update: async (id, changes, by) => inUse().tasks.update(id, changes, by),
  remove: async (id) => inUse().tasks.remove(id),
  retry: async (id, by) => inUse().tasks.retry(id, by),
  cancel: async (id, by) => inUse().tasks.cancel(id, by),

  tick: async (options) => inUse().worker.tick(options),
  refresh: async (options) => inUse().worker.refresh(options),
  shutdown: async () => inUse().worker.shutdown(),
};

/**
 * Has hooks called when something happened to an item of a collection; tasks are the collection "baasix_Tasks".
 *
 * @example hooksService.registerHook("data_imports", "items.create.after", async ({ data }) => { … return data; });
 */
export const hooksService: Pick<Hooks, "registerHook"> = {
  registerHook: (collection, event, hook) => hooks.registerHook(collection, event, hook),
};

async function onceRunning<T>(
  ask: (tickwork: Tickwork) => Promise<T>,
  otherwise: (error: unknown) => T,
): Promise<T> {
  let tickwork: Tickwork;
  try {
    tickwork = inUse();
  } catch (error) {
    console.error(messageOf(error));
    return otherwise(error);
  }
  return ask(tickwork);
}

function emptyStats(error: unknown): CacheStats {
  const { refreshIntervalSeconds } = DEFAULTS;
  return {
    cachedTasksCount: 0,
    isTaskRunning: false,
    refreshInterval: refreshIntervalSeconds * 1000,
    refreshIntervalSeconds,
    maxRefreshIntervalSeconds: MAX_REFRESH_INTERVAL_SECONDS,
    taskTimeWindow: `${WINDOW_MS / 3_600_000} hours`,
    initialized: false,
    lastRefreshed: null,
    error: messageOf(error),
  };
}
