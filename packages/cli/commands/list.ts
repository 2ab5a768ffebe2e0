import type { Command } from "commander";
import type { Task } from "#client";
import { type FilterFlags, filterOf, withFilterOptions } from "../filter.ts";
import { taskLines } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";
import { wholeNumber } from "../values.ts";

interface Flags extends ServerFlags, FilterFlags {
  limit: number;
  json?: boolean;
}

/** What the API gives at a time. */
const PAGE_SIZE = 200;

export function addList(program: Command): void {
  const command = withFilterOptions(program.command("list").description("list the tasks, the newest first"))
    .option("--limit <n>", "how many at most", wholeNumber(1), 20)
    .action(async (_: unknown, self: Command) => list(self.optsWithGlobals()));
  withServerOptions(command);
  example(
    command,
    "npx tickwork list",
    "npx tickwork list --status error --type greet --json | jq '.[].error_data'",
  );
}

async function list(flags: Flags): Promise<void> {
  const { limit, json = false } = flags;
  const tasks: Task[] = [];
  await withClient(flags, async (client) => {
    const filter = { ...filterOf(flags), pageSize: Math.min(limit, PAGE_SIZE) };
    for await (const task of client.list(filter)) if (tasks.push(task) >= limit) break;
  });
  createOutput({ json }).result(tasks, () => taskLines(tasks));
}
