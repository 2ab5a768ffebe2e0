import { createHash } from "node:crypto";
import type { Clock } from "../clock.ts";
import {
  type ErrorCode,
  mustBe,
  quote,
  refusal,
  type TaskErrorCode,
  TickworkError,
  taskNotFound,
} from "../errors.ts";
import { ANSWER_LIMIT_BYTES, NAME_LIMIT } from "../limits.ts";
import { lookedOf } from "../store/filter.ts";
import { withOutcomes } from "../store/insert-unique.ts";
import type { Page, Store } from "../store/store.ts";
import { loadSchemas } from "../tasks/load-schemas.ts";
import type { Registry } from "../tasks/registry.ts";
import { isStorable } from "../tasks/storable.ts";
import type { Task, TaskErrorData, TaskStatus } from "../tasks/task.ts";
import type { ListFilter, Tasks } from "../tasks/tasks.ts";
import type { Announcer } from "./announce.ts";

export interface TasksDeps {
  store: Store;
  registry: Registry;
  clock: Pick<Clock, "now">;
}

export function createTasks({ store, registry, clock }: TasksDeps, announcer: Announcer): Tasks {
  const updated = async (task: Task, nowMs: number) => {
    await announcer.afterWrite("items.update.after", [task], nowMs);
    return task;
  };
  /** Says why a statement for tasks in some statuses found none. */
  const throwConflict = async (id: number, what: string, ...accepted: TaskStatus[]): Promise<never> => {
    const { task_status } = await tasks.get(id);
    throw new TickworkError(
      // A table that is older than Tickwork may have other statuses.
      CONFLICTS[task_status] ?? "task_state",
      `Task ${id} must be ${accepted.map(quote).join(" or ")} to be ${what}, got ${quote(task_status)}.`,
    );
  };
  const tasks: Tasks = {
    async create(given, { idempotencyKey, userId } = {}) {
      checkName("userId", userId);
      checkName("Idempotency-Key", idempotencyKey);
      const { checkNewTasks } = await loadSchemas();
      const checked = await checkNewTasks(registry, given);
      if (idempotencyKey === undefined) {
        const created = await store.insert(checked, userId);
        await announcer.afterCreate(created);
        return withOutcomes(created);
      }
      const hash = createHash("sha256").update(JSON.stringify(given)).digest("hex");
      const created = await store.insertOnce(checked, idempotencyKey, hash, userId);
      if (created.made) await announcer.afterCreate(created);
      // It may be repeated because the first call died before it could announce what it had created.
      else await announcer.announce(created.tasks, created.nowMs);
      return withOutcomes(created);
    },

    async get(id) {
      const task = await store.get(id);
      if (!task) throw taskNotFound(id);
      return task;
    },

    list: async (filter) => (await listed(store, filter, Number.MAX_SAFE_INTEGER)).tasks,

    page: (filter) => listed(store, filter, ANSWER_LIMIT_BYTES),

    async update(id, changes, { userId } = {}) {
      checkName("userId", userId);
      const current = await tasks.get(id);
      const { checkChanges } = await loadSchemas();
      const checked = await checkChanges(registry, current, changes);
      const changed = await store.patch(id, checked, userId);
      return changed ? updated(changed.task, changed.nowMs) : throwConflict(id, "changed", "Not started");
    },

    async remove(id, actor) {
      const task = await store.remove(id, actor);
      if (!task) return throwConflict(id, "deleted", "Not started", "Completed", "Error");
      await announcer.afterWrite("items.delete.after", [task], clock.now());
    },

    async retry(id, { userId } = {}) {
      checkName("userId", userId);
      const changed = await store.retry(id, userId);
      return changed
        ? updated(changed.task, changed.nowMs)
        : throwConflict(id, "retried", "Error", "Completed");
    },

    async cancel(id, { userId } = {}) {
      checkName("userId", userId);
      const current = await tasks.get(id);
      const error: TaskErrorData = {
        message:
          current.task_status === "Running"
            ? "the task was cancelled while another program ran it"
            : "the task was cancelled before it started",
        name: "CancelledError",
        code: "cancelled" satisfies TaskErrorCode,
        attempts: current.attempts,
      };
      const task = await store.cancel(id, error, userId);
      return task ? updated(task, clock.now()) : throwConflict(id, "cancelled", "Not started", "Running");
    },
  };
  return tasks;
}

function listed(store: Store, filter: ListFilter, bytes: number): Promise<Page> {
  return lookedOf(filter).length === 0 ? store.list(filter, bytes) : store.search(filter, bytes);
}

/** @throws TickworkError `invalid_request` */
export function checkName(path: string, given: string | undefined): void {
  if (given === undefined) return;
  if (typeof given !== "string" || given.length === 0 || given.length > NAME_LIMIT || !isStorable(given))
    throw refusal(path, mustBe(`a string of 1 to ${NAME_LIMIT} characters`, given));
}

const CONFLICTS: Readonly<Record<TaskStatus, ErrorCode>> = {
  "Not started": "task_waiting",
  Running: "task_running",
  Completed: "task_finished",
  Error: "task_finished",
};
