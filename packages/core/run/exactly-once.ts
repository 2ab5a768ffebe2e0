/**
 * Claiming and settling when answers are lost. A statement that was sent and not answered may have taken effect, may
 * still do so, or may never have arrived. Each carries a token that was made beforehand, so repeating it does nothing
 * twice, and the token says afterwards what became of it (rule 10).
 */
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { TRANSIENT_ATTEMPTS, TRANSIENT_BACKOFF_MAX_MS, TRANSIENT_BACKOFF_MS } from "../limits.ts";
import type { Logger } from "../log.ts";
import { backoffMs } from "../retry.ts";
import type { ClaimResult } from "../store/claim.ts";
import { isRefused, isTransient } from "../store/database.ts";
import type { Lease, LeaseRequest } from "../store/lease.ts";
import type { SettleOptions } from "../store/settle.ts";
import type { Store } from "../store/store.ts";
import type { Standing } from "../tasks/standing.ts";
import type { Outcome } from "../tasks/task.ts";
import { cancelled, refused } from "./outcome.ts";

export interface ExactlyOnceDeps {
  store: Pick<Store, "claim" | "settle" | "heldBy" | "standing">;
  clock: Clock;
  log: Logger;
  leaseMs: number;
  maxCrashes: number;
  /** Tokens of claims that this process gave up without knowing what became of them: they may still take effect. */
  unanswered: Set<string>;
}

/** What a worker claims with: the slot whose flag it holds, and a token made beforehand. */
export type Claim = Pick<LeaseRequest, "slot" | "token">;

/**
 * Claims a task. A claim that took effect is in the slot, so its repetition meets a conflict or finds nothing; whether
 * the task is ours, the token says. One that takes effect even later leases a task to nobody: whoever of this process
 * meets it gives the task back.
 *
 * @throws PostgresError when Postgres does not answer, after it was asked once more whether the token holds a task
 */
export async function claimOnce(
  deps: ExactlyOnceDeps,
  claim: Claim,
  seen: readonly number[],
  lanesRev?: number,
): Promise<ClaimResult> {
  const { store, clock } = deps;
  const beganMs = clock.now();
  const claimedEarlier = async (): Promise<ClaimResult | undefined> => {
    const lease = await store.heldBy({ ...claim, leasedAt: beganMs });
    return lease && { kind: "claimed", lease, buried: [] };
  };
  for (let n = 1; ; n++) {
    try {
      const result = await store.claim({ ...claim, leasedAt: clock.now() }, seen, lanesRev);
      if (result.kind === "claimed") return result;
      const ours = n > 1 ? await claimedEarlier() : undefined;
      if (ours) return ours;
      if (n > 1) giveUp(deps, claim.token);
      return (meetsRunning(result) && (await adopted(deps, claim.slot))) || result;
    } catch (error) {
      if (!isTransient(error)) throw error;
      await pause(deps, n, "a claim was not answered", error);
      if (n < TRANSIENT_ATTEMPTS) continue;
      // Before giving up, check whether a claim took effect.
      const ours = await claimedEarlier();
      if (ours) return ours;
      giveUp(deps, claim.token);
      throw error;
    }
  }
}

/** Claims that are remembered, the latest ones: what was sent long ago does not arrive any more. */
const UNANSWERED_LIMIT = 8;

/** Remembers the token of a claim that may still take effect. */
export function giveUp({ unanswered }: Pick<ExactlyOnceDeps, "unanswered">, token: string): void {
  unanswered.add(token);
  const [oldest] = unanswered;
  if (unanswered.size > UNANSWERED_LIMIT && oldest !== undefined) unanswered.delete(oldest);
}

/**
 * The lease in this slot that a claim of this process got after it was given up. How much of it is left, nobody knows
 * here: it counts as over, so that its task is given back at once and can be claimed anew.
 */
