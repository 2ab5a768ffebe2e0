import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type Issue, PermanentError, TickworkError } from "../errors.ts";
import { DEFAULT_TIMEOUT_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { TasksService } from "../services/operator.ts";
import type { Task } from "./task.ts";

/** What a handler gets beside its data. */
export interface TaskContext {
  /** The row as it was claimed. `task.id` is the same in every attempt: use it to make effects idempotent. */
  task: Task;
  /** 1 for the first start of this task, 2 for the second, … */
  attempt: number;
  /**
   * Aborts when the time limit is reached, when somebody cancels the task, when the process has to stop, or when the
   * lease is lost. A handler that goes on regardless costs its process. `signal.reason` says which.
   */
  signal: AbortSignal;
  /** When the signal will abort for the time limit at the latest. */
  deadline: Date;
  /** Reports how far the task is, 0 to 1. Written at most once a second. */
  progress(fraction: number): Promise<void>;
  /** Adds the task's id, type and attempt to everything. */
  log: Logger;
  /** To make more tasks, and for the configuration. */
  tasks: TasksService;
}

/** A type of task: its name, what its data must look like, and its code. */
export interface TaskDefinition<Schema extends StandardSchemaV1 = StandardSchemaV1> {
  /** What callers give as `type`; up to 255 characters. */
  type: string;
  /** Any Standard Schema (Valibot, Zod, ArkType, …). Checked when a task is posted and again when it runs. */
  data?: Schema;
  /** How often it may fail before it ends in `Error`. Default 1. */
  maxAttempts?: number;
  /** Seconds that one attempt may take. Default and, on Lambda, maximum: 750 (12.5 minutes). */
  timeoutSeconds?: number;
  /** The pause before attempt `n + 1`, in milliseconds. Default: 1 s, doubling to an hour, with jitter. */
  backoffMs?: (failures: number) => number;
  /** Other programs run it: it may be posted, and is listed, and no tick minds it. See `foreignTask`. */
  foreign?: boolean;
  /** Does the work. What it returns (JSON) becomes `result_data`; what it throws becomes `error_data`. */
  run(data: StandardSchemaV1.InferOutput<Schema>, context: TaskContext): Promise<unknown>;
}

/**
 * Defines a type of task.
 *
 * @example
 * export const greet = defineTask({
 *   type: "greet",
 *   data: v.object({ name: v.string() }),
 *   run: async ({ name }) => ({ greeting: `Hello ${name}` }),
 * });
 */
export function defineTask<Schema extends StandardSchemaV1>(
  definition: TaskDefinition<Schema>,
): TaskDefinition<Schema> {
  return definition;
}

/**
 * Names a type of task that a program of your own runs, such as a schedule extension that was written for Baasix: it
 * finds the tasks with `getNotStartedTasks` and writes their rows itself. One that it does not finish within 15 minutes
 * goes back to `Not started`.
 *
 * @example foreignTask({ type: "email_batch" })
 */
export function foreignTask({ type, data }: Pick<TaskDefinition, "type" | "data">): TaskDefinition {
  return {
    type,
    ...(data ? { data } : {}),
    foreign: true,
    run: async () => {
      throw new PermanentError(`Tasks of type "${type}" are run by another program.`);
    },
  };
}

/** The types of task that a deployment knows. */
export interface Registry {
  types: string[];
  /** Those of them that other programs run. */
  foreign: string[];
  get(type: string): TaskDefinition | undefined;
  /** What an attempt may take, in milliseconds. */
  timeoutMsOf(definition: TaskDefinition): number;
  /** The longest time limit of all, in milliseconds. */
  longestTimeoutMs: number;
}

/**
 * Collects definitions.
 *
 * @throws TickworkError when two have the same type, or one is not usable
 * @example const registry = createRegistry([httpRequest, cleanup, greet]);
 */
export function createRegistry(
  // Methods are checked bivariantly, so definitions of any data fit.
  definitions: readonly TaskDefinition<StandardSchemaV1>[],
  { timeoutLimitMs }: { timeoutLimitMs?: number } = {},
): Registry {
  const byType = new Map<string, TaskDefinition>();
  const timeoutMsOf = ({ timeoutSeconds }: TaskDefinition) =>
    timeoutSeconds === undefined
      ? Math.min(DEFAULT_TIMEOUT_MS, timeoutLimitMs ?? DEFAULT_TIMEOUT_MS)
      : timeoutSeconds * 1000;
  for (const definition of definitions) {
    const { type, maxAttempts = 1 } = definition;
    const refuse = (message: string) =>
      new TickworkError("invalid", "bad_definition", `Task type "${type}": ${message}`);
    if (type.length === 0 || type.length > 255)
      throw refuse(`its name has ${type.length} characters; 1 to 255 are accepted`);
    if (byType.has(type)) throw refuse("it is defined twice");
    if (!Number.isInteger(maxAttempts) || maxAttempts < 1)
      throw refuse(`maxAttempts is ${maxAttempts}; it must be 1 or more`);
    const timeoutMs = timeoutMsOf(definition);
    if (!(timeoutMs > 0))
      throw refuse(`timeoutSeconds is ${definition.timeoutSeconds}; it must be more than 0`);
    if (timeoutLimitMs !== undefined && timeoutMs > timeoutLimitMs)
      throw refuse(
        `timeoutSeconds is ${timeoutMs / 1000}; here a handler has at most ${timeoutLimitMs / 1000} seconds`,
      );
    byType.set(type, definition);
  }
  return {
    types: [...byType.keys()],
    foreign: [...byType.values()].filter(({ foreign }) => foreign).map(({ type }) => type),
    get: (type) => byType.get(type),
    timeoutMsOf,
    longestTimeoutMs: Math.max(0, ...[...byType.values()].map(timeoutMsOf)),
  };
}

/** Checks data against the schema of its type. */
export async function checkData(
  definition: TaskDefinition,
  data: unknown,
): Promise<{ value: unknown } | { issues: Issue[] }> {
  if (!definition.data) return { value: data };
  const result = await definition.data["~standard"].validate(data ?? undefined);
  if (!result.issues) return { value: result.value };
  return {
    issues: result.issues.map(({ message, path }) => ({
      path: (path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join("."),
      message,
    })),
  };
}
