/** Which tasks a command is about: the options of `list` and of `bulk`. */
import { type Command, Option } from "commander";
import type { TaskFilter } from "#core";
import { STATUS_NAMES, statusNamed, time } from "./values.ts";

export interface FilterFlags {
  status?: string;
  type?: string;
  queue?: string;
  key?: string;
  text?: string;
  dead?: true;
  waitingForCode?: true;
  createdFrom?: string;
  createdTo?: string;
  dueFrom?: string;
  dueTo?: string;
}

export function withFilterOptions(command: Command): Command {
  return command
    .addOption(new Option("--status <status>", "only those of this status").choices(STATUS_NAMES))
    .option("--type <type>", "only those of this type")
    .option("--queue <name>", "only those in this queue")
    .option("--key <key>", "only those of this key")
    .option("--text <text>", "only those with this text in their data, result or error")
    .option("--dead", "only those in Error that have no attempts left")
    .option("--waiting-for-code", "only those that are due and that nobody here has the code of")
    .option("--created-from <time>", "created then or later: ISO 8601 with a zone", time)
    .option("--created-to <time>", "created before that", time)
    .option("--due-from <time>", "due then or later", time)
    .option("--due-to <time>", "due before that", time);
}

export function filterOf(flags: FilterFlags): TaskFilter {
  const { status, type, queue, key, text, dead, waitingForCode, createdFrom, createdTo, dueFrom, dueTo } =
    flags;
  return {
    status: status === undefined ? undefined : statusNamed(status),
    type,
    queue,
    concurrency_key: key,
    text,
    dead,
    waiting_for_code: waitingForCode,
    created_from: createdFrom,
    created_to: createdTo,
    scheduled_from: dueFrom,
    scheduled_to: dueTo,
  };
}
