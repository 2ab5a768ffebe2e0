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
import { withOutcomes } from "../store/insert-unique.ts";
import { isSearch } from "../store/search.ts";
import type { Page, Store } from "../store/store.ts";
import { type Encryption, isSealed } from "../tasks/encryption.ts";
import { loadSchemas } from "../tasks/load-schemas.ts";
import type { Registry } from "../tasks/registry.ts";
import { checkSort } from "../tasks/sort.ts";
import { isStorable } from "../tasks/storable.ts";
import type { NewTask, Task, TaskChanges, TaskErrorData, TaskStatus } from "../tasks/task.ts";
import type { ListFilter, Tasks } from "../tasks/tasks.ts";
import type { Announcer } from "./announce.ts";

export interface TasksDeps {
  store: Store;
  registry: Registry;
  clock: Pick<Clock, "now">;
}

export function createTasks({ store, registry, clock }: TasksDeps, announcer: Announcer): Tasks {
  const { encryption } = registry;
  const updated = async (task: Task, nowMs: number) => {
    await announcer.afterWrite("items.update.after", [task], nowMs);
    return encryption.open(task);
  };
  /** As its row has it. */
  const find = async (id: number): Promise<Task> => {
    const task = await store.get(id);
    if (!task) throw taskNotFound(id);
    return task;
  };
  /** Says why a statement for tasks in some statuses found none. */
  const throwConflict = async (id: number, what: string, ...accepted: TaskStatus[]): Promise<never> => {
    const { task_status } = await find(id);
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
      const checked = sealed(encryption, await checkNewTasks(registry, given));
      if (idempotencyKey === undefined) {
        const created = await store.insert(checked, userId);
        await announcer.afterCreate(created);
        return withOutcomes(created).map(encryption.open);
      }
      const hash = createHash("sha256").update(JSON.stringify(given)).digest("hex");
      const created = await store.insertOnce(checked, idempotencyKey, hash, userId);
      if (created.made) await announcer.afterCreate(created);
      // It may be repeated because the first call died before it could announce what it had created.
      else await announcer.announce(created.tasks, created.nowMs);
      return withOutcomes(created).map(encryption.open);
    },

    get: async (id) => encryption.open(await find(id)),

    list: async (filter) => (await listed(store, filter, Number.MAX_SAFE_INTEGER)).tasks.map(encryption.open),

    async page(filter) {
      const page = await listed(store, filter, ANSWER_LIMIT_BYTES);
      return { ...page, tasks: page.tasks.map(encryption.open) };
    },

    async update(id, changes, { userId } = {}) {
      checkName("userId", userId);
      const current = await find(id);
      const { checkChanges } = await loadSchemas();
      const checked = await checkChanges(registry, readable(encryption, current, changes), changes);
      const changed = await store.patch(id, resealed(encryption, current, checked), userId);
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
      const current = await find(id);
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

/** New tasks as their rows have them. @throws TickworkError `encryption_key_missing` */
export function sealed(encryption: Encryption, tasks: readonly NewTask[]): NewTask[] {
  return tasks.map((task) =>
    encryption.encrypts(task.type)
      ? { ...task, task_data: encryption.sealData(task.type, task.task_data) }
      : task,
  );
}

/** The task that is to be changed, with its data as its schema knows it; where only its time changes, as it is. */
function readable(encryption: Encryption, current: Task, changes: TaskChanges): Task {
  if (!isSealed(current.task_data) || !asksForData(changes)) return current;
  return { ...current, task_data: encryption.openData(current) };
}

const asksForData = (changes: TaskChanges | null | undefined): boolean =>
  changes?.task_data === undefined && (changes?.type !== undefined || changes?.version !== undefined);

/** Changes as their row has them. @throws TickworkError `invalid_request`, `encryption_key_missing` */
function resealed(encryption: Encryption, current: Task, changes: TaskChanges): TaskChanges {
  const { type = current.type, task_data } = changes;
  if (task_data !== undefined) return { ...changes, task_data: encryption.sealData(type, task_data) };
  // What another request writes meanwhile would be lost, were the old data encrypted anew.
  if (type !== current.type && (isSealed(current.task_data) || encryption.encrypts(type)))
    throw refusal("task_data", "must be given with the type, for data is encrypted for its type");
  return changes;
}

async function listed(store: Store, filter: ListFilter, bytes: number): Promise<Page> {
  checkSort(filter);
  return isSearch(filter) ? store.search(filter, bytes) : store.list(filter, bytes);
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
