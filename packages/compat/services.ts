import {
  type CacheStats,
  DEFAULTS,
  type Hooks,
  hooks,
  MAX_REFRESH_INTERVAL_SECONDS,
  messageOf,
  type TasksService,
  WINDOW_MS,
} from "#core";
import { inUse } from "./tickwork.ts";

const running = () => inUse().tasks;

/**
 * Tickwork's service, whichever runs when a method is called: extensions import it before anything runs. The three that
 * never throw do not throw then either; the others reject with ConfigError.
 *
 * @example if (await tasksService.isTaskRunning()) return;
 */
export const tasksService: TasksService = {
  get config() {
    return running().config;
  },
  getNotStartedTasks: () =>
    whileRunning(
      (tasks) => tasks.getNotStartedTasks(),
      () => [],
    ),
  isTaskRunning: () =>
    whileRunning(
      (tasks) => tasks.isTaskRunning(),
      () => false,
    ),
  getCacheStats: () => whileRunning((tasks) => tasks.getCacheStats(), statsOfNone),

  setTaskRunning: async (isRunning) => running().setTaskRunning(isRunning),
  forceRefresh: async () => running().forceRefresh(),
  waitForTaskCompletion: async (timeoutMs) => running().waitForTaskCompletion(timeoutMs),
  shutdown: async () => running().shutdown(),

  create: async (tasks, options) => running().create(tasks, options),
  get: async (id) => running().get(id),
  list: async (filter) => running().list(filter),
  update: async (id, changes) => running().update(id, changes),
  remove: async (id) => running().remove(id),
  retry: async (id) => running().retry(id),
  cancel: async (id) => running().cancel(id),
  resetStuck: async () => running().resetStuck(),
  deleteFinished: async (olderThanDays, options) => running().deleteFinished(olderThanDays, options),
  changed: async (ids) => running().changed(ids),
  written: async (event, rows, nowMs) => running().written(event, rows, nowMs),
  tick: async (options) => running().tick(options),
  refresh: async () => running().refresh(),
};

/**
 * Has hooks called when something happened to an item of a collection; tasks are the collection "baasix_Tasks".
 *
 * @example hooksService.registerHook("data_imports", "items.create.after", async ({ data }) => { … return data; });
 */
export const hooksService: Pick<Hooks, "registerHook"> = {
  registerHook: (collection, event, hook) => hooks.registerHook(collection, event, hook),
};

async function whileRunning<T>(
  ask: (tasks: TasksService) => Promise<T>,
  otherwise: (error: unknown) => T,
): Promise<T> {
  let tasks: TasksService;
  try {
    tasks = running();
  } catch (error) {
    console.error(messageOf(error));
    return otherwise(error);
  }
  return ask(tasks);
}

function statsOfNone(error: unknown): CacheStats {
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
