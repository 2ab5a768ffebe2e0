/** The judge is judged: each promise that is broken on paper is found, and what faults explain is not held against anybody. */
import { describe, expect, test } from "vitest";
import type { AuditedLease } from "../support/chaos/audit.ts";
import { check } from "../support/chaos/check.ts";
import type { Facts } from "../support/chaos/facts.ts";
import type { JournalLine } from "../support/chaos/handler-journal.ts";

const data = { ms: 1, failures: 0, deaf: false };
const acknowledged = (id: number) => ({ id, at: 0, ends: "Completed" as const, data });
const row = (id: number) => ({ id, status: "Completed", attempts: 1, crashes: 0, error: null });
const lease = (
  task: number,
  rev: number,
  claimedAt: number,
  more: Partial<AuditedLease> = {},
): AuditedLease => ({
  task,
  rev,
  slot: 0,
  inSlot: [{ slot: 0, from: claimedAt, ...(more.endedAt === undefined ? {} : { to: more.endedAt }) }],
  claimedAt,
  expiresAt: claimedAt + 2_000,
  ...more,
});
const settled = (at: number, rev: number) =>
  ({ endedAt: at, end: "settled", to: "Completed", settledBy: rev }) satisfies Partial<AuditedLease>;
const taken = (at: number) => ({ endedAt: at, end: "taken", to: "Running" }) satisfies Partial<AuditedLease>;
const ran = (task: number, rev: number, from: number, to?: number): JournalLine[] => [
  { at: from, event: "start", task, rev, slot: 0, attempt: 1 },
  ...(to === undefined ? [] : [{ at: to, event: "end" as const, task, rev, how: "completed" as const }]),
];
const life = (
  n: number,
  lines: JournalLine[],
  more: Partial<Facts["lives"][number]> = {},
): Facts["lives"][number] => ({
  n,
  startedAt: 0,
  servingAt: 1,
  stops: [],
  journal: "",
  log: "",
  lines,
  lastWords: "",
  ...more,
});
const facts = (more: Partial<Facts>): Facts => ({
  slots: 1,
  leaseMs: 2_000,
  acknowledged: new Map([[1, acknowledged(1)]]),
  rows: [row(1)],
  leases: [lease(1, 2, 1_000, settled(1_500, 2))],
  lives: [life(1, ran(1, 2, 1_001, 1_499))],
  outages: [],
  faults: [],
  ...more,
});
/** A task that was claimed, left behind, and run again by another worker. */
const again = (first: Partial<Facts["lives"][number]>, end?: number): Partial<Facts> => ({
  leases: [lease(1, 2, 1_000, taken(3_001)), lease(1, 4, 3_001, settled(3_500, 4))],
  lives: [life(1, ran(1, 2, 1_001, end), first), life(2, ran(1, 4, 3_002, 3_499))],
});

describe("what is fine", () => {
  test("a task that ran", () => {
    expect(check(facts({}))).toMatchObject({ violations: [], executions: 1, overlaps: 0 });
  });

  test("a rerun after its worker died", () => {
    const verdict = check(facts(again({ endedAt: 1_200, killedAt: 1_200 })));
    expect(verdict).toMatchObject({ violations: [], recoveriesMs: [1_802], overlaps: 0 });
    expect(verdict.reruns["its worker died"]).toBe(1);
  });

  test("a rerun after its worker was stopped beyond its lease; its handler goes on and changes nothing", () => {
    const verdict = check(facts(again({ stops: [{ from: 1_200, to: 3_400 }] }, 3_405)));
    expect(verdict).toMatchObject({ violations: [], overlaps: 1 });
    expect(verdict.reruns["its worker stood still"]).toBe(1);
  });

  test("a worker that was stopped between its claim and its start, and starts what another one runs by now", () => {
    const { leases = [] } = again({});
    const lives = [life(1, ran(1, 2, 3_100, 3_110), { stops: [{ from: 1_001, to: 3_100 }] })];
    lives.push(life(2, ran(1, 4, 3_002, 3_499)));
    expect(check(facts({ leases, lives }))).toMatchObject({ violations: [], overlaps: 1 });
  });

  test("a claim that was answered too late to start anything, and was given back", () => {
    const back = { endedAt: 1_003, end: "settled", to: "Not started" } satisfies Partial<AuditedLease>;
    const leases = [lease(1, 2, 1_000, back), lease(1, 4, 1_200, settled(1_500, 4))];
    const verdict = check(facts({ leases, lives: [life(1, ran(1, 4, 1_201, 1_499))] }));
    expect(verdict).toMatchObject({ violations: [], retries: 0, executions: 1 });
  });

  test("a rerun after Postgres was out of reach", () => {
    expect(check(facts({ ...again({}, 1_400), outages: [{ from: 1_100, to: 3_000 }] })).violations).toEqual(
      [],
    );
  });
});

