/**
 * Claiming and settling when answers can be lost. A statement that was sent and not answered may have taken, or take
 * yet, or never arrive. Each has a token that was made beforehand: repeated, it does nothing twice, and then Postgres can
 * be asked what the token holds.
 */

import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { CacheWrite } from "../gate/redis-gate.ts";
import { TRANSIENT_ATTEMPTS, TRANSIENT_BACKOFF_MAX_MS, TRANSIENT_BACKOFF_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import { backoffMs } from "../retry.ts";
import { isTransient } from "../store/database.ts";
import type { Claim, ClaimResult, Lease, SettleOptions, Store } from "../store/store.ts";
import type { Outcome, Task } from "../tasks/task.ts";

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

/**
 * Claims. A claim may be repeated: one that took is in the slot, so the next one meets a conflict, or finds nothing.
 * Whether it is ours says the token.
 */
export async function claimSurely(deps: Deps, claim: Claim, seen: readonly number[]): Promise<SureClaim> {
  const began = deps.clock.now();
  const held = async (): Promise<SureClaim | undefined> => {
    const task = await deps.store.heldBy(claim.token);
    return task && { kind: "claimed", task, leasedAt: began, buried: [] };
  };
  for (let n = 1; ; n++) {
    try {
      const leasedAt = deps.clock.now();
      const result = await deps.store.claim(claim, seen);
      if (result.kind === "claimed") return { ...result, leasedAt };
      const ours = n > 1 ? await held() : undefined;
      return ours ?? result;
    } catch (error) {
      if (!isTransient(error)) throw error;
      await pause(deps, n, "a claim was not answered", error);
      if (n < TRANSIENT_ATTEMPTS) continue;
      // Whoever gives up leaves no task behind that it may have.
      const ours = await held();
      if (!ours) throw error;
      return ours;
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
 * worth more than a minute. A settle may be repeated: when one took, the lease is gone, and the next one does nothing.
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
      const leasedAt = deps.clock.now();
      const { settled, next: claimed } = await deps.store.settle(lease, outcome, next, options);
      if (settled) return { took: true, standing: settled, next: claimed && { task: claimed, leasedAt } };
      const standing = await deps.store.standing(lease);
      if (n === 1) return { took: false, standing, next: undefined };
      // One before took, unless somebody else has the task since: then that is where it stands.
      const task = next && (await deps.store.heldBy(next.token));
      return { took: standing.kind !== "lease", standing, next: task && { task, leasedAt: began } };
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
