import type { Command } from "commander";
import type { Client, Schedule } from "#client";
import { UsageError } from "../failure.ts";
import { scheduleDetails, scheduleLines, taskChange } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";

const ACTIONS = ["list", "show", "run", "pause", "resume", "delete"] as const;
type Action = (typeof ACTIONS)[number];

interface Flags extends ServerFlags {
  json?: boolean;
}

export function addSchedules(program: Command): void {
  const command = program
    .command("schedules")
    .description("list the recurring tasks; show, run, pause, resume or delete one")
    .addArgument(program.createArgument("[action]", "what to do").choices(ACTIONS).default("list"))
    .argument("[name]", "the schedule")
    .action(async (action: Action, name: string | undefined, _: unknown, self: Command) =>
      schedules(action, name, self.optsWithGlobals()),
    );
  withServerOptions(command);
  example(command, "npx tickwork schedules", 'npx tickwork schedules run "nightly report"');
}

async function schedules(action: Action, name: string | undefined, flags: Flags): Promise<void> {
  const output = createOutput({ json: flags.json ?? false });
  if (action === "list") {
    const all: Schedule[] = [];
    await withClient(flags, async (client) => {
      for await (const one of client.schedules.list()) all.push(one);
    });
    return output.result(all, () => scheduleLines(all));
  }
  if (name === undefined) throw new UsageError(`Name the schedule: npx tickwork schedules ${action} <name>.`);
  await withClient(flags, async (client: Client) => {
    switch (action) {
      case "run": {
        const task = await client.schedules.run(name);
        return output.result(task, () => taskChange(task, "created"));
      }
      case "delete":
        await client.schedules.remove(name);
        return output.result({ deleted: name }, () => `Schedule ${name} is deleted, and what waited of it.`);
      default: {
        const shown =
          action === "show"
            ? await client.schedules.get(name)
            : await client.schedules.put(name, { paused: action === "pause" });
        return output.result(shown, () => scheduleDetails(shown));
      }
    }
  });
}
