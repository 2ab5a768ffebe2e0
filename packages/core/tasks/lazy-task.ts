import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { TaskDefinition } from "./define-task.ts";

/** What must be known about a type before its code is loaded. */
export interface LazyTaskOptions<
  Schema extends StandardSchemaV1 = StandardSchemaV1,
  Result = unknown,
  Type extends string = string,
> extends Pick<
    TaskDefinition,
    | "maxAttempts"
    | "timeoutSeconds"
    | "backoffMs"
    | "batch"
    | "version"
    | "retentionDays"
    | "errorRetentionDays"
  > {
  /** The type of the definition that is loaded. */
  type: NoInfer<Type>;
  /** The definition that is loaded has `migrate`. */
  migrates?: boolean;
  /** Loads the definition, with `import()`: once in a process, when a task of the type is first checked or run. */
  load: () => Promise<TaskDefinition<Schema, Result, Type>>;
}

/** Of the schema of a lazy task: loads the schema that it stands for. */
const loaders = new WeakMap<object, () => Promise<StandardSchemaV1 | undefined>>();

/** The schema of a type's data, loaded if it is not yet; undefined when it takes any. */
export async function schemaOf({
  data,
}: Pick<TaskDefinition, "data">): Promise<StandardSchemaV1 | undefined> {
  const load = data && loaders.get(data);
  return load ? load() : data;
}

/** Of a schema, what its data is: the schema itself is loaded later. */
export type LazySchema<Schema extends StandardSchemaV1> = StandardSchemaV1<
  StandardSchemaV1.InferInput<Schema>,
  StandardSchemaV1.InferOutput<Schema>
>;

/**
 * Defines a type of task whose code is loaded when it is needed, so that it does not slow down the cold starts of
 * functions that never run it. Bundlers with `splitting` put it into a file of its own.
 *
 * @example
 * const report = lazyTask({
 *   type: "report",
 *   load: async () => (await import("./report.ts")).report,
 * });
 */
export function lazyTask<
  const Type extends string,
  Result,
  Schema extends StandardSchemaV1 = StandardSchemaV1,
>({
  load,
  migrates = false,
  ...options
}: LazyTaskOptions<Schema, Result, Type>): TaskDefinition<LazySchema<Schema>, Result, Type> {
  let loading: Promise<TaskDefinition<Schema, Result, Type>> | undefined;
  const loaded = () => {
    loading ??= load();
    // A failure to load is not remembered: the next task tries again.
    loading.catch(() => {
      loading = undefined;
    });
    return loading;
  };
  const data: LazySchema<Schema> = {
    "~standard": {
      version: 1,
      vendor: "tickwork",
      validate: async (value) => {
        const { data: schema } = await loaded();
        return schema ? schema["~standard"].validate(value) : { value };
      },
    },
  };
  loaders.set(data, async () => (await loaded()).data);
  return {
    ...options,
    data,
    ...(migrates && {
      migrate: async (old: unknown, fromVersion: number) => {
        const definition = await loaded();
        if (!definition.migrate)
          throw new Error(`task type "${options.type}" was said to have migrate, and has none`);
        return definition.migrate(old, fromVersion);
      },
    }),
    run: async (input, context) => (await loaded()).run(input, context),
  };
}
