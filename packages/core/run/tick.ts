/**
 * The protocol, whole.
 *
 * Two things say that a task runs. The **flag** in Redis is quick to ask and may be lost, so it only gates: a tick
 * that does not get it goes away. The **lease** on the row decides: one statement claims a task with a token and an
 * end, a unique index allows one running row in a slot, and everything that a worker writes about its task names the
 * token. Who lost its lease can change nothing.
 *
 *     enter ──nothing due──▶ sleep until the next due time if it is close, else end
 *       │ due, flag taken ╲──due, flag held──▶ ring when the holder's TTL ends, end
 *       ▼
 *     claim ─▶ handler ─▶ settle + claim the next one ─▶ … ─▶ nothing left ─▶ leave ──more due──▶ claim again
 *                                                        └▶ time is up ─▶ release, then ring
 *
 * What may not be left out, and why:
 *  1. Redis is asked in single steps (`lua.ts`): look and take the flag; write, look, and release or keep it.
 *  2. When the time is up, release first and ring then, also for what will be due soon: a successor that comes at once
 *     must find the flag free.
 *  3. After releasing, look again. A ring that came while the flag was held is thereby not lost. Who sleeps until the
 *     next due time holds no flag; one sleeps at a time, and an earlier wake-up replaces a later one. Who finds
 *     somebody asleep rings for a moment after the wake-up, for sleepers die too.
 *  4. Who meets a held flag rings when its TTL ends, plus a second: a holder that died is found that way.
 *  5. A claim that finds nothing says in the same answer what the ids that looked due really are; the cache is
 *     corrected from that. What Postgres's clock says is due a moment later is then due a moment later by the clock of
 *     Redis too: let go, wait, look. Three empty claims end a tick.
 *  6. A slot in which somebody with a living lease is (the flag was lost): let go, and ring when the lease ends.
 *  7. A running id stays in the cache, at the end of its lease: recovery is a due time like any other.
 *  8. What is written into the cache carries the row's rev, and an older write changes nothing.
 *  9. A marker tells an empty window from an empty Redis: without it, ask Postgres.
 * 10. The token of the next lease is made beforehand: when an answer is lost the statement is repeated, and what the token
 *     holds tells what happened.
 * 11. A task is given back only after its handler's promise settled. A handler that ignores its signal costs the process.
 * 12. Postgres and Redis use their own clocks. No lease is born expired because two clocks disagree.
 * 13. More is due, or will be soon, and a slot is free: ring once more. That is how n slots fill, and who works cannot
 *     sleep for what is due next. Who goes on with the next task while the last one waits again tells the cache at once,
 *     and rings then: nobody else would know that it is due.
 */

import type { Moment } from "../clock.ts";
import type { TickEvent } from "../doorbell/doorbell.ts";
import type { Ringer } from "../doorbell/ringer.ts";
import { messageOf } from "../errors.ts";
import type { Cache, CacheWrite, Decision } from "../gate/redis-gate.ts";
import {
  ABORT_GRACE_MS,
  EMPTY_CLAIMS,
  EMPTY_CLAIMS_PAUSE_MS,
  EXPIRY_MARGIN_MS,
  MOVES_PER_FLUSH,
  SLEEPER_MARGIN_MS,
} from "../limits.ts";
import type { Metrics } from "../metrics.ts";
import { isRefused } from "../store/database.ts";
import type { Claim, Store } from "../store/store.ts";
import type { Lateness, Outcome, Task } from "../tasks/task.ts";
import { type AttemptDeps, refused, runAttempt, TaskAborted } from "./attempt.ts";
import { claimSurely, type Leased, settleSurely } from "./exactly-once.ts";
import { type Before, whyLate } from "./lateness.ts";
import { runRefresh } from "./refresh.ts";

export interface TickDeps extends AttemptDeps {
  store: Store;
  cache: Cache;
  ringer: Ringer;
  newToken: () => string;
  /** How long a running task gets when its process has to stop, in milliseconds. */
  shutdownWaitMs: number;
  metrics?: Metrics | undefined;
}

export interface TickOptions extends TickEvent {
  /** What the invocation has left, in milliseconds; absent on a machine, where nothing ends it. */
  timeLeftMs?: number;
  /** Aborts when no task may be claimed any more. */
  drain: AbortSignal;
  /** Aborts when running handlers have to stop; its reason is a TaskAborted. */
  interrupt: AbortSignal;
}

