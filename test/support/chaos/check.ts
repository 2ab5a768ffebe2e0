/** Compares what was promised with what was seen. Pure: everything that it knows is in `Facts`. */
import type { AuditedLease } from "./audit.ts";
import { BATCH_SIZE } from "./batch-size.ts";
import { type Execution, executionsOf, type Facts } from "./facts.ts";
import type { Outage } from "./probe.ts";
import { indent, taskStory } from "./task-story.ts";

export interface Verdict {
  violations: string[];
  executions: number;
  /** Attempts that were planned to fail and were repeated. */
  retries: number;
  /** Starts that would not have been without a fault, by what explains them. */
  reruns: Record<Reason, number>;
  /** Handlers that went on after their lease while another one had the slot. */
  overlaps: number;
  /** From the death of a worker to the next start of what it ran, in milliseconds. */
  recoveriesMs: number[];
}

/** Why a lease ended without an outcome. */
export type Reason = "its worker died" | "its worker stood still" | "Postgres was out of reach";

/** Clocks of one machine agree; what happens between an event and its note takes a moment. */
const SLACK_MS = 50;
/** A renewal comes every third of a lease: who stood still for so long of its last stretch may have missed it. */
const MISSED_PART = 0.2;

export function check(facts: Facts): Verdict {
  const { slots, acknowledged, rows, leases, lives } = facts;
  const violations: string[] = [];
  const executions = lives.flatMap(executionsOf).sort((a, b) => a.startedAt - b.startedAt);
  const leasesOf = groupBy(leases, ({ task }) => task);
  const executionsOfTask = groupBy(executions, ({ task }) => task);
  const violate = (promise: string, what: string, task?: number) =>
    violations.push(
      `${promise}: ${what}${task === undefined ? "" : `\n${taskStory(facts, task, executionsOfTask.get(task) ?? [])}`}`,
    );

  checkEnds(facts, executionsOfTask, violate);
  checkLeases(leases, slots, violate);
  for (const lease of leases)
    if (lease.settledBy !== undefined && lease.settledBy !== lease.rev)
      violate(
        "promise 3",
        `task ${lease.task} was settled by an attempt that had lost its lease`,
        lease.task,
      );

  const executionOf = new Map<string, Execution>();
  for (const execution of executions) {
    const key = `${execution.task}:${execution.rev}`;
    const lease = leasesOf.get(execution.task)?.find(({ rev }) => rev === execution.rev);
    if (!lease) violate("promise 2", `task ${execution.task} ran without a lease`, execution.task);
    if (executionOf.has(key))
      violate("promise 2", `task ${execution.task} was started twice on one lease`, execution.task);
    executionOf.set(key, execution);
  }

  const reruns: Verdict["reruns"] = {
    "its worker died": 0,
    "its worker stood still": 0,
    "Postgres was out of reach": 0,
  };
  let retries = 0;
  for (const [task, held] of leasesOf) {
    for (const lease of held) {
      if (lease.endedAt === undefined) continue;
      if (lease.settledBy !== undefined) {
        if (lease.to === "Not started") retries++;
        continue;
      }
      const execution = executionOf.get(`${task}:${lease.rev}`);
      // Given back before anything began: the answer to the claim came when the lease could not be relied on any more.
      if (!execution && lease.end === "settled" && lease.to === "Not started") continue;
      const reason = explain(facts, lease, execution?.life);
      if (reason) reruns[reason]++;
      else violate("reruns", `task ${task} was run again, and its worker lived and worked`, task);
    }
  }

  checkLoss(executions, leasesOf, slots, violate);
  const overlaps = checkOverlaps(executions, leasesOf, violate);
  for (const life of lives) checkLife(facts, life, violate);
  if (rows.length !== acknowledged.size)
    violate("exactly once", `${acknowledged.size} tasks were acknowledged, and the table has ${rows.length}`);
  return {
    violations,
    executions: executions.length,
    retries,
    reruns,
    overlaps,
    recoveriesMs: recoveries(executions, executionsOfTask),
  };
}

