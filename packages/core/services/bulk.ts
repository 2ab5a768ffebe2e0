import { BULK_ATTEMPTS } from "../limits.ts";
import type { TaskDefinition } from "../tasks/define-task.ts";
import { BULK_TYPE, type BulkCount, type BulkRequest } from "../tasks/filter.ts";
import { lazyTask } from "../tasks/lazy-task.ts";
import type { Task } from "../tasks/task.ts";
import type { CreateOptions, Tasks } from "../tasks/tasks.ts";
import type { BulkDeps } from "./bulk-task.ts";

/** What `Operator` does to many tasks. */
export interface Bulk {
  /**
   * Retries, cancels, deletes or reschedules all tasks that meet a filter: by a task, which this creates. It changes a
   * thousand at a time, only what was there when it was asked for, tells how far it is by its `progress`, goes on after
   * a crash, and can be cancelled. Its `result_data` is a `BulkResult`.
   *
   * @returns the task that does it
   * @throws TickworkError `invalid_request`
   * @example const { id } = await operator.bulk({ action: "retry", filter: { type: "greet", dead: true } });
   */
  bulk(request: BulkRequest, options?: CreateOptions): Promise<Task>;
  /**
   * How many tasks it would take now. It counts for a few seconds at most, and changes nothing.
   *
   * @throws TickworkError `invalid_request`
   * @example const { count } = await operator.countBulk({ action: "retry", filter: { dead: true } });
   */
  countBulk(request: BulkRequest): Promise<BulkCount>;
}

type Loaded = typeof import("./bulk-task.ts");

let loaded: Loaded | undefined;

/** What operations on many tasks need is loaded when there is one. */
export async function loadBulkTask(): Promise<Loaded> {
  loaded ??= await import("./bulk-task.ts");
  return loaded;
}

/** Operations on many tasks. */
export function createBulk(deps: () => BulkDeps & { tasks: Pick<Tasks, "create"> }): {
  definition: TaskDefinition;
  bulk: Bulk;
} {
  const definition = lazyTask({
    type: BULK_TYPE,
    maxAttempts: BULK_ATTEMPTS,
    load: async () => (await loadBulkTask()).createBulkTask(deps()) as never,
  });
  return {
    definition,
    bulk: {
      async bulk(request, options = {}) {
        const { checkBulk } = await loadBulkTask();
        const [task] = await deps().tasks.create(
          [{ type: BULK_TYPE, task_data: checkBulk(request) }],
          options,
        );
        if (!task) throw new Error("a task that is created must be answered, got none");
        return task;
      },
      async countBulk(request) {
        const { checkBulk, countBulk } = await loadBulkTask();
        return countBulk(deps(), checkBulk({ ...request, confirm: true }));
      },
    },
  };
}
