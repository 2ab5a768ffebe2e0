import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { messageOf } from "../errors.ts";
import { DELETE_BATCH, RETENTION_LIMIT_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { FinishedStatus } from "../store/operator.ts";
import type { Store } from "../store/store.ts";

export interface RetentionDeps {
  store: Pick<Store, "deleteFinished">;
  clock: Clock;
  log: Logger;
}

/**
 * Deletes finished tasks that have been kept for long enough, the oldest first: a batch at a time, until none is left or
 * the time is up. A refresh does it, when Postgres is awake anyway: so there is no timer for it, and nothing is lost with
 * one that does not come. It never throws, for the refresh was a success.
 *
 * @returns how many it deleted
 */
export async function runRetention(
  { store, clock, log }: RetentionDeps,
  { retentionDays, errorRetentionDays }: Pick<Config, "retentionDays" | "errorRetentionDays">,
): Promise<number> {
  const untilMs = clock.now() + RETENTION_LIMIT_MS;
  const kept: [FinishedStatus, number | undefined][] = [
    ["Completed", retentionDays],
    ["Error", errorRetentionDays],
  ];
  let total = 0;
  try {
    for (const [status, days] of kept) {
      let deleted = days === undefined ? 0 : DELETE_BATCH;
      // One that is not full was the last one.
      while (days !== undefined && deleted === DELETE_BATCH && clock.now() < untilMs) {
        deleted = await store.deleteFinished(status, days, DELETE_BATCH, 0);
        total += deleted;
      }
    }
  } catch (error) {
    log.error("old tasks could not be deleted; the next refresh tries again", { error: messageOf(error) });
  }
  if (total > 0) log.info("old tasks are deleted", { tasks: total });
  return total;
}
