import type { Clock, Moment } from "../clock.ts";
import type { Ringer } from "../doorbell/ringer.ts";
import { messageOf } from "../errors.ts";
import type { Decision, Gate } from "../gate/gate.ts";
import { STANDINGS_PER_FLUSH } from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Coming, Standing } from "../tasks/standing.ts";
import type { Outcome } from "../tasks/task.ts";

export interface FlagDeps {
  gate: Gate;
  ringer: Ringer;
  clock: Clock;
  log: Logger;
  leaseMs: number;
}

/** The running flag as one tick holds it, with the standings that the gate has not been told yet. */
export interface Flag {
  /** Another tick has the flag now: claim no more. */
  readonly lost: boolean;
  /** The last renewal saw that some task's lease has ended. */
  readonly overdue: boolean;
  enter(napMs: number): Promise<Decision>;
  /** From here on the tick works in this slot. */
  hold(slot: number): void;
  /** Queues standings for the next request to the gate. */
  note(...standings: Standing[]): void;
  /** Renews the flag in the background: Redis hanging must not cost a lease. */
  renew(): void;
  /** Renews it if many standings are queued or a third of its life has passed. */
  renewIfDue(): void;
  /** A task waits again while this tick goes on: tells the gate at once and rings for it then (rule 13). */
  announce(id: number, due: Moment): void;
  /**
   * A task was settled, and perhaps waits again. A tick that goes on tells the gate at once and rings then; one that
   * does not tells it when it leaves or releases (rule 13).
   */
  waitsAgain(standing: Standing, outcome: Outcome, goesOn: boolean): Promise<void>;
  /** Gives the flag back only if nothing is due, and decides anew. */
  leave(napMs: number): Promise<Decision>;
  /** Gives the flag back whatever is due. Says whether more is, or soon will be. */
  release(): Promise<{ more: boolean }>;
  /** After a failure: gives the flag back if that is possible; otherwise it expires. */
  tryRelease(): Promise<void>;
}

export function createFlag({ gate, ringer, clock, log, leaseMs }: FlagDeps, token: string): Flag {
  let slot: number | undefined;
  let lost = false;
  let overdue = false;
  let renewedAtMs = 0;
  let rangForMoreAtMs = Number.NEGATIVE_INFINITY;
  /** A renewal under way. It is awaited before the flag is given back, or it might take the flag again. */
  let renewing: Promise<void> | undefined;
  const queued: Standing[] = [];
  const waitingAgain: (Moment & { id: number })[] = [];
  /** Standings of a request that fails are not queued again: `fallback-gate.ts` knows then that the cache misses some. */
  const takeQueued = () => queued.splice(0);

  /** Short tasks may be many: ring for the same free slot only now and then (rule 13). */
  const ringForMore = async () => {
    if (clock.now() - rangForMoreAtMs < leaseMs / 3) return;
    rangForMoreAtMs = clock.now();
    await ringer.ring();
  };
  /** A batch may give hundreds of tasks back: one ring does for those that are due together. */
  const ringForAgain = async (announced: readonly (Moment & { id: number })[]) => {
    const coming = announced.map(({ id, atMs }): Coming => ({ id, atMs, kind: "waiting" }));
    const nowMs = Math.max(...announced.map(({ atMs, inMs }) => atMs - inMs));
    if (coming.length > 0) await ringer.ringFor(coming, nowMs);
  };
  const renewNow = async () => {
    do {
      const announced = waitingAgain.splice(0);
      try {
        renewedAtMs = clock.now();
        const renewal = await gate.renew(token, slot ?? 0, takeQueued());
        lost = !renewal.kept;
        overdue = renewal.overdue;
        if (renewal.more) await ringForMore();
      } catch (error) {
        log.warn("the running flag could not be renewed; the lease still holds", { error: messageOf(error) });
      }
      await ringForAgain(announced);
    } while (waitingAgain.length > 0);
    renewing = undefined;
  };

  const flag: Flag = {
    get lost() {
      return lost;
    },
    get overdue() {
      return overdue;
    },
    enter: (napMs) => gate.enter({ token, napMs }),
    hold(taken) {
      slot = taken;
      lost = false;
      renewedAtMs = clock.now();
    },
    note: (...standings) => void queued.push(...standings),
    renew() {
      renewing ??= renewNow();
    },
    renewIfDue() {
      if (queued.length >= STANDINGS_PER_FLUSH || clock.now() - renewedAtMs >= leaseMs / 3) flag.renew();
    },
    announce(id, due) {
      waitingAgain.push({ id, ...due });
      flag.renew();
    },
    async waitsAgain(standing, outcome, goesOn) {
      if (standing.kind !== "waiting") return;
      const { id, atMs } = standing;
      const delayMs = "delayMs" in outcome ? outcome.delayMs : undefined;
      const due = { atMs, inMs: delayMs ?? 0 };
      if (goesOn) flag.announce(id, due);
      else if (delayMs !== undefined) await ringer.ringAt(due, { task: id });
    },
    async leave(napMs) {
      await renewing;
      const decision = await gate.leave({ token, napMs }, slot ?? 0, takeQueued());
      if (decision.kind !== "go") slot = undefined;
      return decision;
    },
    async release() {
      await renewing;
      const released = await gate.release(token, slot ?? 0, takeQueued());
      slot = undefined;
      return released;
    },
    async tryRelease() {
      if (slot === undefined) return;
      try {
        await flag.release();
      } catch (error) {
        log.warn("the running flag could not be released; it will expire", { error: messageOf(error) });
      }
    },
  };
  return flag;
}