describe("what is found", () => {
  const broken: Record<string, [Partial<Facts>, RegExp]> = {
    "a task that is lost": [{ rows: [] }, /promise 1: task 1 was acknowledged and is not there/],
    "a task that does not end": [
      { rows: [{ ...row(1), status: "Running" }] },
      /promise 1: task 1 has not ended/,
    ],
    "a task that ends otherwise than it had to": [
      { rows: [{ ...row(1), status: "Error", error: "crashed" }] },
      /promise 1: task 1 is Error and had to be Completed: crashed/,
    ],
    "a task that is completed without a handler": [
      { lives: [life(1, ran(1, 2, 1_001))] },
      /promise 1: task 1 is Completed, and no handler says so/,
    ],
    "two live leases in a slot": [
      { leases: [lease(1, 2, 1_000, settled(1_500, 2)), lease(2, 2, 1_400)] },
      /promise 2: tasks 1 and 2 held live leases in slot 0/,
    ],
    "a live lease that is taken": [
      {
        leases: [lease(1, 2, 1_000, taken(1_300)), lease(1, 3, 1_300, settled(1_500, 3))],
        lives: [
          life(1, ran(1, 2, 1_001), { endedAt: 1_200, killedAt: 1_200 }),
          life(2, ran(1, 3, 1_301, 1_499)),
        ],
      },
      /promise 2: the live lease of task 1 was taken/,
    ],
    "a slot too many": [
      { leases: [{ ...lease(1, 2, 1_000, settled(1_500, 2)), slot: 1 }] },
      /ran in slot 1 of 1/,
    ],
    "a handler without a lease": [
      { lives: [life(1, [...ran(1, 2, 1_001, 1_499), ...ran(1, 7, 1_600)])] },
      /promise 2: task 1 ran without a lease/,
    ],
    "a handler that is started twice on a lease": [
      { lives: [life(1, ran(1, 2, 1_001, 1_499)), life(2, ran(1, 2, 1_002, 1_498))] },
      /promise 2: task 1 was started twice on one lease/,
    ],
    "handlers that run at once in a slot": [
      {
        ...again({ stops: [{ from: 1_200, to: 3_400 }] }, 3_405),
        leases: [
          lease(1, 2, 1_000, { ...taken(3_401), expiresAt: 3_400 }),
          lease(1, 4, 3_001, settled(3_500, 4)),
        ],
      },
      /promise 2: tasks 1 and 1 ran at once in slot 0, each on a live lease/,
    ],
    "an outcome of who lost the lease": [
      {
        ...again({ stops: [{ from: 1_200, to: 3_200 }] }, 3_205),
        leases: [lease(1, 2, 1_000, taken(3_001)), lease(1, 4, 3_001, settled(3_206, 2))],
      },
      /promise 3: task 1 was settled by an attempt that had lost its lease/,
    ],
    "a rerun without a reason": [
      again({}, 1_400),
      /reruns: task 1 was run again, and its worker lived and worked/,
    ],
    "a task that is given back while its handler runs, without a reason": [
      {
        leases: [
          lease(1, 2, 1_000, { endedAt: 1_300, end: "settled", to: "Not started" }),
          lease(1, 4, 1_400, settled(1_500, 4)),
        ],
        lives: [life(1, [...ran(1, 2, 1_001, 1_299), ...ran(1, 4, 1_401, 1_499)])],
      },
      /reruns: task 1 was run again/,
    ],
    "a rerun after a stop that was too short": [
      again({ stops: [{ from: 1_200, to: 1_500 }] }, 1_600),
      /reruns: task 1 was run again/,
    ],
    "a worker that ends by itself": [
      { lives: [life(1, ran(1, 2, 1_001, 1_499), { endedAt: 1_600, end: 1, lastWords: "oh" })] },
      /workers: worker 1 ended by itself with 1; its last words:\n {4}oh/,
    ],
    "a task too many": [
      { rows: [row(1), row(2)] },
      /exactly once: 1 tasks were acknowledged, and the table has 2/,
    ],
  };
  test.each(Object.entries(broken))("%s", (_, [change, story]) => {
    expect(check(facts(change)).violations.join("\n")).toMatch(story);
  });
});
