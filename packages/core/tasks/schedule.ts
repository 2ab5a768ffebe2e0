import type { Task, TaskStatus } from "./task.ts";

export const CATCH_UPS = ["none", "last", "all"] as const;
/** What becomes of occurrences that nobody ran in time, as after an outage. */
export type CatchUp = (typeof CATCH_UPS)[number];

export const OVERLAPS = ["allow", "skip", "queue"] as const;
/** What becomes of an occurrence that comes while the one before has not ended. */
export type Overlap = (typeof OVERLAPS)[number];

/** When a schedule's occurrences are. */
export interface ScheduleTimes {
  /** Null where `every_seconds` says when. */
  cron: string | null;
  /** Whole multiples of so many seconds since 1970, in UTC. */
  every_seconds: number | null;
  /** Of the cron expression: a name of the IANA database. */
  time_zone: string;
}

/** A schedule as callers see it. */
export interface Schedule extends ScheduleTimes {
  name: string;
  /** `code`: declared with `defineSchedule`; `api`: made over HTTP. */
  source: "code" | "api";
  type: string;
  /** Of its type, as its tasks have it; null is 1. */
  version: number | null;
  task_data: unknown;
  catch_up: CatchUp;
  overlap: Overlap;
  paused: boolean;
  /** The next five times, ISO 8601 in UTC; none while it is paused. */
  next_times: string[];
  /** Its latest occurrence that has begun or ended; null when there is none. */
  last: LastOccurrence | null;
  created_at: string;
  updated_at: string;
  /** Its data is encrypted where it is kept; absent when it is not. */
  encrypted?: Task["encrypted"];
}

/** How the latest occurrence of a schedule went. */
export interface LastOccurrence {
  task: number;
  task_status: TaskStatus;
  /** Which occurrence it is. */
  schedule_time: string;
  started_at: string | null;
  finished_at: string | null;
}

/** What a caller says about a schedule: everything at once, or `paused` alone. */
export interface ScheduleChanges {
  cron?: string | null | undefined;
  every_seconds?: number | null | undefined;
  /** Default `UTC`. */
  time_zone?: string | undefined;
  type?: string | undefined;
  task_data?: unknown;
  /** Default `last`. */
  catch_up?: CatchUp | undefined;
  /** Default `allow`. */
  overlap?: Overlap | undefined;
  /** Default false. */
  paused?: boolean | undefined;
}

/** A schedule that is declared in code, in the words of the API. */
export interface DeclaredSchedule {
  readonly tickworkSchedule: true;
  readonly name: string;
  readonly given: ScheduleChanges;
}

/** Whether a value is what `defineSchedule` returns. */
export function isDeclaredSchedule(value: unknown): value is DeclaredSchedule {
  return (value as Partial<DeclaredSchedule> | null | undefined)?.tickworkSchedule === true;
}
