import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import { messageOf } from "../errors.ts";
import { DELETE_BATCH, RETENTION_LIMIT_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Store } from "../store/store.ts";
import type { FinishedStatus, Retention } from "../tasks/retention.ts";

export interface RetentionDeps {
  store: Pick<Store, "deleteFinished" | "deleteFinishedByType">;
  /** Of the types that say how long their tasks are kept. */
  registry: { retention: ReadonlyMap<string, Retention> };
  clock: Clock;
  log: Logger;
  /** Aborts when the process has to stop. */
  drain: AbortSignal;
}

/**
 * Deletes finished tasks that have been kept for long enough, the oldest first: a batch at a time, until none is left
 * or the time is up. A refresh does it, when Postgres is awake anyway: so there is no timer for it, and nothing is lost
 * with one that does not come. It never throws, for the refresh was a success.
 *
 * @returns how many it deleted
 */
export async function runRetention(
  { store, registry, clock, log, drain }: RetentionDeps,
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
      const byType = agesOf(registry.retention, status);
      if (days === undefined && byType.size === 0) continue;
      // One that is not full was the last one; by type, one that is empty.
      const last = byType.size === 0 ? DELETE_BATCH : 1;
      for (let deleted = last; deleted >= last && mayGoOn(); total += deleted)
        deleted =
          byType.size === 0 && days !== undefined
            ? await store.deleteFinished(status, days, DELETE_BATCH, 0)
            : await store.deleteFinishedByType(status, { byType, days }, DELETE_BATCH);
    } catch (error) {
      const what = { status, error: messageOf(error) };
      log.error("old tasks could not be deleted; the next refresh that reads Postgres tries again", what);
    }
  if (total > 0) log.info("old tasks are deleted", { tasks: total });
  return total;
}

function agesOf(retention: ReadonlyMap<string, Retention>, status: FinishedStatus) {
  return new Map(
    [...retention].flatMap(([type, { [status]: days }]) =>
      days === undefined ? [] : [[type, days] as const],
    ),
  );
}
