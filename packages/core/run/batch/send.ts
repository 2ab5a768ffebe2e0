/**
 * What a batch sends to Postgres. Statements that lease, or renew, follow each other: side by side they would wait for
 * each other's rows, and the slot is handed on from one to the next. Beside one that leases, another may settle what
 * ended meanwhile: its rows are others, for the row that has the slot is never among them.
 *
 *     settle 250, lease 500 ─────────▶ settle 250, lease 500 ─────────▶
 *            settle 250 ─▶                    settle 250 ─▶
 */
import type { Lease } from "../../store/lease.ts";
import { runsAlone } from "../../tasks/task.ts";
import type { BatchEnds } from "./ends.ts";
import type { BatchLeases } from "./leases.ts";
import { type Ended, type EndsSettled, settleEnds } from "./settle.ts";
import { createTeller } from "./tell.ts";
import type { BatchTick } from "./tick.ts";

/** A moment for what else the process has to do: to send what was written, to read what came. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

export interface SenderOptions {
  leases: BatchLeases;
  /** Ended, and not yet sent. */
  ends: BatchEnds;
  /** How many tasks more may be leased, beside those that are held. */
  wanted(held: number): number;
  /** The lease is another worker's, or a statement failed. */
  lose(): void;
}

export type Sender = ReturnType<typeof createSender>;

export function createSender(tick: BatchTick, { leases, ends, wanted, lose }: SenderOptions) {
  const { deps } = tick;
  const teller = createTeller(tick);
  let sending: Promise<void> | undefined;
  /** What is settled beside a statement that leases. */
  let beside: { sent: Promise<void>; ids: ReadonlySet<number> } | undefined;
  let isLeasing = false;
  let settlesNext = false;
  let alone: Lease | undefined;
  let failure: { error: unknown } | undefined;

  /** Never rejects. */
  const guarded = (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => {
      failure ??= { error };
      lose();
    });

  const send = (work: () => Promise<void>): Promise<void> => {
    const sent = guarded((sending ?? Promise.resolve()).then(work)).finally(() => {
      if (sending === sent) sending = undefined;
    });
    sending = sent;
    return sent;
  };

  const answered = (settled: EndsSettled) => {
    for (const { ended } of settled.ends) leases.settle(ended.task.id);
    if (!settled.led) lose();
    // Of several that wait again one ring tells, which goes by the flag.
    const goesOn = leases.size > 0 || alone !== undefined || settled.ends.length > 1;
    teller.add(settled.ends, goesOn);
  };

  const settleAndLease = async () => {
    const taken = ends.take();
    const going = new Set(taken.map(({ task }) => task.id));
    const leaderAfter = () => {
      if (leases.size === taken.length) return undefined;
      return going.has(leases.leader)
        ? leases.last(new Set([...going, ...(beside?.ids ?? [])]))
        : leases.leader;
    };
    let leader = leaderAfter();
    // The slot stays with the batch until the last row is settled.
    while (leader === undefined && beside) {
      await beside.sent;
      leader = leaderAfter();
    }
    const held = leases.size - taken.length;
    const count = wanted(held);
    const token = `${leases.root}/${deps.newToken()}`;
    const next = count > 0 && !alone ? { token, count, held } : undefined;
    const { slot, tokens, leader: holder } = leases;
    // The task that has the slot from now on is not settled beside this.
    if (leader !== undefined) leases.lead(leader);
    const answer = settleEnds(deps, { slot, tokens, ends: taken, leader, next, holder });
    answer.catch(() => {});
    // What did not fit.
    if (ends.count > 0) settle();
    if (teller.count > 0) {
      await turn();
      await guarded(teller.tellAll());
    }
    const settled = await answer;
    take(settled, token, leader);
    answered(settled);
  };

  const take = ({ leased, leasedAt, nowMs }: EndsSettled, token: string, leader: number | undefined) => {
    const [first] = leased;
    if (!first) return;
    if (leader === undefined && !(deps.registry.batchOf(first) && !runsAlone(first)))
      alone = { task: first, token, slot: leases.slot, leasedAt };
    else leases.add(leased, { token, leasedAt, aheadMs: nowMs - leasedAt });
  };

  const settleBeside = (taken: readonly Ended[]) => {
    const { slot, tokens, leader: holder } = leases;
    const request = { slot, tokens, ends: taken, leader: undefined, next: undefined, holder };
    const settled = settleEnds(deps, request).then((answer) => {
      answered(answer);
      return teller.tellAll();
    });
    const sent = guarded(settled).finally(() => {
      beside = undefined;
      if (ends.isFull) settle();
    });
    beside = { sent, ids: new Set(taken.map(({ task }) => task.id)) };
  };

  /** Sends what ended, and leases more. While that is done already, it is settled beside it, or after it. */
  const settle = () => {
    if (failure) return;
    if (isLeasing && !beside) {
      const taken = ends.take(leases.leader);
      if (taken.length > 0) settleBeside(taken);
      if (ends.count === 0) return;
    }
    if (settlesNext) return;
    settlesNext = true;
    void send(async () => {
      settlesNext = false;
      isLeasing = true;
      try {
        if (ends.count > 0) await settleAndLease();
      } finally {
        isLeasing = false;
      }
      if (!settlesNext) await teller.tellAll();
    });
  };

  return {
    settle,
    /** What writes to all rows of the batch, and so goes alone. Never rejects. */
    sendAlone: (work: () => Promise<void>) =>
      send(async () => {
        await beside?.sent;
        await work();
      }),
    /** The next answer to what is under way; undefined when nothing is. Never rejects. */
    get answer(): Promise<void> | undefined {
      return sending && beside ? Promise.race([sending, beside.sent]) : (sending ?? beside?.sent);
    },
    /** The error of a statement that failed, which ends the batch. */
    get failure() {
      return failure;
    },
    /** The lease of a task that has to run alone, and was claimed by the way. */
    get alone() {
      return alone;
    },
    /** Waits for what is under way, and tells of it. */
    async end() {
      for (let sent = sending ?? beside?.sent; sent; sent = sending ?? beside?.sent) await sent;
      await teller.tellAll();
    },
  };
}