export interface TickReport {
  completed: number;
  failed: number;
  retried: number;
  givenBack: number;
  /** Attempts whose lease was lost. */
  lost: number;
  /** What ended the tick. */
  ended: "idle" | "held" | "conflict" | "stopped" | "unclaimable";
}

/**
 * One run of the processor.
 *
 * @throws PostgresError when Postgres does not answer; a ring is out then, so that somebody looks again
 */
export async function runTick(deps: TickDeps, options: TickOptions): Promise<TickReport> {
  const limit = startTimeLimit(deps, options);
  const tick = new Tick(deps, { ...options, drain: limit.drain, interrupt: limit.interrupt });
  try {
    const report = await tick.run();
    deps.log.debug("tick ended", { ...report });
    return report;
  } catch (error) {
    deps.log.error("a tick failed", { error: messageOf(error) });
    await tick.letGo();
    await deps.ringer.ringAfter(EMPTY_CLAIMS_PAUSE_MS);
    throw error;
  } finally {
    limit.stop();
    tick.measure();
  }
}

/** A reason of our own: without one, every abort would cost an exception with its stack. */
const OUT_OF_TIME = Symbol("the time of the invocation is nearly up");

/**
 * A signal of our own that aborts when another one does. `AbortSignal.any` does that too, but leaves something behind
 * in a signal that lives as long as the process, for every tick.
 */
function follow(signal: AbortSignal) {
  const own = new AbortController();
  const onAbort = () => own.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return {
    signal: own.signal,
    abort: (reason: unknown) => own.abort(reason),
    leave: () => signal.removeEventListener("abort", onAbort),
  };
}

/** The signals of an invocation that ends at a known time: drain, and in time before the end interrupt. */
function startTimeLimit({ clock, shutdownWaitMs }: TickDeps, { timeLeftMs, drain, interrupt }: TickOptions) {
  if (timeLeftMs === undefined) return { drain, interrupt, stop: () => {} };
  const draining = follow(drain);
  const interrupting = follow(interrupt);
  // What a handler needs to settle, and we to write that it did.
  const margin = Math.min(2 * ABORT_GRACE_MS, timeLeftMs / 2);
  const drainInMs = timeLeftMs - Math.max(margin, Math.min(shutdownWaitMs, timeLeftMs / 2));
  const cancelDrain = clock.after(drainInMs, () => draining.abort(OUT_OF_TIME));
  const cancelInterrupt = clock.after(timeLeftMs - margin, () =>
    interrupting.abort(new TaskAborted("time_limit")),
  );
  return {
    drain: draining.signal,
    interrupt: interrupting.signal,
    stop: () => {
      cancelDrain();
      cancelInterrupt();
      draining.leave();
      interrupting.leave();
    },
  };
}

/** The state of one tick: its token, the slot it holds, and what Redis has not been told yet. */
class Tick {
  readonly #deps: TickDeps;
  readonly #options: TickOptions;
  readonly #token: string;
  readonly #began: number;
  readonly #report = { completed: 0, failed: 0, retried: 0, givenBack: 0, lost: 0 };
  #slot: number | undefined;
  #writes: CacheWrite[] = [];
  readonly #lateness: number[] = [];
  readonly #durations: number[] = [];
  #flagRenewedAt = 0;
  #flagLost = false;
  #overdue = false;
  #rangForMoreAt = Number.NEGATIVE_INFINITY;
  #attempts = 0;
  #previous: Before["previous"];
  #emptyClaims = 0;
  #refreshed = false;
  /** Tasks that wait again, while this tick goes on: the cache does not know it yet, and nobody was rung for them. */
  readonly #unannounced: (Moment & { id: number })[] = [];
  /** A renewal of the flag that is under way: when the flag is given back, none may come after and take it again. */
  #renewing: Promise<void> | undefined;

  constructor(deps: TickDeps, options: TickOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#token = deps.newToken();
    this.#began = deps.clock.now();
  }

