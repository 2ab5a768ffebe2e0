import type { Client } from "#client";
import { createScreen } from "../local/screen.ts";
import { ToldFailure } from "./failure.ts";
import { taskDetails, taskLine } from "./format.ts";
import type { Output } from "./output.ts";

/**
 * Waits for the end of a task and shows how far it is: with `--json` its end alone, as one document.
 *
 * @throws ToldFailure when it ended in `Error`
 */
export async function follow(
  client: Client,
  id: number,
  output: Output,
  timeoutMs: number | undefined,
): Promise<void> {
  const draw = output.json ? undefined : createScreen(output.isTerminal);
  const task = await client.waitFor(id, { timeoutMs, onProgress: (seen) => draw?.([taskLine(seen)]) });
  output.result(task, () => `\n${taskDetails(task)}`);
  if (task.task_status === "Error") throw new ToldFailure();
}
