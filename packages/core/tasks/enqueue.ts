import { refusal } from "../errors.ts";
import type { EnqueueOptions, Enqueuer, TaskDefinition, TaskSettings } from "./define-task.ts";
import type { NewTask, Task } from "./task.ts";
import type { CreateOptions } from "./tasks.ts";

/** What `Tasks.create` does; `definition` is the one of all these tasks, where the caller has it. */
export type Create = (
  tasks: readonly NewTask[],
  options: CreateOptions,
  definition: TaskDefinition | undefined,
) => Promise<Task[]>;

/** Options by name. The compiler finds a missing one; one too many is a mistake of callers that it does not check. */
const SETTINGS: Record<keyof TaskSettings, true> = { at: true, maxAttempts: true, attachmentId: true };
const REQUEST: Record<keyof CreateOptions, true> = { idempotencyKey: true, userId: true };

/**
 * Enqueues by definition what `create` creates by type.
 *
 * @example const { enqueue } = createEnqueuer((given, options) => tasks.create(given, options));
 */
export function createEnqueuer(create: Create): Enqueuer {
  const createOf = async (
    named: TaskDefinition | string,
    entries: readonly (TaskSettings & { data?: unknown })[],
    options: CreateOptions,
  ): Promise<Task[]> => {
    const definition = typeof named === "string" ? undefined : named;
    const type = typeof named === "string" ? named : named.type;
    const given = entries.map(({ data, at, maxAttempts, attachmentId }) => ({
      type,
      task_data: data,
      scheduled_time: at,
      max_attempts: maxAttempts,
      attachment_id: attachmentId,
    }));
    return create(given, options, definition);
  };
  const enqueuer = {
    async enqueue(named: TaskDefinition | string, data?: unknown, options: EnqueueOptions = {}) {
      refuseOthers("", options, { ...SETTINGS, ...REQUEST });
      const { idempotencyKey, userId, ...settings } = options;
      const [task] = await createOf(named, [{ ...settings, data }], { idempotencyKey, userId });
      return task;
    },
    async enqueueMany(
      named: TaskDefinition | string,
      entries: readonly (TaskSettings & { data?: unknown })[],
      options: CreateOptions = {},
    ) {
      refuseOthers("", options, REQUEST);
      entries.forEach((entry, n) => {
        refuseOthers(`[${n}].`, entry, { ...SETTINGS, data: true });
      });
      return entries.length === 0 ? [] : createOf(named, entries, options);
    },
  };
  // What the rows are is what their definition says.
  return enqueuer as Enqueuer;
}

/** An option that is misspelt would be left out in silence, and its task be due at once. */
function refuseOthers(at: string, given: object, known: Readonly<Record<string, true>>): void {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(known, name))
      throw refusal(`${at}${name}`, `is not an option; these are: ${Object.keys(known).join(", ")}`);
}