  async run(): Promise<TickReport> {
    if (this.#options.drain.aborted) {
      // This process ends; the ring that brought it here was meant for somebody who works.
      await this.#deps.ringer.ringAfter(EXPIRY_MARGIN_MS);
      return this.#end("stopped");
    }
    let decision: Decision = this.#options.askPostgres ? { kind: "unknown" } : await this.#enter();
    for (;;) {
      switch (decision.kind) {
        case "idle":
          if (decision.next) await this.#ringFor(decision.next);
          if (decision.lease) await this.#deps.ringer.ringAfter(decision.lease.inMs + EXPIRY_MARGIN_MS);
          return this.#end("idle");
        case "asleep":
          // Who sleeps may die: somebody looks after it should have woken.
          await this.#deps.ringer.ringAfter(decision.wake.inMs + SLEEPER_MARGIN_MS);
          return this.#end("idle");
        case "held":
          await this.#deps.ringer.ringAfter(decision.freeInMs + EXPIRY_MARGIN_MS, { by: "held" });
          return this.#end("held");
        case "sleep":
          await this.#deps.clock.sleep(decision.until.inMs, this.#options.drain);
          if (this.#options.drain.aborted) {
            await this.#release();
            await this.#deps.ringer.ringAt(decision.until);
            return this.#end("stopped");
          }
          decision = await this.#enter();
          break;
        case "unknown":
          decision = await this.#askPostgres();
          break;
        case "go": {
          if (decision.more) await this.#deps.ringer.ring();
          const next = await this.#work(decision.slot, decision.seen);
          if ("ended" in next) return this.#end(next.ended);
          decision = next;
        }
      }
    }
  }

