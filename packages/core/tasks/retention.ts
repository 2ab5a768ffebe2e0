import { RETENTION_DAYS_MAX } from "../limits.ts";
import type { TaskDefinition } from "./define-task.ts";

/** How a task may have finished. */
export type FinishedStatus = "Completed" | "Error";

/** How long finished tasks of a type stay, in days; null: for good, undefined: as the setting says. */
export type Retention = Readonly<Record<FinishedStatus, number | null | undefined>>;

type Said = Pick<TaskDefinition, "retentionDays" | "errorRetentionDays">;

/** Of a definition; undefined where it says nothing. */
export function retentionOf({
  retentionDays,
  errorRetentionDays = retentionDays,
}: Said): Retention | undefined {
  if (retentionDays === undefined && errorRetentionDays === undefined) return undefined;
  return { Completed: retentionDays, Error: errorRetentionDays };
}

/** What is wrong with what a definition says about it, if anything. */
export function flawOfRetention(said: Said): string | undefined {
  for (const name of ["retentionDays", "errorRetentionDays"] as const) {
    const days = said[name] ?? 1;
    if (!(days >= 1 && days <= RETENTION_DAYS_MAX))
      return `${name} must be a number from 1 to ${RETENTION_DAYS_MAX}, or null, got ${days}`;
  }
  return undefined;
}
