/**
 * One tick. Two things say that a task runs. The **flag** in Redis is quick to ask and may be lost, so
 * it only gates: a tick that does not get it leaves. The **lease** on the row decides: one statement claims a task with
 * a token and an end, a unique index allows one running row in a slot, and everything that a worker writes about its
 * task names the token.
 *
 *     enter ──nothing due──▶ sleep until the next due time if it is close, else end
 *       │ due, flag taken ╲──due, flag held──▶ ring when the holder's TTL ends, end
 *       ▼
 *     claim ─▶ handler ─▶ settle + claim the next one ─▶ … ─▶ nothing left ─▶ leave ──more due──▶ claim again
 *                                                        └▶ time is up ─▶ release, then ring
 *
 * `docs/protocol.md` has the thirteen rules that keep this safe, and why none may be left out; the numbers below are
 * theirs.
 */
import type { Moment } from "../clock.ts";
import type { TickEvent } from "../doorbell/doorbell.ts";
import { messageOf } from "../errors.ts";
import type { Decision } from "../gate/gate.ts";
import { EMPTY_CLAIMS, EMPTY_CLAIMS_PAUSE_MS, EXPIRY_MARGIN_MS, SLEEPER_MARGIN_MS } from "../limits.ts";
import { untilRetryMs } from "../retry.ts";
import type { Lease } from "../store/lease.ts";
import type { Store } from "../store/store.ts";
import { isLaned } from "../tasks/standing.ts";
import { runsAlone } from "../tasks/task.ts";
import { type AttemptDeps, runAttempt } from "./attempt.ts";
import { runBatch } from "./batch/load.ts";
import { type Claim, claimOnce, type ExactlyOnceDeps, settleAsAccepted } from "./exactly-once.ts";
import { createFlag, type Flag, type FlagDeps } from "./flag.ts";
import { lanesAreDue, tellLanes } from "./lanes.ts";
import { type Before, beforeOf, whyLate } from "./lateness.ts";
import { runRefresh } from "./refresh.ts";
import { createTally, type Ending, type Tally, type TallyDeps, type TickReport } from "./tally.ts";
import { startTimeLimit, type TimeLimit } from "./time-limit.ts";

export interface TickDeps extends AttemptDeps, FlagDeps, TallyDeps, Pick<ExactlyOnceDeps, "unanswered"> {
  store: Store;
  newToken: () => string;
  /** How long a running task gets when its process has to stop, in milliseconds. */
  shutdownWaitMs: number;
  /** How many ticks of this process have failed in a row. */
  failed: { inARow: number };
  warned: Set<string>;
}

export interface TickOptions extends TickEvent {
  /** What the invocation has left, in milliseconds; absent on a machine, where nothing ends it. */
  timeLeftMs?: number;
  /** Aborts when no task may be claimed any more. */
  drain: AbortSignal;
  /** Aborts when running handlers have to stop; its reason is a TaskAborted. */
  interrupt: AbortSignal;
}

/** A tick and what it remembers between its tasks. */
interface Tick {
  readonly deps: TickDeps;
  readonly event: TickEvent;
  readonly limit: TimeLimit;
  readonly flag: Flag;
  readonly tally: Tally;
  /** How many ticks have failed in a row before this one, as far as anybody knows. */
  readonly failures: number;
  attempts: number;
  emptyClaims: number;
  refreshed: boolean;
  previous: Before["previous"];
}

type Go = Extract<Decision, { kind: "go" }>;
/** What a tick does next: as the gate decided, or end. */
type Step = Decision | { kind: "end"; ended: Ending };
const end = (ended: Ending): Step => ({ kind: "end", ended });

/**
 * Runs what is due, one task at a time, until nothing is due or the time is up; `Ending` has what else ends it.
 *
 * When Postgres does not answer, or the cache cannot be rebuilt, it rings for a later tick and has `failed`. It must
 * not throw then: whoever invoked it would try again as well, and each of these ticks would ring.
 *
 * @throws PostgresError or TickworkError when it could not ring either
 */
export async function runTick(deps: TickDeps, options: TickOptions): Promise<TickReport> {
  const { log, ringer, clock } = deps;
  const limit = startTimeLimit(deps, options);
  const flag = createFlag(deps, deps.newToken());
  const tally = createTally(deps);
  const failures = Math.max(options.failures ?? 0, deps.failed.inARow);
  const parts = { deps, event: options, failures, limit, flag, tally };
  const tick: Tick = { ...parts, attempts: 0, emptyClaims: 0, refreshed: false, previous: undefined };
  let ended: Ending = "failed";
  try {
    ended = await loop(tick);
    deps.failed.inARow = 0;
  } catch (error) {
    log.error("a tick failed", { error: messageOf(error) });
    await flag.tryRelease();
    // Those that fail at the same time are one failure.
    deps.failed.inARow = Math.max(deps.failed.inARow, failures + 1);
    const later = { ...passedOn(options), failures: failures + 1 };
    if (!(await ringer.ringAfter(untilRetryMs(clock.now(), failures), later))) throw error;
  } finally {
    limit.stop();
    tally.publish(ended);
  }
  const report = tally.report(ended);
  log.debug("tick ended", { ...report });
  return report;
}

