import { refusal } from "../errors.ts";
import type { Enqueuer, TaskDefinition, TaskSettings } from "./define-task.ts";
import type { NewTask, Task } from "./task.ts";
import type { CreateOptions } from "./tasks.ts";

/** What `Tasks.create` does; `definition` is the one of all these tasks, where the caller has it. */
export type Create<Request extends CreateOptions = CreateOptions> = (
  tasks: readonly NewTask[],
  options: Request,
  definition: TaskDefinition | undefined,
) => Promise<Task[]>;

/** Options by name. The compiler finds a missing one; one too many is a mistake of callers that it does not check. */
const SETTINGS: Record<keyof TaskSettings, true> = {
  at: true,
  maxAttempts: true,
  priority: true,
  queue: true,
  concurrencyKey: true,
  attachmentId: true,
  version: true,
  uniqueKey: true,
  uniqueFor: true,
  onConflict: true,
  longestWaitSeconds: true,
};
const REQUEST: Record<keyof CreateOptions, true> = { idempotencyKey: true, userId: true };

/**
 * Enqueues by definition what `create` creates by type.
 *
 * @param more options of a request that `create` takes beside the usual ones
 * @example const { enqueue } = createEnqueuer((given, options) => tasks.create(given, options));
 */
export function createEnqueuer<Request extends CreateOptions = CreateOptions>(
  create: Create<Request>,
  more: Readonly<Record<Exclude<keyof Request, keyof CreateOptions>, true>> = {} as never,
): Enqueuer<Request> {
  const ofRequest: Readonly<Record<string, true>> = { ...REQUEST, ...more };
  const createOf = async (
    named: TaskDefinition | string,
    entries: readonly (TaskSettings & { data?: unknown })[],
    options: Request,
  ): Promise<Task[]> => {
    const definition = typeof named === "string" ? undefined : named;
    const type = typeof named === "string" ? named : named.type;
    return create(
      entries.map((entry) => newTaskOf(type, { version: definition?.version, ...entry })),
      options,
      definition,
    );
  };
  const enqueuer = {
    async enqueue(
      named: TaskDefinition | string,
      data?: unknown,
      options: TaskSettings & Request = {} as Request,
    ) {
      refuseOthers("", options, { ...SETTINGS, ...ofRequest });
      const parts = Object.entries(options);
      const request = Object.fromEntries(parts.filter(([name]) => Object.hasOwn(ofRequest, name)));
      const [task] = await createOf(named, [{ ...options, data }], request as unknown as Request);
      return task;
    },
    async enqueueMany(
      named: TaskDefinition | string,
      entries: readonly (TaskSettings & { data?: unknown })[],
      options: Request = {} as Request,
    ) {
      refuseOthers("", options, ofRequest);
      entries.forEach((entry, n) => {
        refuseOthers(`[${n}].`, entry, { ...SETTINGS, data: true });
      });
      return entries.length === 0 ? [] : createOf(named, entries, options);
    },
  };
  // What the rows are is what their definition says.
  return enqueuer as Enqueuer<Request>;
}

function newTaskOf(type: string, given: TaskSettings & { data?: unknown }): NewTask {
  const {
    data,
    at,
    maxAttempts,
    attachmentId,
    version,
    uniqueKey,
    uniqueFor,
    onConflict,
    longestWaitSeconds,
    priority,
    queue,
    concurrencyKey,
  } = given;
  return {
    type,
    task_data: data,
    scheduled_time: at,
    max_attempts: maxAttempts,
    attachment_id: attachmentId,
    version,
    unique_key: uniqueKey,
    unique_for: uniqueFor,
    on_conflict: onConflict,
    longest_wait_seconds: longestWaitSeconds,
    priority,
    queue,
    concurrency_key: concurrencyKey,
  };
}

/** An option that is misspelt would be left out in silence, and its task be due at once. */
function refuseOthers(at: string, given: object, known: Readonly<Record<string, true>>): void {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(known, name))
      throw refusal(`${at}${name}`, `is not an option; these are: ${Object.keys(known).join(", ")}`);
}
