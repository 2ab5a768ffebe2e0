import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { ENCRYPTED, isSealed } from "../tasks/encryption.ts";
import type { Lateness, Outcome, Task } from "../tasks/task.ts";

/** What a tick did. */
export interface TickReport {
  completed: number;
  failed: number;
  retried: number;
  givenBack: number;
  /** Attempts whose lease was lost. */
  lost: number;
  /** What ended the tick. */
  ended: Ending;
}

/**
 * What ended a tick.
 *
 * - `idle`: nothing is due
 * - `held`: tasks are due, but every flag is held
 * - `conflict`: a task with a valid lease is in the slot
 * - `stopped`: its time was up, or the process is shutting down
 * - `unclaimable`: something looked due and could not be claimed
 * - `failed`: Postgres did not answer, or the cache could not be rebuilt; a later tick was rung for
 */
export type Ending = "idle" | "held" | "conflict" | "stopped" | "unclaimable" | "failed";

const COUNTERS = {
  completed: "completed",
  failed: "failed",
  retried: "retried",
  given_back: "givenBack",
  interrupted: "givenBack",
  crashed: "givenBack",
} as const satisfies Record<Outcome["kind"], keyof TickReport>;

/** How an attempt ended. */
export interface AttemptEnd {
  /** Undefined: its lease was lost, and nothing was written. */
  outcome: Outcome | undefined;
  durationMs: number;
  lateness: Lateness | undefined;
}

export interface TallyDeps {
  log: Logger;
  metrics?: Metrics | undefined;
  /** Told of each attempt, with the task as it was claimed. */
  onAttempt?: ((task: Task, end: AttemptEnd) => void) | undefined;
}

export interface Tally {
  /** Counts and logs an attempt. */
  count(task: Task, end: AttemptEnd): void;
  /** Counts a task that was given back before it began. */
  giveBack(task: Task): void;
  report(ended: Ending): TickReport;
  /** Sends the metrics of a tick that ran something, or failed. */
  publish(ended?: Ending): void;
}

/** Counts what one tick does, for its report, the log and the metrics. */
export function createTally({ log, metrics, onAttempt }: TallyDeps): Tally {
  const counts = { completed: 0, failed: 0, retried: 0, givenBack: 0, lost: 0 };
  const latenesses: number[] = [];
  const durations: number[] = [];
  return {
    count(task, end) {
      const { outcome, durationMs, lateness } = end;
      counts[outcome ? COUNTERS[outcome.kind] : "lost"]++;
      const latenessMs =
        Math.max(0, Date.parse(task.started_at ?? "") - Date.parse(task.scheduled_time)) || 0;
      if (metrics) {
        latenesses.push(latenessMs);
        durations.push(durationMs);
      }
      logAttempt(log, outcome, {
        task: task.id,
        type: task.type,
        attempt: task.attempts,
        durationMs,
        latenessMs,
        late: lateness?.reason,
      });
      onAttempt?.(task, end);
    },
    giveBack({ id, type }) {
      counts.givenBack++;
      log.debug("task of a batch given back before it began", { task: id, type });
    },
    report: (ended) => ({ ...counts, ended }),
    publish(ended) {
      if (ended === "failed") metrics?.({ TicksFailed: 1 });
      if (durations.length === 0) return;
      metrics?.({
        TasksCompleted: counts.completed,
        TasksFailed: counts.failed,
        TasksRetried: counts.retried,
        TasksGivenBack: counts.givenBack,
        TasksLeaseLost: counts.lost,
        TaskLatenessMilliseconds: latenesses,
        TaskDurationMilliseconds: durations,
      });
    },
  };
}

function logAttempt(log: Logger, outcome: Outcome | undefined, fields: Record<string, unknown>): void {
  if (!outcome) log.warn("an attempt lost its lease and changed nothing", fields);
  else if (outcome.kind === "completed") log.info("task completed", fields);
  // With a pause it waits its turn in the queue of its schedule, or for what an error in the log says.
  else if (outcome.kind === "given_back")
    log[outcome.delayMs ? "debug" : "warn"]("task given back before it began", fields);
  else if (outcome.kind === "interrupted" || outcome.kind === "crashed")
    log.warn("task given back", { ...fields, outcome: outcome.kind, code: outcome.record.code });
  else {
    const { message, code } = outcome.error;
    const what = outcome.kind === "failed" ? "task failed" : "task failed and will be tried again";
    log.warn(what, { ...fields, error: isSealed(message) ? ENCRYPTED : message, code });
  }
}