  /** Tells the metrics what was done, if anything was. */
  measure(): void {
    if (this.#durations.length === 0) return;
    const { completed, failed, retried, givenBack, lost } = this.#report;
    this.#deps.metrics?.({
      TasksCompleted: completed,
      TasksFailed: failed,
      TasksRetried: retried,
      TasksGivenBack: givenBack,
      TasksLeaseLost: lost,
      TaskLatenessMilliseconds: this.#lateness,
      TaskDurationMilliseconds: this.#durations,
    });
  }

  /** Gives the flag back after a failure, as well as that can be done. */
  async letGo(): Promise<void> {
    if (this.#slot === undefined) return;
    try {
      await this.#release();
    } catch (error) {
      this.#deps.log.warn("a flag could not be given back; it ends by itself", { error: messageOf(error) });
    }
  }

  #end(ended: TickReport["ended"]): TickReport {
    return { ...this.#report, ended };
  }

  #enter(): Promise<Decision> {
    return this.#deps.cache.enter({ token: this.#token, napMs: this.#napMs() });
  }

  /**
   * How long this tick may sleep. One that has not run anything yet may sleep as long as a ring may come early; one
   * that has, not so long that the longest handler would not have its time afterwards.
   */
  #napMs(): number {
    const { registry, ringer, shutdownWaitMs } = this.#deps;
    const needed = (this.#attempts === 0 ? 0 : registry.longestTimeoutMs) + shutdownWaitMs;
    return Math.max(0, Math.min(ringer.earlyMs, this.#timeLeftMs() - needed));
  }

  /**
   * Somebody is to be there at the next due time. A ring for it may come at once, which helps only if who comes can
   * sleep until then: when this tick, fresh as it is, cannot, no other one could.
   */
  async #ringFor(next: Moment): Promise<void> {
    const { ringer } = this.#deps;
    if (this.#attempts === 0 && next.inMs <= ringer.earlyMs) await ringer.ringAfter(next.inMs);
    else await ringer.ringAt(next);
  }

  #timeLeftMs(): number {
    const { timeLeftMs } = this.#options;
    return timeLeftMs === undefined
      ? Number.POSITIVE_INFINITY
      : timeLeftMs - (this.#deps.clock.now() - this.#began);
  }

  /** The cache does not know: rebuild it and look again; when that does not help, go without a flag. The lease decides. */
  async #askPostgres(): Promise<Decision> {
    if (this.#refreshed) return { kind: "go", slot: 0, more: false, seen: [] };
    this.#refreshed = true;
    await runRefresh(this.#deps);
    return this.#enter();
  }

  /** Claims and runs until nothing is left or the time is up. */
  async #work(slot: number, seen: readonly number[]): Promise<Decision | { ended: TickReport["ended"] }> {
    this.#slot = slot;
    this.#flagLost = false;
    this.#flagRenewedAt = this.#deps.clock.now();
    if (this.#options.drain.aborted) return this.#handOver();
    let claim: Claim = { slot, token: this.#deps.newToken() };
    const claimed = await claimSurely(this.#deps, claim, seen);
    if (claimed.kind !== "conflict" && claimed.buried.length > 0)
      this.#deps.log.error("tasks ended in Error because their workers died again and again", {
        tasks: claimed.buried.map(({ id }) => id),
      });
    switch (claimed.kind) {
      case "conflict":
        await this.#release();
        await this.#deps.ringer.ringAfter(claimed.leaseEndsInMs + EXPIRY_MARGIN_MS, { by: "held" });
        return { ended: "conflict" };
      case "empty":
        this.#writes.push(...claimed.buried, ...claimed.truth);
        return this.#foundNothing(claimed.next);
      case "claimed":
        this.#writes.push(...claimed.buried);
        break;
    }
    this.#emptyClaims = 0;
    let leased: Leased | undefined = claimed;
    while (leased) {
      const next: Claim = { slot, token: this.#deps.newToken() };
      leased = await this.#attempt(leased, claim, next);
      claim = next;
      if (leased) this.#flushIfNeeded();
    }
    if (this.#mayClaim()) return this.#leave();
    if (!this.#flagLost || this.#options.drain.aborted) return this.#handOver();
    await this.#release();
    return this.#enter();
  }

  /** Rule 2. */
  async #handOver(): Promise<{ ended: TickReport["ended"] }> {
    const { more } = await this.#release();
    if (more) await this.#deps.ringer.ring();
    return { ended: "stopped" };
  }

  /** Runs one task, settles it, and returns the next one if it could be claimed. */
  async #attempt({ task, leasedAt }: Leased, claim: Claim, next: Claim): Promise<Leased | undefined> {
    const { deps, lease } = { deps: this.#deps, lease: { taskId: task.id, token: claim.token } };
    const began = deps.clock.now();
    let outcome = await runAttempt(deps, {
      task,
      lease,
      leasedAt,
      interrupt: this.#options.interrupt,
      hadWholeInvocation: this.#attempts++ === 0,
      renewed: (write) => {
        this.#writes.push(write);
        this.#renewFlag();
      },
    });
    const lateness = whyLate(task, {
      previous: this.#previous,
      cacheMissed: this.#refreshed,
      flagWasHeld: this.#options.by === "held",
      foundByRefresh: this.#options.by === "refresh",
    });
    const settle = (claim: Claim | undefined) =>
      settleSurely(deps, lease, outcome, claim, { overdue: this.#overdue, lateness });
    const result = await settle(this.#mayClaim() ? next : undefined)
      .catch((error: unknown) => {
        if (!isRefused(error)) throw error;
        // It may be the next row that could not be claimed.
        return settle(undefined);
      })
      .catch((error: unknown) => {
        if (!isRefused(error)) throw error;
        outcome = refused(deps, task, error);
        return settle(undefined);
      });
    this.#writes.push(result.standing);
    // The next one was claimed when this one ended; its start is that moment by Postgres's clock.
    this.#previous = { id: task.id, endedAtMs: Date.parse(result.next?.task.started_at ?? "") || 0 };
    this.#count(task, result.took ? outcome : undefined, deps.clock.now() - began, lateness);
    if (result.took && result.standing.kind === "due")
      await this.#waitsAgain(task.id, outcome, result.standing.atMs, result.next !== undefined);
    return result.next;
  }

  /** Rule 13. Who does not go on leaves, and that tells the cache too. */
  async #waitsAgain(id: number, outcome: Outcome, atMs: number, goesOn: boolean): Promise<void> {
    const due = { id, atMs, inMs: outcome.kind === "retried" ? outcome.delayMs : 0 };
    if (goesOn) {
      this.#unannounced.push(due);
      this.#renewFlag();
    } else if (outcome.kind === "retried") await this.#deps.ringer.ringAt(due, { task: id });
  }

  #mayClaim(): boolean {
    if (this.#options.drain.aborted || this.#flagLost) return false;
    // A successor with a whole invocation is better than a task that is stopped in the middle.
    return (
      this.#attempts === 0 ||
      this.#timeLeftMs() >= this.#deps.registry.longestTimeoutMs + this.#deps.shutdownWaitMs
    );
  }

  #count(task: Task, outcome: Outcome | undefined, durationMs: number, lateness: Lateness | undefined): void {
    const counters = {
      completed: "completed",
      failed: "failed",
      retried: "retried",
      given_back: "givenBack",
    } as const;
    this.#report[outcome ? counters[outcome.kind] : "lost"]++;
    const latenessMs = Math.max(0, Date.parse(task.started_at ?? "") - Date.parse(task.scheduled_time)) || 0;
    const fields = {
      task: task.id,
      type: task.type,
      attempt: task.attempts,
      durationMs,
      latenessMs,
      late: lateness?.reason,
    };
    if (this.#deps.metrics) {
      this.#lateness.push(latenessMs);
      this.#durations.push(durationMs);
    }
    if (!outcome) this.#deps.log.warn("an attempt lost its lease; it changed nothing", fields);
    else if (outcome.kind === "completed") this.#deps.log.info("task completed", fields);
    else if (outcome.kind === "given_back")
      this.#deps.log.warn("task given back", { ...fields, crashed: outcome.crashed });
    else {
      const what = outcome.kind === "failed" ? "task failed" : "task failed and will be tried again";
      this.#deps.log.warn(what, { ...fields, error: outcome.error.message, code: outcome.error.code });
    }
  }

  /** Rule 5. */
  async #foundNothing(next: Moment | undefined): Promise<Decision | { ended: TickReport["ended"] }> {
    if (this.#options.drain.aborted) return this.#handOver();
    if (++this.#emptyClaims >= EMPTY_CLAIMS) {
      await this.#release();
      // Due by every clock and not to be had: somebody has the row locked. Or due only by the clock of Redis.
      if (next && next.inMs > 0) await this.#deps.ringer.ringAt(next);
      else await this.#deps.ringer.ringAfter(EMPTY_CLAIMS_PAUSE_MS);
      return { ended: "unclaimable" };
    }
    return this.#leave();
  }

  async #leave(): Promise<Decision> {
    await this.#renewing;
    const slot = this.#slot ?? 0;
    const decision = await this.#deps.cache.leave(
      { token: this.#token, napMs: this.#napMs() },
      slot,
      this.#takeWrites(),
    );
    if (decision.kind !== "go") this.#slot = undefined;
    return decision;
  }

  async #release(): Promise<{ more: boolean }> {
    await this.#renewing;
    const slot = this.#slot ?? 0;
    const released = await this.#deps.cache.release(this.#token, slot, this.#takeWrites());
    this.#slot = undefined;
    return released;
  }

  #flushIfNeeded(): void {
    const flagAge = this.#deps.clock.now() - this.#flagRenewedAt;
    if (this.#writes.length >= MOVES_PER_FLUSH || flagAge >= this.#deps.leaseMs / 3) this.#renewFlag();
  }

  /** Beside the work: a Redis that hangs may not cost a lease. */
  #renewFlag(): void {
    this.#renewing ??= this.#renewFlagNow();
  }

  async #renewFlagNow(): Promise<void> {
    do {
      const announced = this.#unannounced.splice(0);
      try {
        this.#flagRenewedAt = this.#deps.clock.now();
        const { kept, overdue, more } = await this.#deps.cache.renew(
          this.#token,
          this.#slot ?? 0,
          this.#takeWrites(),
        );
        this.#flagLost = !kept;
        this.#overdue = overdue;
        if (more) await this.#ringForMore();
      } catch (error) {
        this.#deps.log.warn("the flag could not be renewed; the lease holds", { error: messageOf(error) });
      }
      for (const { id, ...due } of announced) await this.#deps.ringer.ringAt(due, { task: id });
    } while (this.#unannounced.length > 0);
    this.#renewing = undefined;
  }

  /** Rule 13. Tasks may be short and many: while it works, a tick rings for the same free slot only now and then. */
  async #ringForMore(): Promise<void> {
    const now = this.#deps.clock.now();
    if (now - this.#rangForMoreAt < this.#deps.leaseMs / 3) return;
    this.#rangForMoreAt = now;
    await this.#deps.ringer.ring();
  }

  #takeWrites(): CacheWrite[] {
    const writes = this.#writes;
    this.#writes = [];
    return writes;
  }
}
