import type { Doorbell, PostgresDriver, RedisDriver } from "#core";

/** What the servers that run the tasks can be told through. */
export interface Ways {
  postgres: PostgresDriver;
  /** Absent: the connection has none. */
  redis: RedisDriver | undefined;
}

/**
 * The doorbell of a connection that was given none. THE ONE PLACE to put in the channel between processes: for now
 * nobody hears it, and the next refresh of a server finds what was enqueued.
 */
export function defaultDoorbell(_: Ways): Doorbell {
  const nobodyHears = async () => {};
  return { earlyMs: 0, ring: nobodyHears, ringAt: nobodyHears, ringAfter: nobodyHears };
}
