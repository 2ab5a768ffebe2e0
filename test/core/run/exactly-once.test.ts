import { describe, expect, test } from "vitest";
import { TRANSIENT_ATTEMPTS } from "../../../packages/core/limits.ts";
import {
  claimOnce,
  type ExactlyOnceDeps,
  settleAsAccepted,
  settleOnce,
} from "../../../packages/core/run/exactly-once.ts";
import type { ClaimResult } from "../../../packages/core/store/claim.ts";
import { PostgresError } from "../../../packages/core/store/database.ts";
import type { LeaseRequest } from "../../../packages/core/store/lease.ts";
import type { SettleResult } from "../../../packages/core/store/settle.ts";
import type { Standing } from "../../../packages/core/tasks/standing.ts";
import type { Outcome } from "../../../packages/core/tasks/task.ts";
import { noteLog } from "../../support/run/noted-log.ts";
import { aLease, aTask } from "../../support/run/rows.ts";
import { createVirtualClock } from "../../support/world/virtual-clock.ts";

const LEASE_MS = 60_000;
const LOST = new PostgresError(new Error("socket hang up"));
const REFUSED = new PostgresError({ code: "23514", message: "violates check constraint" });

/** Answers, one after the other; the last one again and again. An error is thrown. */
function inTurn<T>(answers: readonly (T | Error)[]) {
  const asked: unknown[][] = [];
  return {
    asked,
    ask: async (...given: unknown[]): Promise<T> => {
      const answer = answers[Math.min(asked.length, answers.length - 1)] as T | Error;
      asked.push(given);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

/** Runs `work` on a store that answers as given, while time passes. */
async function on<T>(
  answers: {
    claim?: (ClaimResult | Error)[];
    settle?: (SettleResult | Error)[];
    heldBy?: (ReturnType<typeof aLease> | undefined | Error)[];
    standing?: (Standing | Error)[];
    unanswered?: string[];
  },
  work: (deps: ExactlyOnceDeps) => Promise<T>,
) {
  const clock = createVirtualClock();
  const calls = {
    claim: inTurn(answers.claim ?? []),
    settle: inTurn(answers.settle ?? []),
    heldBy: inTurn(answers.heldBy ?? [undefined]),
    standing: inTurn(answers.standing ?? []),
  };
  const { log, lines } = noteLog();
  const store: ExactlyOnceDeps["store"] = {
    claim: calls.claim.ask,
    settle: calls.settle.ask,
    heldBy: calls.heldBy.ask,
    standing: calls.standing.ask,
  };
  const unanswered = new Set(answers.unanswered);
  const beganMs = clock.now();
  let tookMs = 0;
  const end = work({ store, clock, log, leaseMs: LEASE_MS, maxCrashes: 3, unanswered })
    .then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    )
    .finally(() => {
      tookMs = clock.now() - beganMs;
    });
  await clock.pass(3 * LEASE_MS);
  return { end: await end, calls, lines, beganMs, tookMs, unanswered: [...unanswered] };
}

const claim = { slot: 0, token: "mine" };
const leasedAt = (request: unknown) => (request as LeaseRequest).leasedAt;
const lease = aLease(0);
const claimed: ClaimResult = { kind: "claimed", lease, buried: [] };
const empty: ClaimResult = { kind: "empty", truth: [], next: undefined, buried: [] };
const conflict: ClaimResult = { kind: "conflict", leaseEndsInMs: 5_000, buried: [] };

describe("a claim", () => {
  const claiming = (answers: Parameters<typeof on>[0]) => on(answers, (deps) => claimOnce(deps, claim, [7]));

  test.each([claimed, empty, conflict])("is one request when it is answered: $kind", async (answer) => {
    const { end, calls } = await claiming({ claim: [answer] });
    expect(end).toEqual({ value: answer });
    expect([calls.claim.asked.length, calls.heldBy.asked.length]).toEqual([1, 0]);
    expect(calls.claim.asked[0]?.slice(0, 2)).toMatchObject([claim, [7]]);
  });

  test.each([
    ["finds its own lease in the slot", conflict],
    ["finds nothing more to have", empty],
  ])("whose answer was lost is repeated, %s, and asks what its token holds", async (_, answer) => {
    const { end, calls } = await claiming({ claim: [LOST, answer], heldBy: [lease] });
    expect(end).toEqual({ value: claimed });
    expect(calls.heldBy.asked).toMatchObject([[claim]]);
  });

  test("has its lease since it was sent, or since it was first sent when it is not known which one took effect", async () => {
    const { calls, beganMs } = await claiming({ claim: [LOST, conflict], heldBy: [lease] });
    const [first, second] = calls.claim.asked.map(([request]) => leasedAt(request));
    expect(first).toBe(beganMs);
    expect(second).toBeGreaterThan(beganMs);
    expect(calls.heldBy.asked).toEqual([[{ ...claim, leasedAt: beganMs }]]);
  });

  test("that did not take effect is claimed by its repetition", async () => {
    const { end, calls } = await claiming({ claim: [LOST, claimed] });
    expect(end).toEqual({ value: claimed });
    expect(calls.heldBy.asked).toEqual([]);
  });

  test("whose token holds nothing is what its repetition was told", async () => {
    const { end } = await claiming({ claim: [LOST, conflict] });
    expect(end).toEqual({ value: conflict });
  });

  test("that is never answered is given up, but not before its token was asked for", async () => {
    const without = await claiming({ claim: [LOST] });
    expect(without.end).toEqual({ error: LOST });
    expect(without.calls.claim.asked).toHaveLength(TRANSIENT_ATTEMPTS);
    expect(without.lines).toHaveLength(TRANSIENT_ATTEMPTS);
    const { end } = await claiming({ claim: [LOST], heldBy: [lease] });
    expect(end).toEqual({ value: claimed });
  });

  test.each([
    ["was told something else", [LOST, empty]],
    ["was never answered", [LOST]],
  ])("that %s is remembered: it may still take effect", async (_, answers) => {
    expect((await claiming({ claim: answers })).unanswered).toEqual(["mine"]);
    expect((await claiming({ claim: [empty] })).unanswered).toEqual([]);
  });

  test("that is given up pushes out those that were given up long ago", async () => {
    const before = Array.from({ length: 8 }, (_, n) => `${n}`);
    const { unanswered } = await claiming({ claim: [LOST], unanswered: before });
    expect(unanswered).toEqual([...before.slice(1), "mine"]);
    expect((await claiming({ claim: [LOST], unanswered: before.slice(1) })).unanswered).toHaveLength(8);
  });

  test("that meets a lease which an earlier claim of this process got after all gives it back", async () => {
    const orphan = aLease(0, aTask({ slot: 0 }));
    const running: ClaimResult = {
      ...empty,
      truth: [{ id: 7, rev: 2, kind: "running", atMs: 9 }],
    } as ClaimResult;
    for (const answer of [conflict, running]) {
      const met = await claiming({
        claim: [answer],
        heldBy: [undefined, orphan],
        unanswered: ["a", "b", "c"],
      });
      expect(met.end).toEqual({ value: { kind: "claimed", lease: orphan, buried: [] } });
      expect(met.calls.heldBy.asked).toMatchObject([[{ token: "a" }], [{ slot: 0, token: "b" }]]);
      // What counts as over is given back, not run.
      expect(met.calls.heldBy.asked[1]).toMatchObject([{ leasedAt: Number.NEGATIVE_INFINITY }]);
      expect(met.unanswered).toEqual(["a", "c"]);
    }
    const elsewhere = await claiming({
      claim: [conflict],
      heldBy: [aLease(0, aTask({ slot: 1 }))],
      unanswered: ["a"],
    });
    expect(elsewhere.end).toEqual({ value: conflict });
    const nothing = await claiming({ claim: [empty], unanswered: ["a"] });
    expect(nothing.calls.heldBy.asked).toEqual([]);
  });

  test("that Postgres refuses is not repeated", async () => {
    const { end, calls } = await claiming({ claim: [REFUSED] });
    expect(end).toEqual({ error: REFUSED });
    expect(calls.claim.asked).toHaveLength(1);
  });
});

describe("a settle", () => {
  const outcome: Outcome = { kind: "completed", result: 1 };
  const gone: Standing = { id: 7, rev: 3, kind: "gone" };
  const waiting: Standing = { id: 7, rev: 3, kind: "waiting", atMs: 5 };
  const running: Standing = { id: 7, rev: 4, kind: "running", atMs: 9 };
  const nextLease = aLease(0, aTask({ id: 8 }));
  const settling = (answers: Parameters<typeof on>[0]) =>
    on(answers, (deps) => settleOnce(deps, lease, outcome, claim, { overdue: true }));
  const nothingWritten: SettleResult = { settled: undefined, next: undefined };

  test("is one request when it is answered, and claims the next task", async () => {
    const { end, calls } = await settling({ settle: [{ settled: gone, next: nextLease }] });
    expect(end).toEqual({
      value: { took: true, standing: gone, cancelled: false, next: nextLease, more: false },
    });
    expect(calls.settle.asked).toMatchObject([[lease, outcome, claim, { overdue: true }]]);
    expect(calls.standing.asked).toEqual([]);
  });

  test("without its lease writes nothing and says where the task stands", async () => {
    const { end, calls } = await settling({ settle: [nothingWritten], standing: [running] });
    expect(end).toEqual({ value: { took: false, standing: running, next: undefined } });
    expect(calls.heldBy.asked).toEqual([]);
  });

  test.each([gone, waiting])(
    "whose answer was lost took effect when its lease is over: the task is $kind",
    async (standing) => {
      const { end, calls } = await settling({
        settle: [LOST, nothingWritten],
        standing: [standing],
        heldBy: [nextLease],
      });
      expect(end).toEqual({ value: { took: true, standing, next: nextLease } });
      expect(calls.heldBy.asked).toMatchObject([[claim]]);
    },
  );

  test("that claimed nothing does not ask what its claim holds", async () => {
    const { end, calls } = await on(
      { settle: [LOST, nothingWritten], standing: [gone], heldBy: [nextLease] },
      (deps) => settleOnce(deps, lease, outcome, undefined, {}),
    );
    expect(end).toEqual({ value: { took: true, standing: gone, next: undefined } });
    expect(calls.heldBy.asked).toEqual([]);
  });

  test("whose answer was lost did not take effect when another worker runs the task", async () => {
    const { end } = await settling({ settle: [LOST, nothingWritten], standing: [running] });
    expect(end).toEqual({ value: { took: false, standing: running, next: undefined } });
  });

  test("claims the next task with a lease since it was sent, or first sent when it is not known which one took effect", async () => {
    const { calls, beganMs } = await settling({
      settle: [LOST, nothingWritten],
      standing: [gone],
      heldBy: [nextLease],
    });
    const [first, second] = calls.settle.asked.map(([, , request]) => leasedAt(request));
    expect(first).toBe(beganMs);
    expect(second).toBeGreaterThan(beganMs);
    expect(calls.heldBy.asked).toEqual([[{ ...claim, leasedAt: beganMs }]]);
  });

  test("that did not arrive is written by its repetition", async () => {
    const { end } = await settling({ settle: [LOST, LOST, { settled: gone, next: undefined }] });
    expect(end).toEqual({
      value: { took: true, standing: gone, cancelled: false, next: undefined, more: false },
    });
  });

  test("is repeated for as long as the lease lasts, and no longer", async () => {
    const { end, calls, tookMs } = await settling({ settle: [LOST] });
    expect(end).toEqual({ error: LOST });
    expect(tookMs).toBeGreaterThanOrEqual(LEASE_MS);
    expect(tookMs).toBeLessThan(LEASE_MS + 3_000);
    expect(calls.settle.asked.length).toBeGreaterThan(TRANSIENT_ATTEMPTS);
  });

  test("that is never answered is given up once; its claim is remembered, for it may still take effect", async () => {
    const { end, tookMs, unanswered } = await on({ settle: [LOST] }, (deps) =>
      settleAsAccepted(deps, lease, outcome, claim, {}),
    );
    expect(end).toEqual({ error: LOST });
    expect(tookMs).toBeLessThan(LEASE_MS + 3_000);
    expect(unanswered).toEqual(["mine"]);
  });

  test("that Postgres refuses is not repeated", async () => {
    const { end, calls } = await settling({ settle: [REFUSED] });
    expect(end).toEqual({ error: REFUSED });
    expect(calls.settle.asked).toHaveLength(1);
  });
});
