import type { Command } from "commander";
import { resumption } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type TargetFlags, targetOf, withTargetOptions } from "../pause-target.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";

export function addResume(program: Command): void {
  const command = program
    .command("resume")
    .description("let what was paused go on")
    .action(async (_: unknown, self: Command) => resume(self.optsWithGlobals()));
  withServerOptions(withTargetOptions(command));
  example(command, "npx tickwork resume --type greet", "npx tickwork resume --all");
}

async function resume(flags: ServerFlags & TargetFlags & { json?: boolean }): Promise<void> {
  const target = targetOf(flags);
  const answer = await withClient(flags, (client) => client.resume(target));
  createOutput({ json: flags.json ?? false }).result(answer, () => resumption(target, answer.resumed));
}
