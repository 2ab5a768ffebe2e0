import { createHash } from "node:crypto";
import { type Config, MAX_REFRESH_INTERVAL_SECONDS } from "../config.ts";
import type { TickEvent } from "../doorbell/doorbell.ts";
import { errors, messageOf, quote } from "../errors.ts";
import type { Gate } from "../gate/gate.ts";
import { WAIT_POLL_MS, WINDOW_MS } from "../limits.ts";
import { TaskAborted } from "../run/abort.ts";
import { type RefreshReport, runRefresh } from "../run/refresh.ts";
import type { TickReport } from "../run/tally.ts";
import { runTick, type TickDeps, type TickOptions } from "../run/tick.ts";
import type { ListFilter } from "../store/store.ts";
import type { HookEvent, Hooks } from "../tasks/hooks.ts";
import { loadSchemas } from "../tasks/load-schemas.ts";
import { type Standing, standingOfTask } from "../tasks/standing.ts";
import type { NewTask, Task, TaskChanges } from "../tasks/task.ts";

/** The collection that hooks know tasks by. */
export const TASKS = "baasix_Tasks";

/** What `getCacheStats` answers. */
export interface CacheStats {
  /** Waiting tasks in the cache. */
  cachedTasksCount: number;
  isTaskRunning: boolean;
  /** Milliseconds between two refreshes. */
  refreshInterval: number;
  refreshIntervalSeconds: number;
  maxRefreshIntervalSeconds: number;
  taskTimeWindow: string;
  /** Whether a refresh has succeeded. */
  initialized: boolean;
  /** When the cache was really refreshed last; null before it was. */
  lastRefreshed: string | null;
  /** What failed, when something did. */
  error?: string;
}

/** Which call of a function something belongs to, for the log. */
export interface Invocation {
  requestId?: string | undefined;
}

/** What Tickwork does, for code in the same process and for the HTTP API alike. */
export interface TasksService {
  readonly config: Config;

  /** The tasks that have not started and are due within 4 hours, by due time. Never throws: `[]` when nothing answers. */
  getNotStartedTasks(): Promise<Task[]>;
  /**
   * The operator's override: `true` keeps ticks from starting tasks, for 15 minutes or until `false`, which gives every
   * flag free and has somebody look at what is due. A task that runs goes on, and no second one starts: Postgres decides.
   */
  setTaskRunning(isRunning: boolean): Promise<void>;
  /** Whether a task runs anywhere. Never throws. */
  isTaskRunning(): Promise<boolean>;
  /** Rebuilds the cache. Throws TickworkError when Postgres does not answer. */
  forceRefresh(): Promise<void>;
  /** Never throws; says in `error` what failed. */
  getCacheStats(): Promise<CacheStats>;
  /** Waits until no task runs anywhere. False: `timeoutMs` was over before (default: the shutdown wait time). */
  waitForTaskCompletion(timeoutMs?: number): Promise<boolean>;
  /**
   * Ends this process's part: no new claim, running tasks get the shutdown wait time, then their signal is aborted and
   * they go back to `Not started`.
   */
  shutdown(): Promise<void>;

  /**
   * Makes tasks, all or none: one request to Postgres and one to Redis for up to 500, one more to Redis for up to 1,000.
   *
   * @throws TickworkError that names each value that is not acceptable, and what is
   * @example await tasks.create([{ type: "greet", task_data: { name: "Ada" }, scheduled_time: "2026-11-24T09:00:00Z" }]);
   */
  create(tasks: readonly NewTask[], options?: { idempotencyKey?: string | undefined }): Promise<Task[]>;
  /** @throws TickworkError `task_not_found` */
  get(id: number): Promise<Task>;
  /** The newest first. */
  list(filter: ListFilter): Promise<Task[]>;
  /** Changes a task that has not started. @throws TickworkError `task_not_found`, `task_running`, `task_finished` or an invalid value */
  update(id: number, changes: TaskChanges): Promise<Task>;
  /** Deletes a task that does not run. @throws TickworkError `task_not_found` or `task_running` */
  remove(id: number): Promise<void>;
  /** Starts a finished task anew. @throws TickworkError `task_not_found`, `task_running` or `task_waiting` */
  retry(id: number): Promise<Task>;
  /** Ends a waiting task in `Error`, and asks a running one to stop. @throws TickworkError `task_not_found` or `task_finished` */
  cancel(id: number): Promise<Task>;
  /**
   * The mission's manual reset: every running task ends in `Error`, whoever runs it, and every flag is free. Workers that
   * live lose their leases and change nothing any more. Returns the tasks that were reset.
   */
  resetStuck(): Promise<Task[]>;
  /** Deletes finished tasks, in batches, but for one. Returns how many. */
  deleteFinished(olderThanDays: number, options: { keepId: number; signal: AbortSignal }): Promise<number>;
  /** Others changed these rows: the cache is told and the doorbell rung. */
  changed(ids: readonly number[]): Promise<void>;
  /**
   * Rows were written beside this service, and this is how they look now (the last of them when they were deleted):
   * the cache is told, the doorbell rung and the hooks called. `nowMs` is Postgres's time.
   */
  written(event: HookEvent, rows: readonly Task[], nowMs: number): Promise<void>;

