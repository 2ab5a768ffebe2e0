import type { Command } from "commander";
import { stats as statsText } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";

export function addStats(program: Command): void {
  const command = program
    .command("stats")
    .description("show the state of the service: its health, what waits, the last refresh")
    .action(async (_: unknown, self: Command) => stats(self.optsWithGlobals()));
  withServerOptions(command);
  example(command, "npx tickwork stats", "npx tickwork stats --json | jq .stats.cachedTasksCount");
}

async function stats(flags: ServerFlags & { json?: boolean }): Promise<void> {
  const { state, health } = await withClient(flags, async (client) => ({
    // It needs the key, which the health does not.
    state: await client.stats(),
    health: await client.health(),
  }));
  createOutput({ json: flags.json ?? false }).result({ ...health, stats: state }, () =>
    statsText(state, health),
  );
}
