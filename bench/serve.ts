/** The program that each contender runs in a process of its own. What it measures is the same for all of them. */
import type { Adapter, Given } from "./contender.ts";
import { createTasks } from "./create-tasks.ts";
import { runTasks } from "./run-tasks.ts";

/** What the bench asks of the process, by name; each has one argument and one answer. */
export type Jobs = ReturnType<typeof jobsOf>;

function jobsOf(adapter: Adapter, given: Given) {
  return {
    prepare: async (_: undefined) => adapter.prepare(given),
    ...createTasks(() => adapter.openCreator(given)),
    ...runTasks((handler) => adapter.startWorker(given, handler)),
  };
}

export interface Question {
  job: keyof Jobs;
  argument: unknown;
}
export type Answer = { result: unknown } | { error: string };

/** The whole program of a contender: answers one question after the other. */
export function serve(adapter: Adapter): void {
  const given = JSON.parse(process.argv[2] ?? "") as Given;
  const jobs = jobsOf(adapter, given) as Record<string, (argument: unknown) => Promise<unknown>>;
  const answer = async ({ job, argument }: Question): Promise<Answer> => {
    try {
      return { result: await jobs[job]?.(argument) };
    } catch (error) {
      return { error: String((error as Error).stack ?? error) };
    }
  };
  process.on("message", (question: Question) => void answer(question).then((one) => process.send?.(one)));
  // The bench that started it is gone.
  process.on("disconnect", () => process.exit());
}
