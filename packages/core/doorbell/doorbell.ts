import type { Moment } from "../clock.ts";

/**
 * What makes a tick happen: Lambda and EventBridge Scheduler on AWS (`packages/aws/doorbell.ts`), timers on one machine
 * (`packages/local/timers.ts`). A ring may be lost, doubled or late: the next refresh rings again, and a tick that
 * finds nothing to do costs one request to Redis.
 */
export interface Doorbell {
  /** How early a ring for a due time may come, in milliseconds; its tick then sleeps until the task is due. */
  readonly earlyMs: number;
  /** A tick, now. */
  ring(event?: TickEvent): Promise<void>;
  /** A tick in time for what is due then. */
  ringAt(due: Moment): Promise<void>;
  /**
   * A tick soon after this time, and not before. When it only looks whether something is over (`by: "held"` or
   * `"armed"`, `failures`), it may come somewhat later, together with others that look.
   */
  ringAfter(delayMs: number, event?: TickEvent): Promise<void>;
}

/** What a ring tells its tick. */
export interface TickEvent {
  /** Ask Postgres, even if the cache says that nothing is due: a change may be missing there. */
  askPostgres?: boolean;
  /**
   * Why it rang, if that explains that a task is late: a refresh found it overdue, or an earlier tick met a held flag.
   * `armed`: a transaction that enqueued was open, and may have been committed by a process that died.
   */
  by?: "refresh" | "held" | "armed";
  /** How many ticks have failed in a row before this one: the next pause is longer. */
  failures?: number;
}

/** Whether a ring need not be exact: what it is about may be over by then, or not. */
export function isLook({ by, failures }: TickEvent): boolean {
  return by === "held" || by === "armed" || failures !== undefined;
}
