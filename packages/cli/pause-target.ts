/** What `pause` and `resume` are about. */
import type { Command } from "commander";
import type { PauseTarget } from "#core";
import { UsageError } from "./failure.ts";

export interface TargetFlags {
  all?: boolean;
  type?: string;
  queue?: string;
  key?: string;
}

export function withTargetOptions(command: Command): Command {
  return command
    .option("--type <type>", "the tasks of this type")
    .option("--queue <name>", "those in this queue")
    .option("--key <key>", "those of this key")
    .option("--all", "everything");
}

/** @throws UsageError unless exactly one is given */
export function targetOf({ all, type, queue, key }: TargetFlags): PauseTarget {
  const targets: PauseTarget[] = [
    ...(all ? [{ all } as const] : []),
    ...(type === undefined ? [] : [{ type }]),
    ...(queue === undefined ? [] : [{ queue }]),
    ...(key === undefined ? [] : [{ concurrency_key: key }]),
  ];
  const [target] = targets;
  if (target && targets.length === 1) return target;
  throw new UsageError(`Give one of --type, --queue, --key and --all, got ${targets.length || "none"}.`);
}