async function adopted(
  { store, unanswered, log }: ExactlyOnceDeps,
  slot: number,
): Promise<ClaimResult | undefined> {
  for (const token of unanswered) {
    const lease = await store.heldBy({ slot, token, leasedAt: Number.NEGATIVE_INFINITY });
    if (lease?.task.slot !== slot) continue;
    // No other tick of this process may adopt it, too.
    if (!unanswered.delete(token)) continue;
    log.warn("a claim that was given up took effect after all; its task is given back", {
      task: lease.task.id,
    });
    return { kind: "claimed", lease, buried: [] };
  }
  return undefined;
}

/** Whether a task runs in the slot, or one that looked due. */
const meetsRunning = (result: ClaimResult) =>
  result.kind === "conflict" ||
  (result.kind === "empty" && result.truth.some(({ kind }) => kind === "running"));

export interface Settled {
  /**
   * Whether the outcome was written, as far as can be told: where answers were lost, a task that another worker has by
   * now looks like a lost lease. False: the lease was lost.
   */
  took: boolean;
  /** Where the task stands now. */
  standing: Standing;
  /** As in `SettleResult`. */
  cancelled?: boolean;
  next: Lease | undefined;
  /** As in `SettleResult`. */
  more?: boolean;
}

/**
 * Settles a task and claims the next one. It tries until the lease must have ended: a result is worth that time. A
 * settle that took effect ended the lease, so its repetition does nothing.
 *
 * @throws PostgresError when Postgres refuses the outcome, or does not answer for as long as the lease lasts
 */
export async function settleOnce(
  deps: ExactlyOnceDeps,
  lease: Lease,
  outcome: Outcome,
  next: Claim | undefined,
  options: SettleOptions,
): Promise<Settled> {
  const { store, clock } = deps;
  const beganMs = clock.now();
  for (let n = 1; ; n++) {
    try {
      const request = next && { ...next, leasedAt: clock.now() };
      const answer = await store.settle(lease, outcome, request, options);
      const { settled, next: claimed, cancelled = false, more = false } = answer;
      if (settled) return { took: true, standing: settled, cancelled, next: claimed, more };
      const standing = await store.standing(lease.task.id);
      if (n === 1) return { took: false, standing, next: undefined };
      // An earlier try took effect, unless another worker has the task by now: then that is where it stands.
      const held = next && (await store.heldBy({ ...next, leasedAt: beganMs }));
      return { took: standing.kind !== "running", standing, next: held };
    } catch (error) {
      if (!isTransient(error) || clock.now() >= beganMs + deps.leaseMs) {
        if (next) giveUp(deps, next.token);
        throw error;
      }
      await pause(deps, n, "a settle was not answered", error);
    }
  }
}

/** Settles. When Postgres refuses the next claim's row, without it; when it refuses the outcome, as a failure. */
export function settleAsAccepted(
  deps: ExactlyOnceDeps,
  lease: Lease,
  outcome: Outcome,
  next: Claim | undefined,
  options: SettleOptions,
): Promise<Settled & { outcome: Outcome }> {
  const settleAs = async (what: Outcome, claim?: Claim) => {
    const settled = await settleOnce(deps, lease, what, claim, options);
    return { ...settled, outcome: settled.cancelled ? cancelled(deps, lease.task) : what };
  };
  return settleAs(outcome, next)
    .catch((error: unknown) => {
      if (!isRefused(error)) throw error;
      return settleAs(outcome);
    })
    .catch((error: unknown) => {
      if (!isRefused(error)) throw error;
      return settleAs(refused(deps, lease.task, error));
    });
}

export async function pause(
  { clock, log }: Pick<ExactlyOnceDeps, "clock" | "log">,
  n: number,
  what: string,
  error: unknown,
) {
  log.warn(what, { try: n, error: messageOf(error) });
  await clock.sleep(backoffMs(n, TRANSIENT_BACKOFF_MS, TRANSIENT_BACKOFF_MAX_MS));
}
