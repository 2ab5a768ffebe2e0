import type { Command } from "commander";
import { pauseLines } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";

export function addPauses(program: Command): void {
  const command = program
    .command("pauses")
    .description("list what is paused")
    .action(async (_: unknown, self: Command) => pauses(self.optsWithGlobals()));
  withServerOptions(command);
  example(command, "npx tickwork pauses");
}

async function pauses(flags: ServerFlags & { json?: boolean }): Promise<void> {
  const all = await withClient(flags, (client) => client.pauses());
  createOutput({ json: flags.json ?? false }).result(all, () => pauseLines(all));
}
