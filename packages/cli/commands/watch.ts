import type { Command } from "commander";
import type { Client } from "#client";
import { systemClock } from "#core";
import { createScreen } from "../../local/screen.ts";
import { follow } from "../follow.ts";
import { taskLine } from "../format.ts";
import { example } from "../help.ts";
import { createOutput, type Output } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";
import { duration, taskId, wholeNumber } from "../values.ts";

interface Flags extends ServerFlags {
  timeout?: number;
  limit: number;
  json?: boolean;
}

const LOOK_EVERY_MS = 1_000;

export function addWatch(program: Command): void {
  const command = program
    .command("watch")
    .description("follow a task to its end, or the newest tasks until Ctrl-C")
    .argument("[id]", "the task", taskId)
    .option("--timeout <duration>", "how long to follow at most; of a task, default 15m", duration)
    .option("--limit <n>", "how many of the newest tasks", wholeNumber(1, 200), 20)
    .action(async (id: number | undefined, _: unknown, self: Command) => watch(id, self.optsWithGlobals()));
  withServerOptions(command);
  example(command, "npx tickwork watch 7", "npx tickwork watch --json | jq -r .task_status");
}

async function watch(id: number | undefined, flags: Flags): Promise<void> {
  const output = createOutput({ json: flags.json ?? false });
  await withClient(flags, (client) =>
    id === undefined
      ? watchNewest(client, output, flags)
      : follow(client, id, output, { timeoutMs: flags.timeout, eachChange: true }),
  );
}

async function watchNewest(client: Client, output: Output, { limit, timeout }: Flags): Promise<void> {
  const draw = createScreen(output.isTerminal);
  const untilMs = Date.now() + (timeout ?? Number.POSITIVE_INFINITY);
  const known = new Map<number, number>();
  for (;;) {
    const { tasks } = await client.listPage({ limit });
    // The newest is the last line, as in a log.
    tasks.reverse();
    if (output.json)
      for (const task of tasks.filter(({ id, rev }) => known.get(id) !== rev)) output.event(task);
    else draw(tasks.map(taskLine));
    for (const { id, rev } of tasks) known.set(id, rev);
    const leftMs = untilMs - Date.now();
    if (leftMs <= 0) return;
    await systemClock.sleep(Math.min(LOOK_EVERY_MS, leftMs));
  }
}
