import type { DataOf, ResultOf, TaskDefinition } from "#core";
import { invalidRequest, messageOf } from "../core/errors.ts";
import { loadSchemas } from "../core/tasks/load-schemas.ts";
import { checkData, createRegistry } from "../core/tasks/registry.ts";
import { asStored } from "./noted-tasks.ts";
import { type TestContext, type TestContextOptions, testContext } from "./test-context.ts";

/** How to run a handler. */
export interface RunHandlerOptions extends TestContextOptions {
  /** A context that was made before: to abort its signal, or to look at it afterwards. Other options are for a new one. */
  context?: TestContext | undefined;
}

/**
 * Runs a handler once, with its schema and without a store: the data is checked as when a task is created, and comes to
 * the handler as JSON leaves it.
 *
 * @returns what the handler returned, as JSON leaves it
 * @throws whatever the handler throws; TickworkError `invalid_request` when the data does not match its schema, or cannot
 * be stored; TypeError when the result is not JSON
 * @example
 * const greet = defineTask({ type: "greet", run: async (_, { attempt }) => ({ attempt }) });
 * await runHandler(greet, undefined); // { attempt: 1 }
 * await runHandler(greet, undefined, { attempt: 2 }); // { attempt: 2 }
 */
export async function runHandler<Definition extends TaskDefinition>(
  definition: Definition,
  data: DataOf<Definition>,
  { context: given, ...options }: RunHandlerOptions = {},
): Promise<ResultOf<Definition>> {
  const { type } = definition;
  const registry = createRegistry([definition]);
  const { checkNewTasks } = await loadSchemas();
  await checkNewTasks(registry, [{ type, task_data: data }]);
  const task_data = asStored(data);
  const checked = await checkData(definition, task_data);
  // What its schema accepts before it was stored it may refuse afterwards: a Date is a string by then.
  if ("issues" in checked) throw invalidRequest(checked.issues, "invalid_request", checked);
  const deadline = options.deadline ?? new Date(Date.now() + registry.timeoutMsOf(definition));
  const context = given ?? testContext({ deadline, ...options });
  context.signal.throwIfAborted();
  const result = await definition.run(checked.value, {
    ...context,
    task: { ...context.task, type, task_data },
  });
  try {
    return asStored(result) as ResultOf<Definition>;
  } catch (error) {
    throw new TypeError(`the result is not JSON: ${messageOf(error)}`, { cause: error });
  }
}
