import { type Command, Option } from "commander";
import type { Task } from "#client";
import { taskLines } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";
import { STATUS_NAMES, statusNamed, wholeNumber } from "../values.ts";

interface Flags extends ServerFlags {
  status?: string;
  type?: string;
  text?: string;
  limit: number;
  json?: boolean;
}

/** What the API gives at a time. */
const PAGE_SIZE = 200;

export function addList(program: Command): void {
  const command = program
    .command("list")
    .description("list the tasks, the newest first")
    .addOption(new Option("--status <status>", "only those of this status").choices(STATUS_NAMES))
    .option("--type <type>", "only those of this type")
    .option("--text <text>", "only those with this text in their data, result or error")
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
  const { status = "", type, text, limit, json = false } = flags;
  const tasks: Task[] = [];
  await withClient(flags, async (client) => {
    const filter = { status: statusNamed(status), type, text, pageSize: Math.min(limit, PAGE_SIZE) };
    for await (const task of client.list(filter)) if (tasks.push(task) >= limit) break;
  });
  createOutput({ json }).result(tasks, () => taskLines(tasks));
}
