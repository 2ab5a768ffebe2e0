/** Runs the handlers that ship outside of a tick. */
import {
  type HandlerConfig,
  readConfig,
  silent,
  type TaskContext,
  type TaskDefinition,
  type Tasks,
} from "#core";
import { testContext } from "#testing";
import { describeIssues } from "../../../packages/core/errors.ts";
import { createEnqueuer } from "../../../packages/core/tasks/enqueue.ts";
import { handlerConfigOf } from "../../../packages/core/tasks/handler-config.ts";
import { checkData } from "../../../packages/core/tasks/registry.ts";
import { aTask } from "../run/rows.ts";

export interface Surroundings
  extends Partial<
      Pick<TaskContext, "task" | "attempt" | "notes" | "readRows" | "signal" | "progress" | "deleteFinished">
    >,
    Partial<HandlerConfig> {}

/** The configuration that handlers see; servers of the tests may be reached. */
export const handlerConfig: HandlerConfig = handlerConfigOf(
  readConfig({ HTTP_REQUEST_ALLOW: "127.0.0.1,::1" }),
);

/** For handlers that create no tasks. */
export const noTasks = {} as Tasks;

/** Runs a handler as an attempt does: the data is checked and gets its defaults first. */
export async function runTask<Result = unknown>(
  definition: TaskDefinition,
  data: unknown,
  surroundings: Surroundings = {},
): Promise<Result> {
  const checked = await checkData(definition, data);
  if ("issues" in checked) throw new Error(`the data is not valid: ${JSON.stringify(checked.issues)}`);
  const result = await definition.run(checked.value, {
    task: aTask({ type: definition.type, task_data: data }),
    attempt: 1,
    signal: new AbortController().signal,
    deadline: new Date("2026-11-24T09:12:30.000Z"),
    progress: async () => {},
    notes: testContext().notes,
    readRows: testContext().readRows,
    log: silent,
    tasks: noTasks,
    ...createEnqueuer(noTasks.create),
    config: { ...handlerConfig, ...surroundings },
    deleteFinished: async () => 0,
    ...surroundings,
  });
  return result as Result;
}

/** What is wrong with the data of a task, a line for each issue. */
export async function issuesOf(definition: TaskDefinition, data: unknown): Promise<string[]> {
  const checked = await checkData(definition, data);
  if (!("issues" in checked)) return [];
  return checked.issues.map((issue) => describeIssues([issue]).replace(/^task_data[ .]/, ""));
}

/** What a promise rejects with. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<Error & { code?: string; delayMs?: number; status?: number }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new TypeError(`not an error: ${String(error)}`);
  }
  throw new Error("it should have failed, and did not");
}
