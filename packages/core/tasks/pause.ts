/** What may be paused: everything, a type, a queue or a key. */
export type PauseTarget = { all: true } | { type: string } | { queue: string } | { concurrency_key: string };

/** What is paused, which is one of the first four: tasks of it that run go on, and those that wait, wait until it is resumed. */
export interface Pause {
  all?: true;
  type?: string;
  queue?: string;
  concurrency_key?: string;
  /** Why, for people; null: nobody said. */
  reason: string | null;
  /** Since when, ISO 8601. */
  created_at: string;
  /** Who paused it, or gave it this reason; null: nobody said. Absent in the health, which needs no key. */
  created_by?: string | null;
}

/** The kinds of targets, as they are named in requests and in Postgres. */
export const PAUSE_KINDS = ["all", "type", "queue", "concurrency_key"] as const;
export type PauseKind = (typeof PAUSE_KINDS)[number];
