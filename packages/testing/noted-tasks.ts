import type { CreateOptions, ListFilter, NewTask, Task, Tasks } from "#core";
import { taskNotFound } from "../core/errors.ts";
import { loadSchemas } from "../core/tasks/load-schemas.ts";
import { createRegistry } from "../core/tasks/registry.ts";
import { checkSort, readSort } from "../core/tasks/sort.ts";
import { newRow } from "./new-row.ts";

/** A task as it was given to `create`, with the options of that call. */
export type CreatedTask = NewTask & CreateOptions;

/** Every type is accepted, whatever its data: their definitions are not here. */
const registry = createRegistry([], { open: true });

/**
 * Tasks without a store: `create` checks and notes what it is given, `get` and `list` find it.
 *
 * @param own the task that runs; the ids of others follow its own
 */
export function noteTasks(own: Task): { tasks: Tasks; created: CreatedTask[] } {
  const created: CreatedTask[] = [];
  const rows = [own];
  const refuse = (method: keyof Tasks) => async (): Promise<never> => {
    throw new Error(
      `The context of a test has no store for tasks.${method}: give it one of your own, testContext({ tasks: { ${method} } }), or test with createTestTickwork.`,
    );
  };
  const find = (filter: ListFilter) => {
    const { status, type, sort, after } = filter;
    checkSort(filter);
    const { by, descending } = readSort(sort);
    const placeOf = ({ id, scheduled_time, finished_at }: Task): [at: string, id: number] => [
      (by === "due" ? scheduled_time : by === "finished" ? finished_at : undefined) ?? "",
      id,
    ];
    const compare = ([at, id]: [string, number], [otherAt, otherId]: [string, number]) =>
      (at === otherAt ? id - otherId : at < otherAt ? -1 : 1) * (descending ? -1 : 1);
    return rows
      .filter((row) => status === undefined || row.task_status === status)
      .filter((row) => type === undefined || row.type === type)
      .filter((row) => !after || compare(placeOf(row), [after.at ?? "", after.id]) > 0)
      .sort((a, b) => compare(placeOf(a), placeOf(b)));
  };
  return {
    created,
    tasks: {
      async create(given, options = {}) {
        const { checkNewTasks } = await loadSchemas();
        const checked = await checkNewTasks(registry, given);
        const made = checked.map(({ scheduled_time: at, task_data, ...task }, n) =>
          newRow({
            type: task.type,
            id: own.id + rows.length + n,
            attachment_id: task.attachment_id ?? null,
            max_attempts: task.max_attempts ?? null,
            version: task.version ?? null,
            priority: task.priority || null,
            queue: task.queue ?? null,
            concurrency_key: task.concurrency_key ?? null,
            task_data: asStored(task_data),
            ...(at ? { scheduled_time: new Date(at).toISOString() } : {}),
            // It has no store, so no other task has the key.
            ...(task.unique_key == null
              ? {}
              : {
                  unique_key: task.unique_key,
                  unique_for: task.unique_for ?? "waiting",
                  unique_outcome: "created",
                }),
          }),
        );
        rows.push(...made);
        created.push(...given.map((task) => ({ ...task, ...options })));
        return made;
      },
      async get(id) {
        const row = rows.find((one) => one.id === id);
        if (!row) throw taskNotFound(id);
        return row;
      },
      list: async (filter) => find(filter).slice(0, filter.limit),
      async page(filter) {
        const found = find(filter);
        return { tasks: found.slice(0, filter.limit), more: found.length > filter.limit };
      },
      update: refuse("update"),
      remove: refuse("remove"),
      retry: refuse("retry"),
      cancel: refuse("cancel"),
    },
  };
}

/** A value after its way through the table. @throws TypeError when JSON cannot express it */
export function asStored(value: unknown): unknown {
  return JSON.parse((JSON.stringify(value) as string | undefined) ?? "null");
}
