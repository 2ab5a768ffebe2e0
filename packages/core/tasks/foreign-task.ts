import type { StandardSchemaV1 } from "@standard-schema/spec";
import { PermanentError } from "../errors.ts";
import type { TaskDefinition } from "./define-task.ts";

/**
 * Names a type of task that a program of your own runs, such as a schedule extension written for Baasix: it finds its
 * tasks with `getNotStartedTasks` and writes their rows itself. Tickwork accepts and lists them but never runs them;
 * one that is left `Running` for 15 minutes goes back to `Not started`.
 *
 * @example const emails = foreignTask({ type: "email_batch" });
 */
export function foreignTask<const Type extends string, Schema extends StandardSchemaV1 = StandardSchemaV1>({
  type,
  data,
}: Pick<TaskDefinition<Schema, unknown, Type>, "type" | "data">): TaskDefinition<Schema, unknown, Type> {
  return {
    type,
    ...(data ? { data } : {}),
    foreign: true,
    run: async () => {
      throw new PermanentError(`Tasks of type "${type}" are run by another program.`);
    },
  };
}
