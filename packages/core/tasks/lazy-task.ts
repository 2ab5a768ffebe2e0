import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { TaskDefinition } from "./define-task.ts";

/** What must be known about a type before its code is loaded. */
export interface LazyTaskOptions
  extends Pick<TaskDefinition, "type" | "maxAttempts" | "timeoutSeconds" | "backoffMs"> {
  /** Loads the definition, with `import()`: once in a process, when a task of the type is first checked or run. */
  load: () => Promise<TaskDefinition>;
}

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
export function lazyTask({ load, ...options }: LazyTaskOptions): TaskDefinition {
  let loading: Promise<TaskDefinition> | undefined;
  const loaded = () => {
    loading ??= load();
    // A failure to load is not remembered: the next task tries again.
    loading.catch(() => {
      loading = undefined;
    });
    return loading;
  };
  const data: StandardSchemaV1 = {
    "~standard": {
      version: 1,
      vendor: "tickwork",
      validate: async (value) => {
        const { data: schema } = await loaded();
        return schema ? schema["~standard"].validate(value) : { value };
      },
    },
  };
  return { ...options, data, run: async (input, context) => (await loaded()).run(input, context) };
}