  /** One run of the processor: what the function `tick` does. */
  tick(options?: TickEvent & Invocation & { timeLeftMs?: number }): Promise<TickReport>;
  /** What the function `refresh` does. */
  refresh(options?: Invocation): Promise<RefreshReport>;
}

export interface ServiceDeps extends Omit<TickDeps, "service" | "leaseMs" | "shutdownWaitMs"> {
  gate: Gate;
  hooks: Hooks;
  config: Config;
}

/** Rows deleted by one statement of `deleteFinished`. */
const DELETE_BATCH = 1_000;

/** Builds the service from its parts; `runtime.ts` does that from the environment. */
export function createTasksService(deps: ServiceDeps): TasksService {
  const { store, gate, ringer, registry, hooks, clock, config, log } = deps;
  const draining = new AbortController();
  const interrupting = new AbortController();
  const ticks = new Set<Promise<TickReport>>();
  let stopped: Promise<void> | undefined;

  /** The cache first and the doorbell then: a tick that comes at once must find what it was rung for. */
  const announce = async (writes: readonly Standing[], nowMs: number) => {
    // A new task that is due later than the window was never cached.
    const concerned = writes.filter(({ kind, rev }) => kind !== "gone" || rev > 1);
    const arrived = concerned.length === 0 || (await gate.put(concerned));
    if (arrived) await ringer.ringFor(concerned, nowMs);
    else if (concerned.some(({ kind }) => kind === "waiting")) await ringer.ring({ askPostgres: true });
  };
  const standingsOf = (tasks: readonly Task[], nowMs: number) =>
    tasks.map((task) => standingOfTask(task, nowMs, registry.foreign));
  const written = async (event: HookEvent, rows: readonly Task[], nowMs: number) => {
    const deleted = event === "items.delete.after";
    await announce(
      rows.map((task) =>
        deleted
          ? { id: task.id, rev: task.rev + 1, kind: "gone" }
          : standingOfTask(task, nowMs, registry.foreign),
      ),
      nowMs,
    );
    await Promise.all(rows.map((data) => hooks.fire(event, { collection: TASKS, data, id: data.id })));
  };
  const changedTo = async (task: Task, nowMs: number) => {
    await written("items.update.after", [task], nowMs);
    return task;
  };
  /** Why a change that asked for one state found none. */
  const explain = async (
    id: number,
    what: string,
    accepted: readonly Task["task_status"][],
  ): Promise<never> => {
    const task = await store.get(id);
    if (!task) throw errors.taskNotFound(id);
    const codes = {
      "Not started": "task_waiting",
      Running: "task_running",
      Completed: "task_finished",
      Error: "task_finished",
    };
    throw errors.conflict(
      codes[task.task_status] ?? "task_state",
      `Task ${id} is ${quote(task.task_status)} and cannot be ${what}; only ${accepted.map(quote).join(" or ")} can.`,
    );
  };

  const depsFor = (requestId: string | undefined) =>
    requestId ? { ...deps, log: log.with({ requestId }) } : deps;

  const service: TasksService = {
    config,

    async getNotStartedTasks() {
      try {
        const cached = await gate.list();
        if (!cached) return await store.readWindow();
        const missing = cached.filter((entry) => typeof entry === "number");
        const { tasks } = missing.length > 0 ? await store.getMany(missing) : { tasks: [] };
        const found = new Map(tasks.map((task) => [task.id, task]));
        return cached
          .flatMap((entry) => (typeof entry === "number" ? (found.get(entry) ?? []) : entry))
          .filter((task) => task.task_status === "Not started")
          .sort((a, b) => Date.parse(a.scheduled_time) - Date.parse(b.scheduled_time) || a.id - b.id);
      } catch (error) {
        log.error("the waiting tasks could not be read", { error: messageOf(error) });
        return [];
      }
    },

    async setTaskRunning(isRunning) {
      if (typeof isRunning !== "boolean")
        throw errors.invalid([
          { path: "isRunning", message: `${quote(isRunning)} is not accepted; true or false is` },
        ]);
      await gate.setRunning(isRunning);
      if (!isRunning) await ringer.ring();
    },

    async isTaskRunning() {
      try {
        return await gate.isRunning();
      } catch (error) {
        log.error("it could not be told whether a task runs", { error: messageOf(error) });
        return false;
      }
    },

    async forceRefresh() {
      await service.refresh();
    },

    async getCacheStats() {
      const fixed = {
        refreshInterval: config.refreshIntervalSeconds * 1000,
        refreshIntervalSeconds: config.refreshIntervalSeconds,
        maxRefreshIntervalSeconds: MAX_REFRESH_INTERVAL_SECONDS,
        taskTimeWindow: `${WINDOW_MS / 3_600_000} hours`,
      };
      try {
        const look = await gate.look();
        return {
          cachedTasksCount: look.waiting,
          isTaskRunning: look.tickRuns || look.operatorRuns,
          ...fixed,
          initialized: look.refreshedMs !== undefined,
          lastRefreshed: look.refreshedMs === undefined ? null : new Date(look.refreshedMs).toISOString(),
        };
      } catch (error) {
        return {
          cachedTasksCount: 0,
          isTaskRunning: await service.isTaskRunning(),
          ...fixed,
          initialized: false,
          lastRefreshed: null,
          error: messageOf(error),
        };
      }
    },

    async waitForTaskCompletion(timeoutMs = config.shutdownWaitSeconds * 1000) {
      if (!(timeoutMs >= 0))
        throw errors.invalid([
          { path: "timeout", message: `${quote(timeoutMs)} is not accepted; milliseconds are` },
        ]);
      const until = clock.now() + timeoutMs;
      while (await service.isTaskRunning()) {
        const left = until - clock.now();
        if (left <= 0) return false;
        await clock.sleep(Math.min(WAIT_POLL_MS, left));
      }
      return true;
    },

    shutdown() {
      stopped ??= (async () => {
        draining.abort();
        const over = new AbortController();
        const ended = Promise.allSettled(ticks).then(() => over.abort());
        await clock.sleep(config.shutdownWaitSeconds * 1000, over.signal);
        if (!over.signal.aborted) interrupting.abort(new TaskAborted("shutdown"));
        await ended;
      })();
      return stopped;
    },

    async create(tasks, { idempotencyKey } = {}) {
      const { checkNewTasks } = await loadSchemas();
      const checked = await checkNewTasks(registry, tasks);
      if (idempotencyKey === undefined) {
        const inserted = await store.insert(checked);
        await written("items.create.after", inserted.tasks, inserted.nowMs);
        return inserted.tasks;
      }
      if (idempotencyKey.length === 0 || idempotencyKey.length > 255)
        throw errors.invalid([
          {
            path: "Idempotency-Key",
            message: `has ${idempotencyKey.length} characters; 1 to 255 are accepted`,
          },
        ]);
      const hash = createHash("sha256").update(JSON.stringify(tasks)).digest("hex");
      const inserted = await store.insertOnce(checked, idempotencyKey, hash);
      if (inserted.made) await written("items.create.after", inserted.tasks, inserted.nowMs);
      // It may be repeated because the first call died before it could announce what it made.
      else await announce(standingsOf(inserted.tasks, inserted.nowMs), inserted.nowMs);
      return inserted.tasks;
    },

    async get(id) {
      const task = await store.get(id);
      if (!task) throw errors.taskNotFound(id);
      return task;
    },

    list: (filter) => store.list(filter),

    async update(id, changes) {
      const current = await service.get(id);
      const { checkChanges } = await loadSchemas();
      const checked = await checkChanges(registry, current, changes);
      const changed = await store.patch(id, checked);
      return changed ? changedTo(changed.task, changed.nowMs) : explain(id, "changed", ["Not started"]);
    },

    async remove(id) {
      const task = await store.remove(id);
      if (!task) return explain(id, "deleted", ["Not started", "Completed", "Error"]);
      await written("items.delete.after", [task], clock.now());
    },

    async retry(id) {
      const changed = await store.retry(id);
      return changed
        ? changedTo(changed.task, changed.nowMs)
        : explain(id, "retried", ["Error", "Completed"]);
    },

    async cancel(id) {
      const current = await service.get(id);
      const error = {
        message: "the task was cancelled before it started",
        name: "CancelledError",
        code: "cancelled",
        attempts: current.attempts,
      };
      const task = await store.cancel(id, error);
      return task ? changedTo(task, clock.now()) : explain(id, "cancelled", ["Not started", "Running"]);
    },

    async resetStuck() {
      const { tasks, nowMs } = await store.resetRunning("Manually reset");
      await written("items.update.after", tasks, nowMs);
      await service.setTaskRunning(false);
      return tasks;
    },

    async deleteFinished(olderThanDays, { keepId, signal }) {
      let deleted = 0;
      for (;;) {
        const batch = await store.deleteFinished(olderThanDays, DELETE_BATCH, keepId);
        deleted += batch;
        if (batch < DELETE_BATCH || signal.aborted) return deleted;
      }
    },

    async changed(ids) {
      const { tasks, nowMs } = await store.getMany(ids);
      const there = new Set(tasks.map(({ id }) => id));
      const gone = ids
        .filter((id) => !there.has(id))
        .map((id): Standing => ({ id, rev: Number.MAX_SAFE_INTEGER, kind: "gone" }));
      await announce([...standingsOf(tasks, nowMs), ...gone], nowMs);
    },

    written,

    tick({ requestId, ...options } = {}) {
      const run = runTick(
        {
          ...depsFor(requestId),
          service,
          leaseMs: config.runningTtlSeconds * 1000,
          shutdownWaitMs: config.shutdownWaitSeconds * 1000,
        },
        { ...options, drain: draining.signal, interrupt: interrupting.signal } satisfies TickOptions,
      );
      const tracked = run.finally(() => ticks.delete(tracked));
      ticks.add(tracked);
      return tracked;
    },

    refresh: ({ requestId } = {}) => runRefresh(depsFor(requestId)),
  };
  return service;
}
