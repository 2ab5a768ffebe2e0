/** An operation on many tasks, as the handler of the task that it is. */
import type * as v from "valibot";
import type { Clock } from "../clock.ts";
import { PermanentError, RetryAfter, TickworkError } from "../errors.ts";
import { BULK_ATTEMPTS, BULK_COUNT_MS, BULK_MARGIN_MS, UNIQUE_TRIES } from "../limits.ts";
import { ABORT_MESSAGES } from "../run/abort.ts";
import type { BulkStep } from "../store/bulk.ts";
import type { Store } from "../store/store.ts";
import { checked } from "../tasks/accepts.ts";
import { defineTask } from "../tasks/define-task.ts";
import {
  BULK_TYPE,
  type BulkCount,
  type BulkRequest,
  type BulkResult,
  statusOf,
  TAKEN_BY,
} from "../tasks/filter.ts";
import { BulkDataSchema } from "../tasks/filter-schema.ts";
import type { Task, TaskStatus } from "../tasks/task.ts";
import type { Announcer } from "./announce.ts";

export interface BulkDeps {
  store: Pick<Store, "beginBulk" | "bulkStep" | "countSome" | "getMany">;
  announcer: Pick<Announcer, "afterWrite" | "notifyChanged">;
  clock: Pick<Clock, "now">;
}

const MESSAGE = "the task was cancelled with others";

/** The statuses of the tasks that a request takes. */
function statusesOf({ action, filter }: Pick<BulkRequest, "action" | "filter">): readonly TaskStatus[] {
  const status = statusOf(filter);
  return status === undefined ? TAKEN_BY[action].usual : [status];
}

export function createBulkTask({ store, announcer, clock }: BulkDeps) {
  /** Others may take a key between the look and the write; then it is taken to be seen. */
  const step = async (...given: Parameters<Store["bulkStep"]>) => {
    for (let left = UNIQUE_TRIES; ; left--)
      try {
        return await store.bulkStep(...given);
      } catch (error) {
        if (left === 1 || !(error instanceof TickworkError) || error.code !== "unique_key_taken") throw error;
      }
  };
  /** Why a batch changed nothing: this worker hears of it a moment later. */
  const stopped = async ({ id, attempts }: Task) => {
    const [now] = (await store.getMany([id])).tasks;
    if (now?.attempts !== attempts || !now.cancel_requested)
      return new Error("another worker goes on with this operation");
    const error = new PermanentError(ABORT_MESSAGES.cancelled, { code: "cancelled" });
    return Object.assign(error, { name: "CancelledError" });
  };
  return defineTask({
    type: BULK_TYPE,
    data: BulkDataSchema,
    maxAttempts: BULK_ATTEMPTS,
    async run(
      { action, filter, scheduled_time },
      { task, attempt, signal, deadline, progress, log },
    ): Promise<BulkResult> {
      const statuses = statusesOf({ action, filter });
      const event = action === "delete" ? "items.delete.after" : "items.update.after";
      const resumed = await store.beginBulk(task.id);
      const { lowest } = resumed;
      let { state } = resumed;
      // Whoever changed them may have died before the cache was told.
      if (state.ids.length > 0) await announcer.notifyChanged(state.ids);
      while (state.pass === 0) {
        signal.throwIfAborted();
        if (clock.now() > deadline.getTime() - BULK_MARGIN_MS)
          throw new RetryAfter(0, "the time of this attempt is up; the next one goes on from there");
        const what: BulkStep = {
          action,
          filter,
          statuses,
          attempt,
          scheduled_time,
          message: MESSAGE,
          userId: task.userCreated_Id,
        };
        const done = await step(task.id, state, what);
        if (!done) throw await stopped(task);
        await announcer.afterWrite(event, done.tasks, done.nowMs);
        state = done.state;
        const share = (task.id - state.before_id) / Math.max(1, task.id - lowest);
        await progress(state.pass > 0 ? 1 : Math.min(1, share));
      }
      const { matched, changed } = state;
      const result: BulkResult = { action, matched, changed, skipped: matched - changed };
      log.info("a bulk operation is done", { ...result });
      return result;
    },
  });
}

/** Counts what a request would take now, as far as a few seconds go. */
export async function countBulk(
  { store, clock }: Pick<BulkDeps, "store" | "clock">,
  request: Pick<BulkRequest, "action" | "filter">,
): Promise<BulkCount> {
  const untilMs = clock.now() + BULK_COUNT_MS;
  let total = 0;
  for (let before: number | undefined = Number.MAX_SAFE_INTEGER; before !== undefined; ) {
    if (clock.now() >= untilMs) return { count: total, exact: false };
    const { count, next } = await store.countSome(request.filter, statusesOf(request), before);
    total += count;
    before = next;
  }
  return { count: total, exact: true };
}

/** @throws TickworkError `invalid_request` with an issue for each field that is not what it must be */
export function checkBulk(given: unknown): v.InferOutput<typeof BulkDataSchema> {
  return checked(BulkDataSchema, given);
}
