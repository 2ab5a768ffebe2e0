/** Locks that extensions written for newer versions of Baasix use. They belong to the process that took them. */
import { randomUUID } from "node:crypto";
import { type Operator, TickworkError } from "#core";
import { messageOf, mustBe, refusal } from "../core/errors.ts";
import { NAME_LIMIT } from "../core/limits.ts";
import type { TaskInstance } from "./instance.ts";
import { TasksModel } from "./model.ts";
import { inUse } from "./tickwork.ts";

/** How long a lock lasts when nobody says, and its process does not prolong it. */
const LOCK_SECONDS = 60;
/** What a lock may last, in seconds: a day. */
const LOCK_LIMIT_SECONDS = 86_400;

/** Names this process to the locks. */
const holder = randomUUID();
/** What ends the prolonging of the locks that this process holds. */
const renewals = new WeakMap<Operator, () => void>();

/**
 * Takes the lock of the task processor: until `releaseLock`, no other process gets it and no tick starts a task. It is
 * prolonged while this process lives. False: a task is running, or another process has the lock.
 *
 * @param lockTimeoutSeconds how long it lasts once this process is dead; default 60
 * @example if (!(await tasksService.tryAcquireLock())) return;
 */
export async function tryAcquireLock(lockTimeoutSeconds = LOCK_SECONDS): Promise<boolean> {
  const ttlMs = millisecondsOf("lockTimeout", lockTimeoutSeconds);
  const { operator, log } = inUse();
  // Two jobs of one process must not both have it.
  if (renewals.has(operator)) return false;
  if (!(await operator.tryLock(holder, ttlMs))) return false;
  const stop = () => {
    clearInterval(timer);
    renewals.delete(operator);
  };
  const renew = async () => {
    try {
      if (!(await operator.tryLock(holder, ttlMs))) stop();
    } catch (error) {
      log.warn("the lock of the task processor could not be prolonged", { error: messageOf(error) });
    }
  };
  const timer = setInterval(() => void renew(), ttlMs / 3).unref();
  renewals.set(operator, stop);
  return true;
}

/** Releases it. False: this process did not hold it. */
export async function releaseLock(): Promise<boolean> {
  const { operator } = inUse();
  renewals.get(operator)?.();
  return operator.unlock(holder);
}

/**
 * Sets a waiting task to `Running`, for whoever calls it and for nobody else.
 *
 * @returns the task; null when it does not wait any more, or another one is running
 * @example if (!(await tasksService.claimTask(task.id))) return;
 */
export async function claimTask(id: number | string): Promise<TaskInstance | null> {
  try {
    const where = { id, task_status: "Not started" };
    const [, [task]] = await TasksModel.update({ task_status: "Running" }, { where, returning: true });
    return task ?? null;
  } catch (error) {
    if (error instanceof TickworkError && error.code === "task_running") return null;
    throw error;
  }
}

/**
 * Takes a lock of any name, of which one process has one at a time: for scheduled jobs that run in several.
 *
 * @param ttlSeconds how long it lasts if it is not released; default 60
 * @example if (!(await tasksService.acquireJobLock("nightly-report", 300))) return;
 */
export async function acquireJobLock(name: string, ttlSeconds = LOCK_SECONDS): Promise<boolean> {
  const ttlMs = millisecondsOf("ttlSeconds", ttlSeconds);
  // In Postgres, where the tasks are: a lock that Redis may evict is none.
  const text = `insert into tickwork_flags (name, token, expires_at)
    values ('job:' || $1::text, $2::text, now() + $3::float8 * interval '1 millisecond')
    on conflict (name) do update set token = excluded.token, expires_at = excluded.expires_at
      where tickwork_flags.expires_at <= now() returning name`;
  return (await inUse().database.query({ text, params: [nameOf(name), holder, ttlMs] })).length > 0;
}

/** Releases it. False: this process did not hold it. */
export async function releaseJobLock(name: string): Promise<boolean> {
  const text = `delete from tickwork_flags
    where name = 'job:' || $1::text and token = $2::text and expires_at > now() returning name`;
  return (await inUse().database.query({ text, params: [nameOf(name), holder] })).length > 0;
}

function nameOf(name: unknown): string {
  if (typeof name === "string" && name.length > 0 && name.length <= NAME_LIMIT) return name;
  throw refusal("name", mustBe(`a text of 1 to ${NAME_LIMIT} characters`, name));
}

function millisecondsOf(path: string, seconds: unknown): number {
  if (typeof seconds === "number" && seconds > 0 && seconds <= LOCK_LIMIT_SECONDS) return seconds * 1000;
  throw refusal(path, mustBe(`seconds above 0, up to ${LOCK_LIMIT_SECONDS}`, seconds));
}
