/**
 * Claiming and settling when answers can be lost. A statement that was sent and not answered may have taken or not, and
 * may not simply be repeated; but each has a token that was made beforehand, and Postgres can be asked what it holds.
 */
import type { CacheWrite } from "./cache.ts";
import type { Clock } from "./clock.ts";
import { messageOf } from "./errors.ts";
import { TRANSIENT_ATTEMPTS, TRANSIENT_BACKOFF_MAX_MS, TRANSIENT_BACKOFF_MS } from "./limits.ts";
import type { Logger } from "./log.ts";
import { isTransient } from "./postgres.ts";
import { backoffMs } from "./retry.ts";
import type { Claim, ClaimResult, Lease, SettleOptions, Store } from "./store.ts";
import type { Outcome, Task } from "./task.ts";

interface Deps {
  store: Pick<Store, "claim" | "settle" | "heldBy" | "standing">;
  clock: Clock;
  log: Logger;
  leaseMs: number;
}

export interface Leased {
  task: Task;
  /** By the process's clock, in milliseconds: the lease did not begin before. */
  leasedAt: number;
}

export type SureClaim =
  | ({ kind: "claimed"; buried: CacheWrite[] } & Leased)
  | Exclude<ClaimResult, { kind: "claimed" }>;

/** Claims; after a lost answer, what the token holds is what was claimed. */
export async function claimSurely(deps: Deps, claim: Claim, seen: readonly number[]): Promise<SureClaim> {
  const began = deps.clock.now();
  for (let n = 1; ; n++) {
    try {
      const task = n > 1 ? await deps.store.heldBy(claim.token) : undefined;
      if (task) return { kind: "claimed", task, leasedAt: began, buried: [] };
      const leasedAt = deps.clock.now();
      const result = await deps.store.claim(claim, seen);
      if (result.kind === "claimed") return { ...result, leasedAt };
      // An earlier one may have been on its way when it was asked for, and is who is in the slot.
      const late = n > 1 && result.kind === "conflict" && (await deps.store.heldBy(claim.token));
      return late ? { kind: "claimed", task: late, leasedAt: began, buried: [] } : result;
    } catch (error) {
      if (n >= TRANSIENT_ATTEMPTS || !isTransient(error)) throw error;
      await pause(deps, n, "a claim was not answered", error);
    }
  }
}

export interface SureSettle {
  /** Whether the outcome was written. False: the lease was lost. */
  took: boolean;
  /** Where the task stands now. */
  standing: CacheWrite;
  next: Leased | undefined;
}

/**
 * Settles and claims the next one. As long as the lease may hold it tries to get the outcome written: a result is
 * worth more than a minute.
 */
export async function settleSurely(
  deps: Deps,
  lease: Lease,
  outcome: Outcome,
  next: Claim | undefined,
  options: SettleOptions,
): Promise<SureSettle> {
  const began = deps.clock.now();
  const until = began + deps.leaseMs;
  for (let n = 1; ; n++) {
    try {
      const before = n > 1 ? await deps.store.standing(lease) : undefined;
      if (before && !before.held) {
        // It took and the answer was lost, unless somebody else has the task since: then that is where it stands.
        const claimed = next && (await deps.store.heldBy(next.token));
        return {
          took: before.write.kind !== "lease",
          standing: before.write,
          next: claimed && { task: claimed, leasedAt: began },
        };
      }
      const leasedAt = deps.clock.now();
      const { settled, next: claimed } = await deps.store.settle(lease, outcome, next, options);
      if (settled) return { took: true, standing: settled, next: claimed && { task: claimed, leasedAt } };
      if (n > 1) continue; // An earlier one took after it was asked for.
      return { took: false, standing: (await deps.store.standing(lease)).write, next: undefined };
    } catch (error) {
      if (!isTransient(error) || deps.clock.now() >= until) throw error;
      await pause(deps, n, "a settle was not answered", error);
    }
  }
}

async function pause({ clock, log }: Deps, n: number, what: string, error: unknown): Promise<void> {
  log.warn(what, { try: n, error: messageOf(error) });
  await clock.sleep(backoffMs(n, TRANSIENT_BACKOFF_MS, TRANSIENT_BACKOFF_MAX_MS));
}
