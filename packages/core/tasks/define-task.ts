import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Logger } from "../log.ts";
import type { TypeLimit } from "./define-limit.ts";
import type { HandlerConfig } from "./handler-config.ts";
import type { TaskNotes } from "./notes.ts";
import { type ItemOutcome, madeOfMany, outcomesOf } from "./run-many.ts";
import type { Stored } from "./stored.ts";
import type { OnConflict, Task, UniqueBy, UniqueFor } from "./task.ts";
import type { CreateOptions, Tasks } from "./tasks.ts";

/**
 * What a handler gets beside its data: its task, and no more of Tickwork than it may touch.
 *
 * @example
 * const welcome = defineTask({
 *   type: "welcome",
 *   run: async (_, { enqueue }) => {
 *     await enqueue(greet, { name: "Ada" });
 *   },
 * });
 */
export interface TaskContext extends Enqueuer {
  /** The row as it was claimed. `task.id` is the same in every attempt: use it to make effects idempotent. */
  task: Task;
  /** 1 for the first start of this task, 2 for the second, … */
  attempt: number;
  /**
   * Aborts when the time limit is reached, the task is cancelled, the process has to stop, or the lease is lost;
   * `signal.reason` is a TaskAborted that says which. A handler that ignores it for 5 seconds costs its process.
   */
  signal: AbortSignal;
  /** When the signal will abort for the time limit at the latest. */
  deadline: Date;
  /** Reports how far the task is, 0 to 1. Written at most once a second. */
  progress(fraction: number): Promise<void>;
  /** What later attempts must know, should this one fail or its worker die. Not for types with `batch`. */
  notes: TaskNotes;
  /** Adds the task's id, type and attempt to every line. */
  log: Logger;
  /** Creates more tasks; finds, changes and cancels them. */
  tasks: Tasks;
  config: HandlerConfig;
  /** Reads rows from the database that Tickwork's table is in; the transaction can write nothing. */
  readRows<Row>(statement: { text: string; params?: readonly unknown[] }): Promise<Row[]>;
  /** Deletes the tasks that finished more than so many days ago, until `signal` aborts. Returns how many. */
  deleteFinished(olderThanDays: number): Promise<number>;
}

/**
 * How tasks of a type run in batches: many are leased together, run one at a time in order, and settled together.
 *
 * @example const count = defineTask({ type: "count", batch: { size: 100 }, run: async () => {} });
 */
export interface BatchOptions {
  /** Tasks that are leased and not settled yet, at most; a worker that dies has at most these run again. 1 to 1,000. Default 500. */
  size?: number;
  /** How long after its handler a task is settled at the latest, in milliseconds, 1 to 1,000. Default 200. */
  settleWithinMs?: number;
}

/** One of the tasks that `runMany` gets. */
export interface BatchItem<Data> {
  data: Data;
  /** The row as it was leased. `task.id` is the same in every attempt: use it to make effects idempotent. */
  task: Task;
  /** 1 for the first start of this task, 2 for the second, … */
  attempt: number;
  /** Whether this task was cancelled since. The others go on; what is answered for it does not count. */
  readonly cancelled: boolean;
}

/** What `runMany` gets beside its items: what a handler gets, but for what belongs to one task. */
export type BatchContext = Omit<TaskContext, "task" | "attempt" | "progress" | "notes">;

/** A type of task: its name, what its data must look like, and its code. */
export interface TaskDefinition<
  Schema extends StandardSchemaV1 = StandardSchemaV1,
  Result = unknown,
  Type extends string = string,
