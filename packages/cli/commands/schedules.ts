import type { Command } from "commander";
import type { Client, Schedule } from "#client";
import type { CatchUp, Overlap, ScheduleChanges } from "#core";
import { CATCH_UPS, OVERLAPS } from "../../core/tasks/schedule.ts";
import { UsageError } from "../failure.ts";
import { scheduleDetails, scheduleLines, taskChange } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";
import { duration, taskData } from "../values.ts";

const ACTIONS = ["list", "show", "set", "run", "pause", "resume", "delete"] as const;
type Action = (typeof ACTIONS)[number];

interface Flags extends ServerFlags {
  json?: boolean;
  cron?: string;
  every?: number;
  timeZone?: string;
  type?: string;
  data?: string;
  catchUp?: CatchUp;
  overlap?: Overlap;
}

export function addSchedules(program: Command): void {
  const command = program
    .command("schedules")
    .description("list the recurring tasks; show, set, run, pause, resume or delete one")
    .addArgument(program.createArgument("[action]", "what to do").choices(ACTIONS).default("list"))
    .argument("[name]", "the schedule")
    .option("--cron <expression>", "set: when, such as '0 3 * * *'; seconds may come first")
    .option("--every <time>", "set: or how often, such as 90s", duration)
    .option(
      "--time-zone <zone>",
      "set: whose clock the expression means, such as Europe/Berlin; UTC otherwise",
    )
    .option("--type <type>", "set: the type of its tasks")
    .option("--data <json>", "set: their data; - reads it from the standard input")
    .addOption(
      program.createOption("--catch-up <which>", "set: what was missed in an outage").choices(CATCH_UPS),
    )
    .addOption(
      program.createOption("--overlap <how>", "set: what comes while one still runs").choices(OVERLAPS),
    )
    .action(async (action: Action, name: string | undefined, _: unknown, self: Command) =>
      schedules(action, name, self.optsWithGlobals()),
    );
  withServerOptions(command);
  example(
    command,
    "npx tickwork schedules",
    "npx tickwork schedules set nightly --cron '0 3 * * *' --time-zone Europe/Berlin --type report",
    'npx tickwork schedules run "nightly report"',
  );
}

/** What was given of a schedule; what was not is as by default. */
function changesOf({ cron, every, timeZone, type, data, catchUp, overlap }: Flags): ScheduleChanges {
  if (cron !== undefined && every !== undefined) throw new UsageError("Give --cron or --every, not both.");
  return {
    ...(cron !== undefined && { cron }),
    ...(every !== undefined && { every_seconds: every / 1000 }),
    ...(timeZone !== undefined && { time_zone: timeZone }),
    ...(type !== undefined && { type }),
    ...(data !== undefined && { task_data: taskData(data) }),
    ...(catchUp !== undefined && { catch_up: catchUp }),
    ...(overlap !== undefined && { overlap }),
  };
}

async function schedules(action: Action, name: string | undefined, flags: Flags): Promise<void> {
  const output = createOutput({ json: flags.json ?? false });
  const changes = changesOf(flags);
  if (action !== "set" && Object.keys(changes).length > 0)
    throw new UsageError(`Only set takes options that say what a schedule does, not ${action}.`);
  if (action === "list") {
    const all: Schedule[] = [];
    await withClient(flags, async (client) => {
      for await (const one of client.schedules.list()) all.push(one);
    });
    return output.result(all, () => scheduleLines(all));
  }
  if (name === undefined) throw new UsageError(`Name the schedule: npx tickwork schedules ${action} <name>.`);
  if (action === "set" && ((flags.cron ?? flags.every) === undefined || flags.type === undefined))
    throw new UsageError("Give --cron or --every, and --type: when it runs, and what.");
  await withClient(flags, async (client: Client) => {
    switch (action) {
      case "run": {
        const task = await client.schedules.run(name);
        return output.result(task, () => taskChange(task, "created"));
      }
      case "delete":
        await client.schedules.remove(name);
        return output.result({ deleted: name }, () => `Deleted schedule ${name} and its waiting tasks.`);
      default: {
        const shown =
          action === "show"
            ? await client.schedules.get(name)
            : await client.schedules.put(name, action === "set" ? changes : { paused: action === "pause" });
        return output.result(shown, () => scheduleDetails(shown));
      }
    }
  });
}
