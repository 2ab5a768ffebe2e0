import { describe, expect, test } from "vitest";
import type { AbortCode } from "../../../packages/core/run/abort.ts";
import { startHeartbeat } from "../../../packages/core/run/heartbeat.ts";
import type { Standing } from "../../../packages/core/tasks/standing.ts";
import { noteLog } from "../../support/run/noted-log.ts";
import { aLease } from "../../support/run/rows.ts";
import { createVirtualClock } from "../../support/world/virtual-clock.ts";

const LEASE_MS = 60_000;
const BEAT_MS = LEASE_MS / 3;

type Renewal = { standing: Standing; cancelRequested: boolean } | undefined;

/** A heartbeat on a Postgres that answers as the test says; by default, that the lease is renewed. */
function start({
  answer,
  timeoutMs = 10 * LEASE_MS,
  claimTookMs = 0,
  asleepUntilMs = 0,
}: {
  answer?: (nth: number, renewed: Renewal) => Renewal | Promise<Renewal>;
  timeoutMs?: number;
  claimTookMs?: number;
  /** The process stands still until then: no timer fires before. */
  asleepUntilMs?: number;
} = {}) {
  const clock = createVirtualClock();
  const { log, lines } = noteLog();
  const beganMs = clock.now();
  const lease = aLease(beganMs - claimTookMs);
  const renewals: { atMs: number; progress: number | undefined }[] = [];
  const aborts: { atMs: number; code: AbortCode }[] = [];
  const told: Standing[] = [];
  const sinceMs = () => clock.now() - beganMs;
  const heartbeat = startHeartbeat(
    {
      store: {
        renew: async (_, progress) => {
          renewals.push({ atMs: sinceMs(), progress });
          const standing = { id: 7, rev: renewals.length, kind: "running", atMs: 0 } as const;
          const renewed = { standing, cancelRequested: false };
          return answer ? answer(renewals.length, renewed) : renewed;
        },
      },
      clock: { ...clock, after: (ms, act) => clock.after(Math.max(ms, asleepUntilMs - sinceMs()), act) },
      log,
      leaseMs: LEASE_MS,
    },
    {
      lease,
      deadlineMs: clock.now() + timeoutMs,
      abort: (code) => void aborts.push({ atMs: sinceMs(), code }),
      renewed: (standing) => void told.push(standing),
    },
  );
  return { clock, heartbeat, renewals, aborts, told, lines };
}

test.each([0, 0.5, 1])("a handler may report that %d of its task is done", async (fraction) => {
  const { clock, heartbeat, renewals } = start();
  await clock.pass(1_000);
  await heartbeat.progress(fraction);
  expect(renewals).toMatchObject([{ progress: fraction }]);
});

describe("the lease", () => {
  test("is renewed every third of its life, and whoever holds the flag is told", async () => {
    const { clock, renewals, told, aborts } = start();
    await clock.pass(3 * LEASE_MS);
    expect(renewals.map(({ atMs }) => atMs)).toEqual(Array.from({ length: 9 }, (_, n) => (n + 1) * BEAT_MS));
    expect(told).toHaveLength(9);
    expect(aborts).toEqual([]);
  });

  test("is renewed earlier when the claim was answered late", async () => {
    const { clock, renewals } = start({ claimTookMs: BEAT_MS - 1_000 });
    await clock.pass(1_000);
    expect(renewals).toHaveLength(1);
  });

  test("that another worker has by now aborts the handler, and is asked for no more", async () => {
    const { clock, renewals, told, aborts } = start({ answer: () => undefined });
    await clock.pass(3 * LEASE_MS);
    expect(aborts).toEqual([{ atMs: BEAT_MS, code: "lease_lost" }]);
    expect(renewals).toHaveLength(1);
    expect(told).toEqual([]);
  });

  test("may fail to be renewed while it lasts: the next renewal counts", async () => {
    const { clock, aborts, lines } = start({
      answer: (nth, renewed) => (nth === 1 ? Promise.reject(new Error("connection refused")) : renewed),
    });
    await clock.pass(2 * LEASE_MS);
    expect(aborts).toEqual([]);
    expect(lines).toMatchObject([{ level: "warn", task: 7, error: "connection refused" }]);
  });

  test("may have ended when Postgres did not answer for so long: the handler is aborted", async () => {
    const { clock, aborts } = start({ answer: () => Promise.reject(new Error("connection refused")) });
    await clock.pass(2 * LEASE_MS);
    expect(aborts).toEqual([{ atMs: LEASE_MS, code: "lease_lost" }]);
  });

  test("may have ended while a renewal hangs: the handler is aborted all the same", async () => {
    const { clock, aborts, renewals } = start({ answer: () => new Promise(() => {}) });
    await clock.pass(2 * LEASE_MS);
    expect(aborts).toEqual([{ atMs: LEASE_MS, code: "lease_lost" }]);
    expect(renewals).toHaveLength(1);
  });

  test("lasts from when a renewal was sent, not from when it was answered", async () => {
    const answered: (() => void)[] = [];
    const { clock, aborts } = start({
      answer: (nth, renewed) =>
        nth === 1 ? new Promise((resolve) => answered.push(() => resolve(renewed))) : new Promise(() => {}),
    });
    await clock.pass(BEAT_MS + 15_000);
    answered[0]?.();
    await clock.pass(2 * LEASE_MS);
    expect(aborts).toEqual([{ atMs: BEAT_MS + LEASE_MS, code: "lease_lost" }]);
  });
});

