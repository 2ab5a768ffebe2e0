import type { DataOf, NewTask, ResultOf, Stored, Task, TaskDefinition } from "#core";
import type { CreateOptions } from "../core/tasks/tasks.ts";

/** A task of this definition: the row, with the types of its data and its result. */
export interface TaskOf<Definition extends TaskDefinition>
  extends Omit<Task, "type" | "task_data" | "result_data"> {
  type: Definition["type"];
  task_data: Stored<DataOf<Definition>>;
  /** Null until it is completed. */
  result_data: ResultOf<Definition> | null;
}

/** What may be said about a task beside its data. */
export interface TaskSettings {
  /** When it is due: a Date, or ISO 8601 with a zone. Default: now. */
  at?: Date | string | undefined;
  /** How often it may fail before it ends in `Error`, 1 to 1,000. Default: what its definition says. */
  maxAttempts?: number | undefined;
  /** A file that belongs to the task: 1 to 255 characters, opaque to Tickwork. */
  attachmentId?: string | undefined;
}

export interface EnqueueOptions extends TaskSettings, CreateOptions {}

/** What follows the definition; the data may be left out where its schema does not need any. */
export type EnqueueArguments<Definition extends TaskDefinition> =
  undefined extends DataOf<Definition>
    ? [data?: DataOf<Definition>, options?: EnqueueOptions]
    : [data: DataOf<Definition>, options?: EnqueueOptions];

/** Creates tasks of a definition: its types say what data they take. */
export interface Enqueuer {
  /**
   * Creates a task.
   *
   * @throws TickworkError as `tasks.create`
   * @example await tickwork.enqueue(greet, { name: "Ada" }, { maxAttempts: 3 });
   */
  enqueue<Definition extends TaskDefinition>(
    definition: Definition | Definition["type"],
    ...given: EnqueueArguments<Definition>
  ): Promise<TaskOf<Definition>>;
}

/** Enqueues by definition what `create` creates by type. */
export function createEnqueuer(
  create: (tasks: readonly NewTask[], options: CreateOptions) => Promise<Task[]>,
): Enqueuer {
  const enqueuer = {
    async enqueue(named: TaskDefinition | string, data?: unknown, options: EnqueueOptions = {}) {
      const { at, maxAttempts, attachmentId, idempotencyKey, userId } = options;
      const [task] = await create(
        [
          {
            type: typeof named === "string" ? named : named.type,
            task_data: data,
            scheduled_time: at,
            max_attempts: maxAttempts,
            attachment_id: attachmentId,
          },
        ],
        { idempotencyKey, userId },
      );
      return task;
    },
  };
  // What the row is is what its definition says.
  return enqueuer as unknown as Enqueuer;
}
