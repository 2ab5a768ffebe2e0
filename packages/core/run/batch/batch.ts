/**
 * A batch: tasks of a type that says `batch` are leased many at a time, run one at a time in order, and settled many at
 * a time. It begins with the lease of one task, as the claim or a settle got it; whoever settles it leases more.
 *
 *     run ─▶ run ─▶ run ─▶ … ─half of the size or 250 ended, or the first one long enough ago─▶ settle them + lease as many
 *                           └─ meanwhile the others run; when the size has ended, they wait for the answer
 *
 * All rows of a batch are `Running`, with a token each statement made beforehand; one of them, the leader, has the
 * slot. So what holds for a task that runs holds for each of them. `docs/protocol.md` has the rules.
 */
import { RUN_BATCH_AHEAD_MS } from "../../limits.ts";
import type { Lease } from "../../store/lease.ts";
import { createEnqueuer } from "../../tasks/enqueue.ts";
import type { Batching } from "../../tasks/registry.ts";
import type { Outcome } from "../../tasks/task.ts";
import type { AbortCode, TaskAborted } from "../abort.ts";
import { ignoredSignal, outcomeOf } from "../attempt.ts";
import { beforeOf, whyLate } from "../lateness.ts";
import { openEntry } from "../open-for-handler.ts";
import { cancelled, crashed, GIVEN_BACK } from "../outcome.ts";
import { type BatchEnds, gatherEnds } from "./ends.ts";
import { Call, type HandlerParts, nameOf } from "./handler.ts";
import { type BatchLeases, createBatchLeases, type Entry } from "./leases.ts";
import { keepLookout, type Lookout } from "./lookout.ts";
import { createSender, type Sender, turn } from "./send.ts";
import type { BatchTick } from "./tick.ts";

/**
 * Runs a batch, while `mayGoOn`. Returns the lease of a task that has to run alone, if one was claimed by the way.
 *
 * @throws PostgresError when Postgres does not answer for as long as the lease lasts
 */
export async function runBatch(
  tick: BatchTick,
  first: Lease,
  mayGoOn: () => boolean,
): Promise<Lease | undefined> {
  const batch = new Batch(tick, first, mayGoOn);
  try {
    return await batch.run();
  } finally {
    await batch.stop();
  }
}

const UNSIZED: Batching = { size: 1, settleWithinMs: 1 };

class Batch {
  readonly #tick: BatchTick;
  /** Whether another task may be claimed, or begun. */
  readonly #mayGoOn: () => boolean;
  readonly #leases: BatchLeases;
  readonly #parts: HandlerParts;
  /** Ended, and not yet sent. */
  readonly #ends: BatchEnds;
  readonly #sender: Sender;
  /** What runs now. */
  #call: Call | undefined;
  /** The lease is another worker's. */
  #lost = false;
  #batching: Batching;
  /** How long a task takes, on average: of the latest. */
  #paceMs: number | undefined;
  /** The latest call was one of many. */
  #many = false;
  readonly #lookout: Lookout;
  readonly #onInterrupt: () => void;
  readonly #onDrain = () => this.#giveBack();

