import { type Command, Option } from "commander";
import type { Task, TaskSort } from "#client";
import { TASK_SORTS } from "#core";
import { type FilterFlags, filterOf, withFilterOptions } from "../filter.ts";
import { taskLines } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";
import { wholeNumber } from "../values.ts";

interface Flags extends ServerFlags, FilterFlags {
  sort: TaskSort;
  limit: number;
  json?: boolean;
}

/** What the API gives at a time. */
const PAGE_SIZE = 200;

const SORT_HELP =
  "the order: by creation; with --status not-started by due time; with completed or error by the end. With -, the last one first";

export function addList(program: Command): void {
  const command = withFilterOptions(program.command("list").description("list the tasks, the newest first"))
    .addOption(new Option("--sort <order>", SORT_HELP).choices(TASK_SORTS).default("-created"))
    .option("--limit <n>", "how many at most", wholeNumber(1), 20)
    .action(async (_: unknown, self: Command) => list(self.optsWithGlobals()));
  withServerOptions(command);
  example(
    command,
    "npx tickwork list",
    "npx tickwork list --status not-started --sort due",
    "npx tickwork list --status error --type greet --json | jq '.[].error_data'",
  );
}

async function list(flags: Flags): Promise<void> {
  const { limit, sort, json = false } = flags;
  const tasks: Task[] = [];
  await withClient(flags, async (client) => {
    const filter = { ...filterOf(flags), sort, pageSize: Math.min(limit, PAGE_SIZE) };
    for await (const task of client.list(filter)) if (tasks.push(task) >= limit) break;
  });
  createOutput({ json }).result(tasks, () => taskLines(tasks));
}