test("the handler is aborted at its deadline, once, and the lease is renewed until it ends", async () => {
  const { clock, aborts, renewals } = start({ timeoutMs: 30_000 });
  await clock.pass(LEASE_MS);
  expect(aborts).toEqual([{ atMs: 30_000, code: "timeout" }]);
  expect(renewals).toHaveLength(3);
});

test("the handler is aborted when the process stood still for longer than the lease", async () => {
  const { clock, aborts } = start({ asleepUntilMs: 2 * LEASE_MS });
  await clock.pass(3 * LEASE_MS);
  expect(aborts).toEqual([{ atMs: 2 * LEASE_MS, code: "stalled" }]);
});

test("the handler is aborted when its task was cancelled", async () => {
  const { clock, aborts } = start({
    answer: (nth, renewed) => renewed && { ...renewed, cancelRequested: nth === 2 },
  });
  await clock.pass(LEASE_MS);
  expect(aborts).toEqual([{ atMs: 2 * BEAT_MS, code: "cancelled" }]);
});

describe("progress", () => {
  test("is written at once, and then at most once a second; the latest goes with the next renewal", async () => {
    const { clock, heartbeat, renewals } = start();
    await heartbeat.progress(0.1);
    await heartbeat.progress(0.2);
    await clock.pass(999);
    await heartbeat.progress(0.3);
    await clock.pass(1);
    await heartbeat.progress(0.4);
    await heartbeat.progress(0.5);
    await clock.pass(2 * BEAT_MS - 1_000);
    expect(renewals).toEqual([
      { atMs: 0, progress: 0.1 },
      { atMs: 1_000, progress: 0.4 },
      { atMs: BEAT_MS, progress: 0.5 },
      { atMs: 2 * BEAT_MS, progress: undefined },
    ]);
  });

  test.each([-0.1, 1.1, Number.NaN])("%d is refused", async (fraction) => {
    await expect(start().heartbeat.progress(fraction)).rejects.toThrow(RangeError);
  });

  test("does not fail its handler when Postgres does not answer", async () => {
    const { heartbeat } = start({ answer: () => Promise.reject(new Error("connection refused")) });
    await heartbeat.progress(0.5);
  });
});

describe("after the attempt", () => {
  test("nothing is renewed, written or aborted any more", async () => {
    const { clock, heartbeat, renewals, aborts } = start();
    heartbeat.stop();
    await heartbeat.progress(0.5);
    await clock.pass(3 * LEASE_MS);
    expect([renewals, aborts]).toEqual([[], []]);
  });

  test("the answer of a renewal is ignored: the flag may have been given back", async () => {
    let answer = () => {};
    const { clock, heartbeat, told, aborts } = start({
      answer: (_, renewed) =>
        new Promise((resolve) => {
          answer = () => resolve(renewed);
        }),
    });
    await clock.pass(BEAT_MS);
    heartbeat.stop();
    answer();
    await clock.pass(LEASE_MS);
    expect([told, aborts]).toEqual([[], []]);
  });
});
