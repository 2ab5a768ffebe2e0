import type { Command } from "commander";
import { pauseLine } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type TargetFlags, targetOf, withTargetOptions } from "../pause-target.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";

interface Flags extends ServerFlags, TargetFlags {
  reason?: string;
  json?: boolean;
}

export function addPause(program: Command): void {
  const command = program
    .command("pause")
    .description("start no more tasks of a type, or none at all; what runs goes on")
    .option("--reason <text>", "why, for people")
    .action(async (_: unknown, self: Command) => pause(self.optsWithGlobals()));
  withServerOptions(withTargetOptions(command));
  example(
    command,
    'npx tickwork pause --type greet --reason "the mail server moves"',
    "npx tickwork pause --all",
  );
}

async function pause(flags: Flags): Promise<void> {
  const target = targetOf(flags);
  const paused = await withClient(flags, (client) => client.pause(target, { reason: flags.reason }));
  createOutput({ json: flags.json ?? false }).result(paused, () => `Paused: ${pauseLine(paused)}`);
}