async function loop(tick: Tick): Promise<Ending> {
  const { deps, event, limit, flag } = tick;
  const { ringer, clock } = deps;
  if (limit.drain.aborted) {
    // This process is shutting down: the ring that brought the tick here was meant for one that works.
    await ringer.ringAfter(EXPIRY_MARGIN_MS, passedOn(event));
    return "stopped";
  }
  let step: Step = event.askPostgres ? { kind: "unknown" } : await flag.enter(napMs(tick));
  for (;;) {
    switch (step.kind) {
      case "go":
        step = await work(tick, step);
        break;
      case "sleep":
        await clock.sleep(step.until.inMs, limit.drain);
        if (limit.drain.aborted) {
          // It holds no flag; this makes room for another sleeper.
          await flag.release();
          await ringer.ringAt(step.until);
          return "stopped";
        }
        step = await flag.enter(napMs(tick));
        break;
      case "asleep":
        // A sleeper may die: look again after it should have woken (rule 3).
        await ringer.ringAfter(step.wake.inMs + SLEEPER_MARGIN_MS);
        return "idle";
      case "held":
        // Its holder may have died: look again when its flag ends (rule 4).
        await ringer.ringAfter(step.freeInMs + EXPIRY_MARGIN_MS, { by: "held" });
        return "held";
      case "idle":
        if (step.next) await ringFor(tick, step.next);
        if (step.lease) await ringer.ringAfter(step.lease.inMs + EXPIRY_MARGIN_MS);
        return "idle";
      case "unknown":
        step = await askPostgres(tick);
        break;
      case "end":
        return step.ended;
    }
  }
}

/** Claims and runs tasks in a slot until nothing is left or the time is up. */
async function work(tick: Tick, { slot, seen, more, lanesRev }: Go): Promise<Step> {
  const { deps, flag, limit, failures } = tick;
  flag.hold(slot);
  // Rule 13: a slot is free, and more is or soon will be due. In an outage it would fail as well: one tries. The ring may
  // take its time, so this task is claimed meanwhile.
  const rung = more && failures === 0 ? deps.ringer.ring() : undefined;
  if (limit.drain.aborted) {
    await rung;
    return handOver(tick);
  }
  const newClaim = (): Claim => ({ slot, token: deps.newToken() });
  const claiming = claimOnce(deps, newClaim(), seen, lanesRev);
  const [claimed] = await Promise.all([claiming, rung]);
  flag.note(...claimed.buried);
  if (claimed.buried.length > 0)
    deps.log.error(
      "tasks ended in Error because their workers died, again and again or after they were to stop",
      {
        tasks: claimed.buried.map(({ id }) => id),
      },
    );
  if (claimed.kind === "conflict") {
    // Rule 6: the flag was free, and a task with a living lease is in the slot, or another program runs one.
    await flag.release();
    // What has just ended here may have left a place for a lower slot.
    if (slot > 0 && tick.attempts > 0) await deps.ringer.ring();
    await deps.ringer.ringAfter(claimed.leaseEndsInMs + EXPIRY_MARGIN_MS, { by: "held" });
    return end("conflict");
  }
  if (claimed.kind === "empty") {
    flag.note(...claimed.truth);
    return foundNothing(tick, claimed);
  }
  if (more && failures > 0) await deps.ringer.ring();
  tick.emptyClaims = 0;
  if (claimed.more) lanesAreDue(flag);
  let lease: Lease | undefined = claimed.lease;
  while (lease) {
    const isBatch: boolean = deps.registry.batchOf(lease.task) !== undefined && !runsAlone(lease.task);
    lease = isBatch
      ? await runBatch(tick, lease, () => mayClaim(tick))
      : await runTask(tick, lease, newClaim());
    if (lease) flag.renewIfDue();
  }
  if (mayClaim(tick)) return flag.leave(napMs(tick));
  if (!flag.lost || limit.drain.aborted || !hasTime(tick)) return handOver(tick);
  // Another tick took the flag: look again, as a tick that has none.
  await flag.release();
  return flag.enter(napMs(tick));
}

