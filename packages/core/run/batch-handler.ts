/** The handlers of a batch: one at a time, for one task or for many. What few of them use is made when they ask for it. */
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { ABORT_GRACE_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { BatchContext, BatchItem, Enqueuer, TaskContext, TaskDefinition } from "../tasks/define-task.ts";
import { checkData } from "../tasks/registry.ts";
import { outcomesOf } from "../tasks/run-many.ts";
import type { Task } from "../tasks/task.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { type AbortCode, TaskAborted } from "./abort.ts";
import { type HandlerEnd, perform } from "./attempt.ts";

export interface HandlerParts {
  clock: Clock;
  log: Logger;
  tasks: Tasks;
  enqueuer: Enqueuer;
  handlerConfig: TaskContext["config"];
  deleteFinished(olderThanDays: number, options: { keepId: number; signal: AbortSignal }): Promise<number>;
  progress(id: number, fraction: number): Promise<void>;
}

/** What runs now: the task, or the tasks, of one call. */
export interface Call {
  readonly definition: TaskDefinition;
  readonly tasks: readonly Task[];
  readonly startedMs: number;
  readonly deadlineMs: number;
  /** Why its signal was aborted, if it was. */
  readonly reason: TaskAborted | undefined;
  abort(code: AbortCode): void;
  /** One of many was cancelled. */
  cancel(id: number): void;
  isCancelled(id: number): boolean;
  /** Runs it: how it ended, one end for each task; undefined when it ignored its signal for too long (rule 11). */
  run(): Promise<readonly HandlerEnd[] | undefined>;
}

export function createCall(
  parts: HandlerParts,
  definition: TaskDefinition,
  tasks: readonly Task[],
  startedMs: number,
  deadlineMs: number,
): Call {
  let reason: TaskAborted | undefined;
  let controller: AbortController | undefined;
  let endGrace = () => {};
  let ignore = () => {};
  const cancelled = new Set<number>();
  const signalOf = () => {
    if (!controller) {
      controller = new AbortController();
      if (reason) controller.abort(reason);
    }
    return controller.signal;
  };
  const call: Call = {
    definition,
    tasks,
    startedMs,
    deadlineMs,
    get reason() {
      return reason;
    },
    abort(code) {
      if (reason) return;
      reason = new TaskAborted(code);
      controller?.abort(reason);
      endGrace = parts.clock.after(ABORT_GRACE_MS, ignore);
    },
    cancel: (id) => void cancelled.add(id),
    isCancelled: (id) => cancelled.has(id),
    run: () =>
      new Promise((resolve) => {
        ignore = () => resolve(undefined);
        void performAll(parts, call, signalOf).then((ends) => {
          endGrace();
          resolve(ends);
        });
      }),
  };
  return call;
}

/** Never rejects. */
async function performAll(
  parts: HandlerParts,
  call: Call,
  signalOf: () => AbortSignal,
): Promise<readonly HandlerEnd[]> {
  const { definition, tasks } = call;
  const throwIfAborted = () => {
    if (call.reason) throw call.reason;
  };
  const [task] = tasks;
  if (!definition.runMany && task)
    return [await perform(definition, contextOf(parts, task, call, signalOf), throwIfAborted)];
  const ends: HandlerEnd[] = [];
  const items: { item: BatchItem<unknown>; n: number }[] = [];
  for (const [n, task] of tasks.entries()) {
    try {
      const checked = await checkData(definition, task.task_data);
      if ("issues" in checked) ends[n] = checked;
      else items.push({ n, item: itemOf(task, checked.value, call) });
    } catch (error) {
      ends[n] = { error };
    }
  }
  try {
    throwIfAborted();
    const given = items.map(({ item }) => item);
    const answered =
      given.length > 0 ? await definition.runMany?.(given, manyContextOf(parts, call, signalOf)) : [];
    const outcomes = outcomesOf(definition.type, answered, items.length);
    items.forEach(({ n }, at) => {
      const outcome = outcomes[at];
      ends[n] = outcome && "result" in outcome ? { value: outcome.result } : { error: outcome?.error };
    });
  } catch (error) {
    for (const { n } of items) ends[n] = { error };
  }
  return ends;
}

function itemOf(task: Task, data: unknown, call: Call): BatchItem<unknown> {
  return {
    data,
    task,
    attempt: task.attempts,
    get cancelled() {
      return call.isCancelled(task.id);
    },
  };
}

function contextOf(parts: HandlerParts, task: Task, call: Call, signalOf: () => AbortSignal): TaskContext {
  const { log, tasks, enqueuer, handlerConfig: config } = parts;
  let own: Logger | undefined;
  return {
    task,
    attempt: task.attempts,
    get signal() {
      return signalOf();
    },
    get deadline() {
      return new Date(call.deadlineMs);
    },
    progress: (fraction) => parts.progress(task.id, fraction),
    get log() {
      own ??= log.with({ task: task.id, type: task.type, attempt: task.attempts });
      return own;
    },
    tasks,
    enqueue: enqueuer.enqueue,
    enqueueMany: enqueuer.enqueueMany,
    config,
    deleteFinished: (days) => parts.deleteFinished(days, { keepId: task.id, signal: signalOf() }),
  };
}

function manyContextOf(parts: HandlerParts, call: Call, signalOf: () => AbortSignal): BatchContext {
  const { log, tasks, enqueuer, handlerConfig: config } = parts;
  const { type } = call.definition;
  return {
    signal: signalOf(),
    deadline: new Date(call.deadlineMs),
    log: log.with({ type, tasks: call.tasks.length }),
    tasks,
    ...enqueuer,
    config,
    // Running tasks are never deleted, so no id has to be kept.
    deleteFinished: (days) => parts.deleteFinished(days, { keepId: 0, signal: signalOf() }),
  };
}

/** Names the tasks of a call in a message. */
export function nameOf({ tasks, definition }: Call, reason: TaskAborted | undefined): string {
  const [task] = tasks;
  const which = tasks.length === 1 ? `task ${task?.id}` : `${tasks.length} tasks from ${task?.id} on`;
  return `the handler of ${which} (${definition.type}) was still running ${ABORT_GRACE_MS} ms after its signal: ${messageOf(reason)}`;
}
