/** Runs the handlers that ship outside of a tick. */
import { readConfig, silent, type TaskContext, type TaskDefinition, type TasksService } from "#core";
import { checkData } from "../../../packages/core/tasks/define-task.ts";
import { aTask } from "../run/rows.ts";

export interface Surroundings {
  dataDir?: string;
  httpRequestAllow?: string[];
  signal?: AbortSignal;
  progress?: TaskContext["progress"];
  deleteFinished?: TasksService["deleteFinished"];
}

/** What handlers see of the service: the configuration, and the deletion of finished tasks. */
export function fakeService({
  dataDir = ".tickwork",
  httpRequestAllow = ["127.0.0.1", "::1"],
  deleteFinished = async () => 0,
}: Surroundings = {}): TasksService {
  const service: Pick<TasksService, "config" | "deleteFinished"> = {
    config: { ...readConfig({}), dataDir, httpRequestAllow },
    deleteFinished,
  };
  return service as TasksService;
}

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
    signal: surroundings.signal ?? new AbortController().signal,
    deadline: new Date("2026-11-24T09:12:30.000Z"),
    progress: surroundings.progress ?? (async () => {}),
    log: silent,
    tasks: fakeService(surroundings),
  });
  return result as Result;
}

/** What is wrong with the data of a task, as `path: message`. */
export async function issuesOf(definition: TaskDefinition, data: unknown): Promise<string[]> {
  const checked = await checkData(definition, data);
  return "issues" in checked ? checked.issues.map(({ path, message }) => `${path}: ${message}`) : [];
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
