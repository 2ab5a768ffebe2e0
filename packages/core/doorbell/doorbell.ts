import type { Moment } from "../clock.ts";

/**
 * What makes a tick happen. On AWS it is Lambda and EventBridge Scheduler (`doorbell-aws.ts`), on one machine a timer
 * (`packages/local/timers.ts`). Rings may be lost, doubled or late: the next refresh rings again, and a tick that
 * finds nothing to do costs one Redis call.
 */
export interface Doorbell {
  /** A ring for a due time may come up to so many milliseconds early; the tick then sleeps until it is due. */
  readonly earlyMs: number;
  /** A tick, now. `askPostgres`: the cache may not know what is due. */
  ring(event?: TickEvent): Promise<void>;
  /** A tick that is there when something becomes due. */
  ringAt(due: Moment): Promise<void>;
  /** A tick that comes not before so many milliseconds, and soon after. */
  ringAfter(delayMs: number, event?: TickEvent): Promise<void>;
}

/** What a tick is told by whoever rings. */
export interface TickEvent {
  /** Look into Postgres even when the cache says that nothing is due. */
  askPostgres?: boolean;
  /** Who rings, where that explains why a task is late: a refresh that found it overdue, or who met a held flag. */
  by?: "refresh" | "held";
}
