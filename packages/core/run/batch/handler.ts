/** The handlers of a batch: one at a time, for one task or for many. What few of them use is made when they ask for it. */
import type { Clock } from "../../clock.ts";
import { ABORT_GRACE_MS } from "../../limits.ts";
import type { Logger } from "../../log.ts";
import type {
  BatchContext,
  BatchItem,
  Enqueuer,
  TaskContext,
  TaskDefinition,
} from "../../tasks/define-task.ts";
import { NO_NOTES } from "../../tasks/notes.ts";
import { dataFor } from "../../tasks/registry.ts";
import { outcomesOf } from "../../tasks/run-many.ts";
import type { Task } from "../../tasks/task.ts";
import type { Tasks } from "../../tasks/tasks.ts";
import { type AbortCode, TaskAborted } from "../abort.ts";
import type { HandlerEnd } from "../attempt.ts";

export interface HandlerParts {
  clock: Clock;
  log: Logger;
  tasks: Tasks;
  enqueuer: Enqueuer;
  handlerConfig: TaskContext["config"];
  readRows: TaskContext["readRows"];
  deleteFinished(olderThanDays: number, options: { keepId: number; signal: AbortSignal }): Promise<number>;
  progress(id: number, fraction: number): Promise<void>;
}

/** What runs now: the task, or the tasks, of one call. A class, for there are many of them: what is rare costs nothing. */
export class Call {
  /** Why its signal was aborted, if it was. */
  reason: TaskAborted | undefined;
  readonly definition: TaskDefinition;
  readonly tasks: readonly Task[];
  readonly deadlineMs: number;
  readonly #parts: HandlerParts;
  #controller: AbortController | undefined;
  #cancelled: Set<number> | undefined;
  #endGrace: (() => void) | undefined;
  #resolve: (ends: readonly HandlerEnd[] | undefined) => void = () => {};

  constructor(parts: HandlerParts, definition: TaskDefinition, tasks: readonly Task[], deadlineMs: number) {
    this.#parts = parts;
    this.definition = definition;
    this.tasks = tasks;
    this.deadlineMs = deadlineMs;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.reason) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  abort(code: AbortCode): void {
    if (this.reason) return;
    this.reason = new TaskAborted(code);
    this.#controller?.abort(this.reason);
    this.#endGrace = this.#parts.clock.after(ABORT_GRACE_MS, () => this.#resolve(undefined));
  }

  /** One of many was cancelled. */
  cancel(id: number): void {
    this.#cancelled ??= new Set();
    this.#cancelled.add(id);
  }

  isCancelled(id: number): boolean {
    return this.#cancelled?.has(id) ?? false;
  }

  /** How it ended, one end for each task; undefined when it ignored its signal for too long (rule 11). Never rejects. */
  run(): Promise<readonly HandlerEnd[] | undefined> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      void this.#perform();
    });
  }

  async #perform(): Promise<void> {
    const [task] = this.tasks;
    const ends =
      this.definition.runMany || !task ? await this.#performMany() : [await this.#performOne(task)];
    this.#endGrace?.();
    this.#resolve(ends);
  }

  async #performOne(task: Task): Promise<HandlerEnd> {
    const { definition } = this;
    try {
      let data = task.task_data;
      if (definition.data || definition.migrate) {
        const checked = await dataFor(definition, task);
        if ("issues" in checked) return checked;
        // It may have been told to stop meanwhile.
        if (this.reason) throw this.reason;
        data = checked.value;
      }
      return { value: await definition.run(data, contextOf(this.#parts, task, this)) };
    } catch (error) {
      return { error };
    }
  }

  async #performMany(): Promise<readonly HandlerEnd[]> {
    const { definition, tasks } = this;
    const ends: HandlerEnd[] = [];
    const items: { item: BatchItem<unknown>; n: number }[] = [];
    for (const [n, task] of tasks.entries()) {
      try {
        const checked = await dataFor(definition, task);
        if ("issues" in checked) ends[n] = checked;
        else items.push({ n, item: itemOf(task, checked.value, this) });
      } catch (error) {
        ends[n] = { error };
      }
    }
    if (items.length === 0) return ends;
    try {
      if (this.reason) throw this.reason;
      const given = items.map(({ item }) => item);
      const answered = await definition.runMany?.(given, manyContextOf(this.#parts, this));
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

function contextOf(parts: HandlerParts, task: Task, call: Call): TaskContext {
  const { log, tasks, enqueuer, handlerConfig: config } = parts;
  let own: Logger | undefined;
  return {
    task,
    attempt: task.attempts,
    get signal() {
      return call.signal;
    },
    get deadline() {
      return new Date(call.deadlineMs);
    },
    progress: (fraction) => parts.progress(task.id, fraction),
    notes: NO_NOTES,
    get log() {
      own ??= log.with({ task: task.id, type: task.type, attempt: task.attempts });
      return own;
    },
    tasks,
    enqueue: enqueuer.enqueue,
    enqueueMany: enqueuer.enqueueMany,
    config,
    readRows: parts.readRows,
    deleteFinished: (days) => parts.deleteFinished(days, { keepId: task.id, signal: call.signal }),
  };
}

function manyContextOf(parts: HandlerParts, call: Call): BatchContext {
  const { log, tasks, enqueuer, handlerConfig: config } = parts;
  const { type } = call.definition;
  return {
    signal: call.signal,
    deadline: new Date(call.deadlineMs),
    log: log.with({ type, tasks: call.tasks.length }),
    tasks,
    ...enqueuer,
    config,
    readRows: parts.readRows,
    // Running tasks are never deleted, so no id has to be kept.
    deleteFinished: (days) => parts.deleteFinished(days, { keepId: 0, signal: call.signal }),
  };
}

/** Names the tasks of a call in a message. */
export function nameOf({ tasks, definition }: Call): string {
  const [task] = tasks;
  const which = tasks.length === 1 ? `task ${task?.id}` : `${tasks.length} tasks from ${task?.id} on`;
  return `${which} (${definition.type})`;
}