/** Runs one task, settles it, and returns the lease of the next one if it could be claimed in the same statement. */
async function runTask(tick: Tick, lease: Lease, next: Claim): Promise<Lease | undefined> {
  const { deps, flag, limit, tally } = tick;
  const { task } = lease;
  const beganMs = deps.clock.now();
  const hadWholeInvocation = tick.attempts === 0;
  tick.attempts++;
  const outcome = await runAttempt(deps, lease, {
    interrupt: limit.interrupt,
    hadWholeInvocation,
    renewed: (standing) => {
      flag.note(standing);
      flag.renew();
    },
  });
  const lateness = whyLate(task, beforeOf(tick));
  const options = { overdue: flag.overdue, lateness };
  const settled = await settleAsAccepted(deps, lease, outcome, mayClaim(tick) ? next : undefined, options);
  flag.note(settled.standing);
  // The next one was claimed when this one ended, so by Postgres's clock it ended when the next one started.
  tick.previous = { id: task.id, endedAtMs: Date.parse(settled.next?.task.started_at ?? "") || 0 };
  const durationMs = deps.clock.now() - beganMs;
  tally.count(task, { outcome: settled.took ? settled.outcome : undefined, durationMs, lateness });
  if (settled.took) await flag.waitsAgain(settled.standing, settled.outcome, settled.next !== undefined);
  if (isLaned(task) || settled.more) await tellLanes(flag, task, settled);
  if (task.schedule !== null) await deps.scheduler.ended(task, settled.outcome);
  return settled.next;
}

/** Rule 2: release first and ring then, so that a successor that comes at once finds the flag free. */
async function handOver({ deps, flag }: Tick): Promise<Step> {
  const { more } = await flag.release();
  if (more) await deps.ringer.ring();
  return end("stopped");
}

/** Rule 5: something looked due and could not be claimed. */
async function foundNothing(
  tick: Tick,
  { next, ownLanedInMs = 0 }: { next: Moment | undefined; ownLanedInMs?: number },
): Promise<Step> {
  const { deps, flag, limit } = tick;
  if (limit.drain.aborted) return handOver(tick);
  if (++tick.emptyClaims < EMPTY_CLAIMS) return flag.leave(napMs(tick));
  await flag.release();
  // Due by the clock of Redis alone: ring when it is due by Postgres's.
  if (next && next.inMs > 0) await deps.ringer.ringAt(next);
  // Due by every clock: its row must be locked, or it is of a type that others run.
  else
    await deps.ringer.ringAfter(
      ownLanedInMs > 0 ? Math.min(ownLanedInMs, EMPTY_CLAIMS_PAUSE_MS) : EMPTY_CLAIMS_PAUSE_MS,
    );
  return end("unclaimable");
}

/** Rule 9: the cache cannot tell. Rebuild it and look again; if that does not help, work though no flag was given. */
async function askPostgres(tick: Tick): Promise<Step> {
  if (tick.refreshed) return { kind: "go", slot: 0, more: false, seen: [] };
  tick.refreshed = true;
  await runRefresh(tick.deps);
  return tick.flag.enter(napMs(tick));
}

/**
 * Rings for the next due time. A ring may come early, and its tick sleeps until then. When this tick has run nothing
 * and still cannot sleep that long, neither could another: then it rings exactly, not early.
 */
async function ringFor({ attempts, deps: { ringer } }: Tick, next: Moment): Promise<void> {
  if (attempts === 0 && next.inMs <= ringer.earlyMs) await ringer.ringAfter(next.inMs);
  else await ringer.ringAt(next);
}

function mayClaim(tick: Tick): boolean {
  return !tick.limit.drain.aborted && !tick.flag.lost && hasTime(tick);
}

/**
 * Whether the longest handler would still have its time: a successor with a whole invocation is better than a task that
 * is stopped in the middle. Only the first task of a tick is claimed without asking.
 */
function hasTime({ deps, limit }: Tick): boolean {
  return limit.leftMs() >= deps.registry.longestTimeoutMs + deps.shutdownWaitMs;
}

/** What the tick that is rung in its place has to know. */
function passedOn({ askPostgres }: TickEvent): TickEvent {
  return askPostgres ? { askPostgres } : {};
}

/** How long this tick may sleep: at most as long as a ring may come early, and leaving time for a handler afterwards. */
function napMs({ attempts, deps, limit }: Tick): number {
  const neededMs = (attempts === 0 ? 0 : deps.registry.longestTimeoutMs) + deps.shutdownWaitMs;
  return Math.max(0, Math.min(deps.ringer.earlyMs, limit.leftMs() - neededMs));
}
