/** What `pause` and `resume` are about. */
import type { Command } from "commander";
import type { PauseTarget } from "#core";
import { UsageError } from "./failure.ts";

export interface TargetFlags {
  all?: boolean;
  type?: string;
}

export function withTargetOptions(command: Command): Command {
  return command.option("--type <type>", "the tasks of this type").option("--all", "everything");
}

/** @throws UsageError unless exactly one is given */
export function targetOf({ all, type }: TargetFlags): PauseTarget {
  const targets: PauseTarget[] = [
    ...(all ? [{ all } as const] : []),
    ...(type === undefined ? [] : [{ type }]),
  ];
  const [target] = targets;
  if (target && targets.length === 1) return target;
  throw new UsageError(`Give one of --type and --all, got ${targets.length || "none"}.`);
}