  constructor(tick: BatchTick, first: Lease, mayGoOn: () => boolean) {
    this.#mayGoOn = mayGoOn;
    const { deps, limit } = tick;
    this.#tick = tick;
    this.#leases = createBatchLeases(first);
    this.#ends = gatherEnds(deps.clock, () => this.#sender.settle());
    this.#sender = createSender(tick, {
      leases: this.#leases,
      ends: this.#ends,
      wanted: (held) => this.#wanted(held),
      lose: () => this.#lose("lease_lost"),
    });
    this.#batching = deps.registry.batchOf(first.task) ?? UNSIZED;
    this.#lookout = keepLookout(deps, this.#leases, {
      call: () => this.#call,
      lose: (code) => this.#lose(code),
      send: this.#sender.sendAlone,
      renewed: (standings) => {
        tick.flag.note(...standings);
        tick.flag.renew();
      },
    });
    this.#parts = {
      ...deps,
      enqueuer: createEnqueuer((given, created) => deps.tasks.create(given, created)),
      progress: this.#lookout.progress,
    };
    this.#onInterrupt = () => this.#call?.abort((limit.interrupt.reason as TaskAborted).code);
    limit.interrupt.addEventListener("abort", this.#onInterrupt, { once: true });
    limit.drain.addEventListener("abort", this.#onDrain, { once: true });
  }

  async stop(): Promise<void> {
    const { limit } = this.#tick;
    this.#lookout.stop();
    this.#ends.stop();
    limit.interrupt.removeEventListener("abort", this.#onInterrupt);
    limit.drain.removeEventListener("abort", this.#onDrain);
    await this.#sender.end();
  }

  async run(): Promise<Lease | undefined> {
    const leases = this.#leases;
    const sender = this.#sender;
    for (let begun = 0; ; ) {
      if (sender.failure) throw sender.failure.error;
      if (begun > 0 && leases.waiting > 0 && (this.#lost || !this.#mayGoOn())) this.#giveBack();
      if (leases.waiting > 0) {
        await this.#runNext();
        begun++;
        const { size } = this.#batching;
        if (this.#ends.isFull) {
          sender.settle();
          await turn();
        }
        // A crash reruns at most what a batch may hold.
        while ((this.#ends.isLarge || leases.size - leases.waiting >= size) && sender.answer)
          await sender.answer;
      } else if (sender.answer) await sender.answer;
      else if (this.#ends.count > 0) sender.settle();
      else return sender.alone;
    }
  }

  async #runNext(): Promise<void> {
    const { deps, limit } = this.#tick;
    const { registry, clock, leaseMs } = deps;
    const entries = this.#takeNext();
    const [first] = entries;
    const definition = first && registry.definitionOf(first.task);
    if (!first) return;
    if (!definition) return this.#return(entries, GIVEN_BACK);
    this.#batching = registry.batchOf(first.task) ?? UNSIZED;
    const startedMs = clock.now();
    if (startedMs >= first.lease.leasedAt + leaseMs || limit.interrupt.aborted)
      return this.#return(entries, GIVEN_BACK);
    const timeoutMs = registry.timeoutMsOf(definition);
    const tasks = entries.map(({ task, lease }) => {
      task.started_at = new Date(startedMs + lease.aheadMs).toISOString();
      return task;
    });
    const call = new Call(this.#parts, definition, tasks, startedMs + timeoutMs);
    this.#call = call;
    this.#lookout.lookBy(call.deadlineMs);
    const hadWholeInvocation = this.#tick.attempts++ === 0;
    const ends = await call.run();
    this.#call = undefined;
    const { reason } = call;
    if (!ends) await deps.exit(ignoredSignal(nameOf(call), reason));
    const endedMs = clock.now();
    this.#many = definition.runMany !== undefined;
    const ms = endedMs - startedMs;
    if (!this.#many) this.#paceMs = this.#paceMs === undefined ? ms : this.#paceMs * 0.9 + ms * 0.1;
    for (let n = 0; n < entries.length; n++) {
      const { task, lease } = entries[n] as Entry;
      const end = ends?.[n];
      const outcome = !end
        ? // Only a test comes here: its process goes on.
          crashed(deps, task, reason?.code ?? "timeout")
        : "error" in end && call.isCancelled(task.id)
          ? cancelled(deps, task)
          : outcomeOf(deps, task, definition, end, { reason, timeoutMs, hadWholeInvocation });
      const lateness = whyLate(task, beforeOf(this.#tick));
      this.#tick.previous = { id: task.id, endedAtMs: endedMs + lease.aheadMs };
      this.#ends.add({ task, outcome, lateness, startedMs, endedMs }, this.#batching);
    }
  }

  /** The next task, or the next ones of its type if its handler takes many. Cancelled ones end here. */
  #takeNext(): Entry[] {
    const { deps } = this.#tick;
    const taken: Entry[] = [];
    for (let entry = this.#leases.peek(); entry; entry = this.#leases.peek()) {
      const [before] = taken;
      const { type } = entry.task;
      const isAlike = before?.task.type === type && deps.registry.get(type)?.runMany !== undefined;
      if (before && (!isAlike || taken.length >= (deps.registry.batchOf(entry.task)?.size ?? 1))) break;
      this.#leases.take();
      const ready = entry.cancelled ? { outcome: cancelled(deps, entry.task) } : openEntry(deps, entry);
      if ("outcome" in ready) this.#return([entry], ready.outcome);
      else taken.push(ready);
    }
    return taken;
  }

  /** Tasks whose handlers were not started. */
  #return(entries: readonly Entry[], outcome: Outcome): void {
    const endedMs = this.#tick.deps.clock.now();
    for (const { task } of entries)
      this.#ends.add({ task, outcome, lateness: undefined, startedMs: undefined, endedMs }, this.#batching);
  }

  /** What has not begun goes back at once: the process has to stop, or the lease is lost. */
  #giveBack(): void {
    const entries: Entry[] = [];
    // The first task of a batch is run whatever comes.
    for (let entry = this.#leases.take(); entry; entry = this.#leases.take()) entries.push(entry);
    this.#return(entries, GIVEN_BACK);
    if (this.#ends.count > 0) this.#sender.settle();
  }

  /** How many tasks more may be leased: as many as run soon, at the pace of the latest. */
  #wanted(held: number): number {
    const { flag } = this.#tick;
    if (this.#lost || flag.overdue || !this.#mayGoOn()) return 0;
    // A call of many begins them all at once.
    if (this.#many) return this.#batching.size - held;
    const ahead = Math.ceil(RUN_BATCH_AHEAD_MS / (this.#paceMs ?? RUN_BATCH_AHEAD_MS));
    return Math.min(Math.max(1, ahead), this.#batching.size) - held;
  }

  #lose(code: AbortCode): void {
    this.#lost = true;
    this.#call?.abort(code);
  }
}
