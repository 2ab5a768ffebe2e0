/** The leases that a batch holds, and the tasks under them that wait for their turn. */
import type { Lease } from "../../store/lease.ts";
import type { Task } from "../../tasks/task.ts";

/** What one statement leased: its tasks have one token, and one end. */
interface HeldLease {
  readonly token: string;
  /** When it was asked for, or last renewed, by the worker's clock. */
  leasedAt: number;
  /** What Postgres's clock is ahead of the worker's. */
  readonly aheadMs: number;
  /** Tasks under it that are not settled. */
  left: number;
}

/** A task of the batch, until it is settled. */
export interface Entry {
  readonly task: Task;
  readonly lease: HeldLease;
  /** Somebody cancelled it while it waited. */
  cancelled: boolean;
}

export type BatchLeases = ReturnType<typeof createBatchLeases>;

export function createBatchLeases({ task, token, leasedAt, slot }: Lease) {
  const held = new Map<number, Entry>();
  let leases: HeldLease[] = [];
  let waiting: Entry[] = [];
  /** The first of `waiting` that has not been taken: shifting a long list costs. */
  let next = 0;
  let leader = task.id;
  const add = (tasks: readonly Task[], given: Omit<HeldLease, "left">) => {
    if (tasks.length === 0) return;
    const lease = { ...given, left: tasks.length };
    leases.push(lease);
    if (next > 0) {
      waiting = waiting.slice(next);
      next = 0;
    }
    for (const task of tasks) {
      const entry = { task, lease, cancelled: false };
      waiting.push(entry);
      held.set(task.id, entry);
      if (task.slot === slot) leader = task.id;
    }
  };
  add([task], { token, leasedAt, aheadMs: Date.parse(task.started_at ?? "") - leasedAt || 0 });
  return {
    slot,
    /** Begins all tokens of the batch: it counts as one lease. */
    root: token.split("/", 1)[0],
    add,
    get: (id: number) => held.get(id),
    /** The tasks that are not settled. */
    get size() {
      return held.size;
    },
    get waiting() {
      return waiting.length - next;
    },
    /** The task that has the slot. */
    get leader() {
      return leader;
    },
    /** Another one has it. */
    lead(id: number) {
      leader = id;
    },
    get tokens() {
      return leases.map((lease) => lease.token);
    },
    /** When the oldest of the leases was asked for. */
    get oldestMs() {
      return leases.reduce((oldest, { leasedAt }) => Math.min(oldest, leasedAt), Number.POSITIVE_INFINITY);
    },
    peek: (): Entry | undefined => waiting[next],
    take: (): Entry | undefined => waiting[next++],
    /** The last of those that are not settled, of which `without` is not to be one. */
    last(without: ReadonlySet<number>): number | undefined {
      if (waiting.length > next) return waiting.at(-1)?.task.id;
      for (const id of held.keys()) if (!without.has(id)) return id;
      return undefined;
    },
    settle(id: number) {
      const entry = held.get(id);
      if (!entry || !held.delete(id)) return;
      if (--entry.lease.left === 0) leases = leases.filter((lease) => lease !== entry.lease);
    },
    /** All of them were renewed, when this was asked for. */
    renewed(sentMs: number, tokens: readonly string[]) {
      for (const lease of leases) if (tokens.includes(lease.token)) lease.leasedAt = sentMs;
    },
  };
}
