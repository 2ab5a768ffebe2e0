import { type Command, Option } from "commander";
import type { OnConflict, UniqueFor } from "#core";
import { ON_CONFLICT } from "../../core/tasks/task.ts";
import { UsageError } from "../failure.ts";
import { follow } from "../follow.ts";
import { taskChange } from "../format.ts";
import { example } from "../help.ts";
import { createOutput } from "../output.ts";
import { type ServerFlags, withClient, withServerOptions } from "../server.ts";
import { duration, taskData, time, uniqueFor, wholeNumber } from "../values.ts";

interface Flags extends ServerFlags {
  at?: string;
  in?: number;
  maxAttempts?: number;
  taskVersion?: number;
  idempotencyKey?: string;
  uniqueKey?: string;
  uniqueFor?: UniqueFor;
  onConflict?: OnConflict;
  longestWait?: number;
  priority?: number;
  queue?: string;
  key?: string;
  wait?: boolean;
  timeout?: number;
  json?: boolean;
}

export function addEnqueue(program: Command): void {
  const command = program
    .command("enqueue")
    .description("create a task")
    .argument("<type>", "its type, as your tasks file defines it")
    .argument("[data]", "its data as JSON; - reads them from the standard input")
    .option("--at <time>", "when it is due: ISO 8601 with a zone", time)
    .option("--in <duration>", "how long until it is due, such as 30s, 10m, 2h or 3d", duration)
    .option("--max-attempts <n>", "how often it may fail before it ends in Error", wholeNumber(1, 1_000))
    .option(
      "--task-version <n>",
      "the version of its type; default: what the server has",
      wholeNumber(1, 1_000),
    )
    .option("--idempotency-key <key>", "the same key within 24 hours creates no second task")
    .option("--unique-key <key>", "one task of its type at a time has this key")
    .option(
      "--unique-for <time>",
      "how long: waiting (the default), unfinished, or a time such as 10m",
      uniqueFor,
    )
    .addOption(
      new Option("--on-conflict <what>", "what to do when another has the key; default keep").choices(
        ON_CONFLICT,
      ),
    )
    .option(
      "--longest-wait <duration>",
      "how long a task may be postponed or replaced, from its creation",
      duration,
    )
    .option(
      "--priority <n>",
      "from -100 to 100; a point is worth a minute of waiting",
      wholeNumber(-100, 100),
    )
    .option("--queue <name>", "the line in which it stands")
    .option("--key <key>", "whose task it is: keys take turns")
    .option("--wait", "wait for its end, and fail if it does")
    .option("--timeout <duration>", "how long to wait at most; default 15m", duration)
    .action(async (type: string, data: string | undefined, _: unknown, self: Command) =>
      enqueue(type, data, self.optsWithGlobals()),
    );
  withServerOptions(command);
  example(
    command,
    `npx tickwork enqueue greet '{"name":"Ada"}' --wait`,
    "npx tickwork enqueue greet --in 10m --max-attempts 3",
    "npx tickwork enqueue index --unique-key doc-7 --in 30s --on-conflict postpone --longest-wait 10m",
    "jq -n '{name: \"Ada\"}' | npx tickwork enqueue greet - --at 2026-11-24T09:00:00Z",
  );
}

async function enqueue(type: string, given: string | undefined, flags: Flags): Promise<void> {
  const { at, in: inMs, maxAttempts, taskVersion, idempotencyKey, wait, timeout, json = false } = flags;
  const { uniqueKey, onConflict, longestWait } = flags;
  if (at !== undefined && inMs !== undefined) throw new UsageError("Give --at or --in, not both.");
  const task_data = taskData(given);
  const output = createOutput({ json });
  await withClient(flags, async (client) => {
    const task = await client.create(
      {
        type,
        task_data,
        scheduled_time: inMs === undefined ? at : new Date(Date.now() + inMs),
        max_attempts: maxAttempts,
        version: taskVersion,
        unique_key: uniqueKey,
        unique_for: flags.uniqueFor,
        on_conflict: onConflict,
        priority: flags.priority,
        queue: flags.queue,
        concurrency_key: flags.key,
        longest_wait_seconds: longestWait === undefined ? undefined : longestWait / 1000,
      },
      idempotencyKey === undefined ? {} : { idempotencyKey },
    );
    const change = task.unique_outcome ?? "created";
    if (!wait) return output.result(task, () => taskChange(task, change));
    output.note(taskChange(task, change));
    await follow(client, task.id, output, { timeoutMs: timeout });
  });
}
