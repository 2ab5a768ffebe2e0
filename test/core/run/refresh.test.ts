import { expect, test } from "vitest";
import { type Logger, type Measurements, silent } from "#core";
import { createRinger } from "../../../packages/core/doorbell/ringer.ts";
import { runRefresh } from "../../../packages/core/run/refresh.ts";
import type { Standing } from "../../../packages/core/tasks/standing.ts";
import { noteRings } from "../../support/bed/doorbells.ts";
import { fakeGate } from "../../support/run/fake-gate.ts";
import { noteLog } from "../../support/run/noted-log.ts";
import { createVirtualClock } from "../../support/world/virtual-clock.ts";

const SECOND_MS = 1_000;

/** A refresh of a window whose tasks are due, or whose leases end, so many seconds from now. */
function refresh(
  tasks: [kind: "waiting" | "foreign" | "running", seconds: number][],
  {
    kept = true,
    cutAtMs,
    waitingForCode = {},
    log = silent,
    warned = new Set<string>(),
  }: {
    kept?: boolean;
    cutAtMs?: number;
    waitingForCode?: Record<string, number>;
    log?: Logger;
    warned?: Set<string>;
  } = {},
) {
  const clock = createVirtualClock();
  const nowMs = clock.now();
  const bell = noteRings();
  const measured: Measurements[] = [];
  const { gate } = fakeGate({
    rebuild: async (read) => {
      await read();
      return kept;
    },
  });
  const writes = tasks.map(
    ([kind, seconds], n): Standing => ({ id: n + 1, rev: 1, kind, atMs: nowMs + seconds * SECOND_MS }),
  );
  const report = runRefresh({
    store: {
      window: async () => ({
        writes,
        nowMs,
        cutAtMs,
        waitingForCode: new Map(Object.entries(waitingForCode)),
        codeSinceMs: waitingForCode.unheard && nowMs - 300 * SECOND_MS,
        runByOthers: [],
        pauses: [],
        schedules: [],
        hasDeclared: false,
        hasDeclaredLimits: false,
      }),
    },
    scheduler: { keepUp: async (window) => window },
    gate,
    ringer: createRinger(bell, clock, silent, { horizonMs: 1_200 * SECOND_MS }),
    clock,
    log,
    warned,
    metrics: (m) => void measured.push(m),
  });
  return { report, bell, measured };
}

test("reports the tasks that wait for code, and logs each of their types once", async () => {
  const { log, lines } = noteLog();
  const given = { waitingForCode: { email_batch: 3, unheard: 1 }, log, warned: new Set<string>() };
  const { report, measured } = refresh([["foreign", -300]], given);
  expect(await report).toMatchObject({ waitingForCode: 4, waitingForCodeSeconds: 300, due: 0 });
  expect(measured).toMatchObject([{ WaitingForCodeSeconds: 300 }]);
  await refresh([["foreign", -300]], { ...given, waitingForCode: { email_batch: 5, newer: 1 } }).report;
  const warned = lines.filter(({ level }) => level === "warn");
  expect(warned.map(({ type, count }) => [type, count])).toEqual([
    ["email_batch", 3],
    ["unheard", 1],
    ["newer", 1],
  ]);
});

test("reports what waits, what is due, and since when, as metrics too", async () => {
  const { report, measured } = refresh([
    ["waiting", -90],
    ["waiting", 0],
    ["foreign", -300],
    ["waiting", 60],
    ["running", 20],
  ]);
  expect(await report).toMatchObject({ waiting: 4, due: 2, oldestDueAgeSeconds: 90, running: 1, cut: false });
  expect(measured).toMatchObject([{ QueueDepth: 2, OldestDueAgeSeconds: 90, RunningTasks: 1 }]);
});

test("reports a window that is longer than the cache", async () => {
  expect(await refresh([["waiting", 5]], { cutAtMs: 1 }).report).toMatchObject({ cut: true });
});

test("rings for what is due, for what soon will be, and for the end of a lease", async () => {
  const { report, bell } = refresh([
    ["waiting", -90],
    ["waiting", 60],
    ["foreign", 30],
    ["waiting", 3_600],
    ["running", 20],
  ]);
  await report;
  expect(bell.rings).toEqual([
    { now: { by: "refresh" } },
    expect.objectContaining({ inMs: 60 * SECOND_MS }),
    { afterMs: 21 * SECOND_MS },
  ]);
});

test("that took too long to be believed is an error, and rings all the same", async () => {
  const { report, bell } = refresh([["waiting", -1]], { kept: false });
  await expect(report).rejects.toMatchObject({ kind: "unavailable", code: "refresh_too_slow" });
  expect(bell.rings).toEqual([{ now: { by: "refresh" } }]);
});
