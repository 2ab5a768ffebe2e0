import type { Command } from "commander";
import { taskChange } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";
import { taskId } from "../values.ts";

export function addCancel(program: Command): void {
  const command = program
    .command("cancel")
    .description("end a waiting task, or ask a running one to stop")
    .argument("<id>", "the task", taskId)
    .action(async (id: number, _: unknown, self: Command) => cancel(id, self.optsWithGlobals()));
  withServerOptions(command);
  example(command, "npx tickwork cancel 7");
}

async function cancel(id: number, flags: ServerFlags & { json?: boolean }): Promise<void> {
  const task = await withClient(flags, (client) => client.cancel(id));
  createOutput({ json: flags.json ?? false }).result(task, () => taskChange(task, "cancelled"));
}
