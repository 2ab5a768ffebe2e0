/** What can happen in a story. */
import type { BulkStep } from "./bulk.ts";
import type { Work } from "./deployment.ts";
import type { Line } from "./lanes.ts";

export type Step =
  | {
      do: "create";
      count: number;
      dueInMs: number;
      work: Work;
      dies?: number;
      fresh?: boolean;
      short?: boolean;
      /** Of them, the first so many take no time. */
      quick?: number;
      /** Somebody deletes the flag just before. */
      unflagged?: boolean;
      /** Its tasks have keys: of so few that they meet, and are still waiting, running or finished by then. */
      unique?: UniqueStep;
      /** Its tasks stand in line, where limits hold. */
      line?: Line;
    }
  | { do: "move"; pick: number; dueInMs: number; dies?: number }
  | { do: "remove" | "cancel" | "retry"; pick: number; dies?: number }
  | { do: "refresh" }
  /** Somebody else writes the table. */
  | { do: "insert"; dueInMs: number; tells: boolean; commitsAfterMs?: number }
  | { do: "run"; pick: number; ms: number }
  /** Or it ends what Tickwork runs in a slot. */
  | { do: "finish"; slot: number }
  | TransactionStep
  | PauseStep
  | ScheduleStep
  | BulkStep
  /** Faults. */
  | { do: "kill" | "stop"; pick: number; ms: number }
  | { do: "deploy" }
  | { do: "flush" }
  | { do: "evict"; key: number }
  | { do: "flag"; raise: boolean }
  | { do: "outage"; of: "postgres" | "redis" | "both"; ms: number }
  | { do: "storm"; of: "postgres" | "redis" | "doorbell"; what: number; ms: number };

/** Something is paused, and resumed later. */
export interface PauseStep {
  do: "pause";
  of: "all" | "work" | "short";
  ms: number;
  dies?: number | undefined;
  /** Who resumes it dies so long after it began to. */
  resumerDies?: number | undefined;
}

/** A schedule is made, changed, paused or resumed. */
export interface ScheduleStep {
  do: "schedule";
  /** Few of them, so that they are changed. Those of one name always overlap in the same way. */
  of: number;
  everySeconds: number;
  overlap: "allow" | "skip" | "queue";
  catchUp: "none" | "last" | "all";
  paused: boolean;
  work: Work;
}

export interface UniqueStep {
  keys: number[];
  for: "waiting" | "unfinished" | number;
  onConflict: "keep" | "replace" | "postpone";
  /** The request is repeated with the same Idempotency-Key, at once. */
  twice: boolean;
}

/** An app enqueues in a transaction of its own. */
export interface TransactionStep {
  do: "transaction";
  count: number;
  dueInMs: number;
  /** How long it is open after that. */
  openMs: number;
  commits: boolean;
  /** Whether the app says how it ended; otherwise Postgres is asked. */
  says: boolean;
  /** The app dies so long after its beginning, or after it was to commit. */
  appDies?: { after: "begin" | "commit"; ms: number } | undefined;
}
