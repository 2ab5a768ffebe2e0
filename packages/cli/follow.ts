import type { Client } from "#client";
import { createScreen } from "../local/screen.ts";
import { ToldFailure } from "./failure.ts";
import { taskDetails, taskLine } from "./format.ts";
import type { Output } from "./output.ts";

export interface FollowOptions {
  timeoutMs: number | undefined;
  /** With `--json`, each change is a line, the end included. Default: the end alone, as one document. */
  eachChange?: boolean;
}

/**
 * Waits for the end of a task and shows how far it is.
 *
 * @throws ToldFailure when it ended in `Error`
 */
export async function follow(
  client: Client,
  id: number,
  output: Output,
  { timeoutMs, eachChange = false }: FollowOptions,
): Promise<void> {
  const { json } = output;
  const draw = json ? undefined : createScreen(output.isTerminal);
  const task = await client.waitFor(id, {
    timeoutMs,
    onProgress: (seen) => {
      draw?.([taskLine(seen)]);
      if (eachChange && json) output.event(seen);
    },
  });
  if (!(eachChange && json)) output.result(task, () => `\n${taskDetails(task)}`);
  if (task.task_status === "Error") throw new ToldFailure();
}