type Violate = (promise: string, what: string, task?: number) => void;

/** Promise 1: what was acknowledged ended as it had to, and a handler says that it did. */
function checkEnds(
  { acknowledged, rows, leases }: Facts,
  executions: ReadonlyMap<number, Execution[]>,
  violate: Violate,
): void {
  const rowOf = new Map(rows.map((row) => [row.id, row]));
  const last = new Map(leases.map((lease) => [lease.task, lease]));
  for (const { id, ends } of acknowledged.values()) {
    const row = rowOf.get(id);
    if (!row) violate("promise 1", `task ${id} was acknowledged and is not there`, id);
    else if (row.status !== "Completed" && row.status !== "Error")
      violate("promise 1", `task ${id} has not ended: it is ${row.status}`, id);
    else if (row.status !== ends)
      violate(
        "promise 1",
        `task ${id} is ${row.status} and had to be ${ends}: ${row.error ?? "no error"}`,
        id,
      );
    else {
      const rev = last.get(id)?.settledBy;
      const how = executions.get(id)?.find((one) => one.rev === rev)?.how;
      if (how !== (ends === "Completed" ? "completed" : "failed"))
        violate("promise 1", `task ${id} is ${row.status}, and no handler says so`, id);
    }
  }
}

/** Promise 2, by Postgres's clock: a slot has one live lease at a time, and there are so many slots. */
function checkLeases(leases: readonly AuditedLease[], slots: number, violate: Violate): void {
  for (const lease of leases) {
    if (lease.slot < -1 || lease.slot >= slots)
      violate("promise 2", `task ${lease.task} ran in slot ${lease.slot} of ${slots}`, lease.task);
    if (lease.end === "taken" && (lease.endedAt ?? 0) < lease.expiresAt)
      violate("promise 2", `the live lease of task ${lease.task} was taken`, lease.task);
  }
  const spans = leases.flatMap((lease) =>
    lease.inSlot.map(({ slot, from, to = Number.POSITIVE_INFINITY }) => ({
      ...{ slot, from, to: Math.min(to, overAt(lease)) },
      task: lease.task,
    })),
  );
  for (const inSlot of groupBy(spans, ({ slot }) => slot).values()) {
    const inOrder = inSlot.toSorted((a, b) => a.from - b.from);
    for (const [n, { task, slot, to }] of inOrder.entries()) {
      const next = inOrder[n + 1];
      if (next && to > next.from)
        violate("promise 2", `tasks ${task} and ${next.task} held live leases in slot ${slot}`, task);
    }
  }
}

/** A worker that dies leaves no more begun and unsettled than its ticks may hold: a batch in each slot. */
function checkLoss(
  executions: readonly Execution[],
  leasesOf: ReadonlyMap<number, AuditedLease[]>,
  slots: number,
  violate: Violate,
): void {
  for (const [life, its] of groupBy(executions, ({ life }) => life)) {
    if (life.killedAt === undefined) continue;
    const lost = its.filter(({ task, rev, endedAt }) => {
      const lease = leasesOf.get(task)?.find((one) => one.rev === rev);
      return endedAt !== undefined && lease?.end === "taken";
    });
    if (lost.length > slots * BATCH_SIZE)
      violate(
        "batches",
        `worker ${life.n} died with ${lost.length} tasks that had ended and were not settled`,
      );
  }
}

/** When nobody could rely on a lease any more. */
const overAt = ({ endedAt = Number.POSITIVE_INFINITY, expiresAt }: AuditedLease) =>
  Math.min(endedAt, expiresAt);

