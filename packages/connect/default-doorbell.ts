import type { Doorbell, PostgresDriver, RedisDriver } from "#core";

/** What the servers that run the tasks can be told through. */
export interface Ways {
  postgres: PostgresDriver;
  /** Absent: the connection has none. */
  redis: RedisDriver | undefined;
  /** Names this deployment where others share the Redis. */
  prefix: string;
}

/**
 * The doorbell of a connection that was given none.
 *
 * TODO: the channel between processes belongs here. Until it is there, nobody hears this doorbell, and what was enqueued
 * is found by the next refresh of a server.
 */
export function defaultDoorbell(_: Ways): Doorbell {
  const nobodyHears = async () => {};
  return { earlyMs: 0, ring: nobodyHears, ringAt: nobodyHears, ringAfter: nobodyHears };
}
