import type { Command } from "commander";
import { taskChange } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";
import { taskId } from "../values.ts";

export function addRetry(program: Command): void {
  const command = program
    .command("retry")
    .description("run a finished task again, at once")
    .argument("<id>", "the task", taskId)
    .action(async (id: number, _: unknown, self: Command) => retry(id, self.optsWithGlobals()));
  withServerOptions(command);
  example(command, "npx tickwork retry 7");
}

async function retry(id: number, flags: ServerFlags & { json?: boolean }): Promise<void> {
  const task = await withClient(flags, (client) => client.retry(id));
  createOutput({ json: flags.json ?? false }).result(task, () => taskChange(task, "retried"));
}