/** Handlers may overlap in a slot only where the lease of one of them was over; who was stopped may also start late. */
function checkOverlaps(
  executions: readonly Execution[],
  leasesOf: ReadonlyMap<number, AuditedLease[]>,
  violate: Violate,
): number {
  const holds = ({ task, rev }: Execution, at: number) => {
    const lease = leasesOf.get(task)?.find((one) => one.rev === rev);
    return lease !== undefined && overAt(lease) > at;
  };
  let overlaps = 0;
  // Those of a batch have the slot one after the other: their order is the unit tests' matter.
  const alone = executions.filter(({ slot }) => slot >= 0);
  for (const inSlot of groupBy(alone, ({ slot }) => slot).values()) {
    const going = new Set<Execution>();
    for (const execution of inSlot) {
      for (const other of going) {
        const until = other.endedAt ?? other.life.endedAt ?? Number.POSITIVE_INFINITY;
        if (until <= execution.startedAt) {
          going.delete(other);
          continue;
        }
        overlaps++;
        if (holds(other, execution.startedAt) && holds(execution, execution.startedAt))
          violate(
            "promise 2",
            `tasks ${other.task} and ${execution.task} ran at once in slot ${other.slot}, each on a live lease`,
            other.task,
          );
      }
      going.add(execution);
    }
  }
  return overlaps;
}

/** What kept a worker from renewing or settling; undefined when nothing did. */
function explain(
  facts: Facts,
  lease: AuditedLease,
  runner: Execution["life"] | undefined,
): Reason | undefined {
  const from = lease.claimedAt - SLACK_MS;
  const to = overAt(lease) + SLACK_MS;
  // Without a start in the journal nobody knows who claimed: any worker may have.
  const suspects = runner ? [runner] : facts.lives;
  if (suspects.some(({ endedAt }) => endedAt !== undefined && endedAt >= from && endedAt <= to))
    return "its worker died";
  const enoughMs = facts.leaseMs * MISSED_PART;
  const missed = (span: Outage) =>
    Math.min(span.to, to) - Math.max(span.from, to - facts.leaseMs, from) >= enoughMs;
  const stood = ({ stops, lines }: Facts["lives"][number]) =>
    [
      ...stops,
      ...lines.flatMap(({ since, at }) => (since === undefined ? [] : [{ from: since, to: at }])),
    ].some(missed);
  if (suspects.some(stood)) return "its worker stood still";
  if (facts.outages.some((outage) => outage.from <= to && outage.to >= from))
    return "Postgres was out of reach";
  return undefined;
}

/** A worker ends when it is killed; one that starts while Postgres or Redis is away may give up. */
function checkLife(facts: Facts, life: Facts["lives"][number], violate: Violate): void {
  if (life.endedAt === undefined || life.killedAt !== undefined) return;
  const { endedAt, startedAt } = life;
  const redisStruck = facts.faults
    .filter(({ kind }) => kind.startsWith("Redis"))
    .map(({ at, until = at }) => ({ from: at, to: until }));
  const away = [...facts.outages, ...redisStruck].some(
    ({ from, to }) => from <= endedAt + SLACK_MS && to + SLACK_MS >= startedAt,
  );
  if (life.servingAt === undefined && away) return;
  violate(
    "workers",
    `worker ${life.n} ended by itself with ${life.end}; its last words:\n${indent(life.lastWords)}`,
  );
}

/** For each handler that died with its worker: how long until its task was started again. */
function recoveries(
  executions: readonly Execution[],
  executionsOfTask: ReadonlyMap<number, Execution[]>,
): number[] {
  return executions.flatMap(({ task, startedAt, endedAt, life }) => {
    if (endedAt !== undefined || life.endedAt === undefined) return [];
    const next = executionsOfTask
      .get(task)
      ?.find((other) => other.startedAt > startedAt && other.life !== life);
    return next ? [next.startedAt - life.endedAt] : [];
  });
}

function groupBy<T, Key>(all: readonly T[], keyOf: (one: T) => Key): Map<Key, T[]> {
  const groups = new Map<Key, T[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return groups;
}
