import { Argument, type Command } from "commander";
import type { BulkAction, BulkRequest } from "#core";
import { BULK_ACTIONS, narrows } from "../../core/tasks/filter.ts";
import { UsageError } from "../failure.ts";
import { type FilterFlags, filterOf, withFilterOptions } from "../filter.ts";
import { follow } from "../follow.ts";
import { bulkAsked, bulkCount } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";
import { duration, time } from "../values.ts";

interface Flags extends ServerFlags, FilterFlags {
  all?: true;
  at?: string;
  in?: number;
  dryRun?: boolean;
  wait?: boolean;
  timeout?: number;
  json?: boolean;
}

export function addBulk(program: Command): void {
  const command = withFilterOptions(
    program
      .command("bulk")
      .description("retry, cancel, delete or reschedule all tasks that meet a filter")
      .addArgument(new Argument("<action>", "what is done to each").choices(BULK_ACTIONS)),
  )
    .option("--all", "all tasks are meant, in place of a filter")
    .option("--at <time>", "of reschedule: when they are due", time)
    .option("--in <duration>", "of reschedule: how long until they are due, such as 10m", duration)
    .option("--dry-run", "only say how many there are; change nothing")
    .option("--wait", "wait for its end, and fail if it does")
    .option("--timeout <duration>", "how long to wait at most; default 15m", duration)
    .action(async (action: BulkAction, _: unknown, self: Command) => bulk(action, self.optsWithGlobals()));
  withServerOptions(command);
  example(
    command,
    "npx tickwork bulk retry --type greet --dead --dry-run",
    "npx tickwork bulk retry --type greet --dead --wait",
    "npx tickwork bulk reschedule --type greet --due-to 2026-11-24T09:00:00Z --in 2h",
    "npx tickwork bulk delete --status completed --created-to 2026-11-01T00:00:00Z",
  );
}

async function bulk(action: BulkAction, flags: Flags): Promise<void> {
  const { all = false, at, in: inMs, dryRun, wait, timeout, json = false } = flags;
  if (at !== undefined && inMs !== undefined) throw new UsageError("Give --at or --in, not both.");
  if (action === "reschedule" && at === undefined && inMs === undefined)
    throw new UsageError("Give --at or --in: when they are due.");
  if (action !== "reschedule" && (at !== undefined || inMs !== undefined))
    throw new UsageError(`Only reschedule takes --at and --in, not ${action}.`);
  const filter = filterOf(flags);
  const isAll = !narrows(filter);
  if (all && !isAll) throw new UsageError("Give --all or a filter, not both; a status may go with it.");
  if (isAll && !all && !dryRun)
    throw new UsageError("Give a filter, such as --type greet, or --all if all tasks are meant.");
  const request: BulkRequest = {
    action,
    filter,
    scheduled_time: inMs === undefined ? at : new Date(Date.now() + inMs),
    confirm: all || undefined,
  };
  const output = createOutput({ json });
  await withClient(flags, async (client) => {
    if (dryRun) {
      const counted = await client.countBulk(request);
      return output.result(counted, () => bulkCount(action, counted));
    }
    const task = await client.bulk(request);
    if (!wait) return output.result(task, () => bulkAsked(action, task.id));
    output.note(bulkAsked(action, task.id));
    await follow(client, task.id, output, { timeoutMs: timeout });
  });
}
