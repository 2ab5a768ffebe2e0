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
  /** Aborts when the process has to stop. */
  drain: AbortSignal;
}

/**
 * Deletes finished tasks that have been kept for long enough, the oldest first: a batch at a time, until none is left or
 * the time is up. A refresh does it, when Postgres is awake anyway: so there is no timer for it, and nothing is lost with
 * one that does not come. It never throws, for the refresh was a success.
 *
 * @returns how many it deleted
 */
export async function runRetention(
  { store, clock, log, drain }: RetentionDeps,
  { retentionDays, errorRetentionDays }: Pick<Config, "retentionDays" | "errorRetentionDays">,
): Promise<number> {
  const untilMs = clock.now() + RETENTION_LIMIT_MS;
  const kept: [FinishedStatus, number | undefined][] = [
    ["Completed", retentionDays],
    ["Error", errorRetentionDays],
  ];
  let total = 0;
  const mayGoOn = () => !drain.aborted && clock.now() < untilMs;
  for (const [status, days] of kept)
    try {
      let deleted = days === undefined ? 0 : DELETE_BATCH;
      // One that is not full was the last one.
      while (days !== undefined && deleted === DELETE_BATCH && mayGoOn()) {
        deleted = await store.deleteFinished(status, days, DELETE_BATCH, 0);
        total += deleted;
      }
    } catch (error) {
      const what = { status, error: messageOf(error) };
      log.error("old tasks could not be deleted; the next refresh that reads Postgres tries again", what);
    }
  if (total > 0) log.info("old tasks are deleted", { tasks: total });
  return total;
}
