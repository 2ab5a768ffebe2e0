import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { REDIS_PAUSE_MS, WINDOW_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Gate } from "./gate.ts";
import { RedisError } from "./redis-commands.ts";

const UNREAD =
  "nobody has refreshed the cache of this database in this Redis, so servers are told to ask Postgres: none has started " +
  "yet, or they have other addresses for the database or for Redis";

/**
 * The gate of a process that only enqueues. Those that run tasks may not read the cache that it writes to: theirs may
 * be inside of their own process, or have another name, for it is named after the address of the database. A change
 * that only this cache was told would be late by a refresh. So until it is seen that somebody refreshes it, changes
 * count as not arrived.
 *
 * @param cached whether there is a cache at all, as far as this process knows
 */
export function outside(
  gate: Gate,
  cached: boolean,
  { now }: Pick<Clock, "now">,
  log: Pick<Logger, "warn">,
): Gate {
  let isRead = false;
  let warned = false;
  let lookAgainMs = 0;
  const look = async (): Promise<boolean> => {
    lookAgainMs = now() + REDIS_PAUSE_MS;
    try {
      const { refreshedMs } = await gate.look();
      if (refreshedMs !== undefined && refreshedMs > now() - WINDOW_MS) return true;
      if (!warned) log.warn(UNREAD);
      warned = true;
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      log.warn("Redis does not answer; servers are told to ask Postgres", { error: messageOf(error) });
    }
    return false;
  };
  return {
    ...gate,
    async put(standings) {
      if (!cached) return undefined;
      if (!isRead && now() >= lookAgainMs) isRead = await look();
      return isRead ? gate.put(standings) : undefined;
    },
  };
}