> {
  /** What callers give as `type`; 1 to 255 characters. */
  type: Type;
  /**
   * A whole number, 1 to 1,000; default 1. Raise it when older code must not run new tasks, for it could not read their
   * data, or would do something else. Each task keeps the version it was created with, and waits for code that reads
   * it.
   */
  version?: number;
  /**
   * Makes data of this version of that of an older one. Without it, tasks of older versions are left to older code.
   * What it throws ends the task in `Error`, with the code `migration_failed`.
   */
  migrate?(data: unknown, fromVersion: number): unknown;
  /** Any Standard Schema (Valibot, Zod, ArkType, …). Checked when a task is posted and again when it runs. */
  data?: Schema;
  /** How often it may fail before it ends in `Error`. Default 1. */
  maxAttempts?: number;
  /** Seconds that one attempt may take. Default and, on Lambda, maximum: 750 (12.5 minutes). */
  timeoutSeconds?: number;
  /** The pause before attempt `failures + 1`, in milliseconds. Default: 1 s, doubling to an hour, with jitter. */
  backoffMs?: (failures: number) => number;
  /**
   * For short work that may be repeated: tasks are leased and settled many at a time. If the worker dies, those that
   * were not settled yet run again. Default: each task is settled before the next one starts.
   */
  batch?: boolean | BatchOptions;
  /** How many of its tasks run at once and start in a period; see `defineLimit`. Default: no limit. */
  limit?: TypeLimit;
  /** How its tasks are unique, wherever the definition is known; not those that are created by the name of the type elsewhere. */
  unique?: UniqueBy<StandardSchemaV1.InferOutput<Schema>>;
  /**
   * Keeps its data, results and the messages of its errors encrypted in Postgres and Redis, with
   * `TASK_ENCRYPTION_KEYS`. Handlers and readers of tasks see them as they are. Default false.
   */
  encrypt?: boolean;
  /**
   * Days after which refreshes delete its finished tasks, 1 to 36,500; null: never. Default: what `TASK_RETENTION_DAYS`
   * and `TASK_ERROR_RETENTION_DAYS` say.
   */
  retentionDays?: number | null;
  /** The same for those that ended in `Error`. Default: `retentionDays`, if that is given. */
  errorRetentionDays?: number | null;
  /** Another program runs it; see `foreignTask`. */
  foreign?: boolean;
  /** Does the work. What it returns (JSON) becomes `result_data`; what it throws becomes `error_data`. */
  run(data: StandardSchemaV1.InferOutput<Schema>, context: TaskContext): Promise<Result>;
  /**
   * Does the work of many tasks in one call, in place of `run`: answers one outcome for each item, in their order. What
   * it throws is the error of all of them. It gets as many as are due, up to the size of the batch.
   */
  runMany?(
    items: readonly BatchItem<StandardSchemaV1.InferOutput<Schema>>[],
    context: BatchContext,
  ): Promise<readonly ItemOutcome<Result>[]>;
}

/** What `defineTask` takes: a handler for one task, or one for many. */
export type DefinitionOf<
  Schema extends StandardSchemaV1 = StandardSchemaV1,
  Result = unknown,
  Type extends string = string,
> = Omit<TaskDefinition<Schema, Result, Type>, "run" | "runMany"> &
  (
    | (Pick<TaskDefinition<Schema, Result, Type>, "run"> & { runMany?: never })
    | (Required<Pick<TaskDefinition<Schema, Result, Type>, "runMany">> & { run?: never })
  );

/** Definitions of any data: methods are checked bivariantly, so all fit. */
export type Definitions = readonly TaskDefinition<StandardSchemaV1>[];

/**
 * What `task_data` a task of this definition takes.
 *
 * @example const data: DataOf<typeof greet> = { name: "Ada" };
 */
export type DataOf<Definition extends TaskDefinition> =
  Definition extends TaskDefinition<infer Schema> ? StandardSchemaV1.InferInput<Schema> : never;

/**
 * What a task of this definition leaves in `result_data`: what `run` returns, as JSON has it.
 *
 * @example const result: ResultOf<typeof greet> = { hello: "Ada" };
 */
export type ResultOf<Definition extends TaskDefinition> =
  Definition extends TaskDefinition<infer _, infer Result> ? Stored<Result> : never;

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
  /** The version of its type. Default: what its definition says; where only its name is given, 1, or what the server's says. */
  version?: number | undefined;
  /**
   * Among tasks of its type, one at a time has this key, 1 to 255 characters; null: none. When another has it, that one
   * is the answer, and `unique_outcome` says so. Default: what its definition says.
   */
  uniqueKey?: string | null | undefined;
  /** How long the key is taken. Default: what its definition says, or else `waiting`. */
  uniqueFor?: UniqueFor | undefined;
  /** What to do when the key is taken. Default: what its definition says, or else `keep`. */
  onConflict?: OnConflict | undefined;
  /**
   * How many seconds after its creation a waiting task may be due at the latest, however often it is postponed or
   * replaced. `postpone` needs it.
   */
  longestWaitSeconds?: number | undefined;
  /** From -100 to 100, default 0: among the tasks of its group, each point is worth a minute of waiting. */
  priority?: number | undefined;
  /** A named line, which may have limits of its own: 1 to 255 characters. */
  queue?: string | undefined;
  /** Whose task it is: keys take turns, those that are alike up to the first `/` together. 1 to 255 characters. */
  concurrencyKey?: string | undefined;
}

