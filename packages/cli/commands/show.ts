import type { Command } from "commander";
import { taskDetails } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";
import { taskId } from "../values.ts";

export function addShow(program: Command): void {
  const command = program
    .command("show")
    .description("show a task, with its data and its result or error")
    .argument("<id>", "the task", taskId)
    .action(async (id: number, _: unknown, self: Command) => show(id, self.optsWithGlobals()));
  withServerOptions(command);
  example(command, "npx tickwork show 7", "npx tickwork show 7 --json | jq .result_data");
}

async function show(id: number, flags: ServerFlags & { json?: boolean }): Promise<void> {
  const task = await withClient(flags, (client) => client.get(id));
  createOutput({ json: flags.json ?? false }).result(task, () => taskDetails(task));
}