/** What may be said about a task that is enqueued, and about the request. */
export interface EnqueueOptions extends TaskSettings, CreateOptions {}

/** What follows the definition; the data may be left out where its schema does not need any. */
export type EnqueueArguments<
  Definition extends TaskDefinition,
  Request extends CreateOptions = CreateOptions,
> =
  undefined extends DataOf<Definition>
    ? [data?: DataOf<Definition>, options?: TaskSettings & Request]
    : [data: DataOf<Definition>, options?: TaskSettings & Request];

/** One of many tasks of a definition. */
export type EnqueueEntry<Definition extends TaskDefinition> = TaskSettings &
  (undefined extends DataOf<Definition> ? { data?: DataOf<Definition> } : { data: DataOf<Definition> });

/** Creates tasks of a definition: its types say what data they take, `Request` what may be said about the request. */
export interface Enqueuer<Request extends CreateOptions = CreateOptions> {
  /**
   * Creates a task. Its definition may be imported as a type only, so that the code of its handler stays out: then name
   * it. A task that enqueues its own type does so by its name.
   *
   * @throws TickworkError as `tasks.create`; paths of issues name the fields of the row
   * @example
   * await enqueue(greet, { name: "Ada" }, { at: new Date(Date.now() + 60_000), maxAttempts: 3 });
   * await enqueue<typeof greet>("greet", { name: "Ada" }, { idempotencyKey: "welcome-7" });
   */
  enqueue<Definition extends TaskDefinition>(
    definition: Definition | Definition["type"],
    ...given: EnqueueArguments<Definition, Request>
  ): Promise<TaskOf<Definition>>;
  /**
   * Creates up to 1,000 tasks of one type, all or none, in one request. Of an empty list it makes none.
   *
   * @throws TickworkError as `tasks.create`; `too_many_tasks` when there are more, for they could not be all or none
   * @example
   * await enqueueMany(greet, [{ data: { name: "Ada" } }, { data: { name: "Alan" }, at: "2026-11-24T09:00:00Z" }]);
   */
  enqueueMany<Definition extends TaskDefinition>(
    definition: Definition | Definition["type"],
    entries: readonly EnqueueEntry<Definition>[],
    options?: Request,
  ): Promise<TaskOf<Definition>[]>;
}

/**
 * Defines a type of task. The handler's `data` has the type that the schema says.
 *
 * @example
 * const greet = defineTask({
 *   type: "greet",
 *   maxAttempts: 3,
 *   timeoutSeconds: 60,
 *   run: async (data, { attempt, log }) => {
 *     log.info("greeting", { attempt });
 *     return { greeted: data };
 *   },
 * });
 */
export function defineTask<
  const Type extends string,
  Result,
  Schema extends StandardSchemaV1 = StandardSchemaV1,
>(definition: DefinitionOf<Schema, Result, Type>): TaskDefinition<Schema, Result, Type> {
  const { run, runMany } = definition;
  // What is neither, the registry refuses.
  if (run !== undefined || runMany === undefined) return definition as TaskDefinition<Schema, Result, Type>;
  return {
    ...definition,
    // For a task that runs alone.
    run: madeOfMany(async (data, { task, attempt, progress: _progress, notes: _notes, ...context }) => {
      const answered = await runMany([{ data, task, attempt, cancelled: false }], context);
      const [outcome] = outcomesOf<Result>(definition.type, answered, 1);
      if (outcome && "result" in outcome) return outcome.result as Result;
      throw outcome?.error;
    }),
  };
}
