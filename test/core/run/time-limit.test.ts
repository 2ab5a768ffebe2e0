import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { TaskAborted } from "../../../packages/core/run/abort.ts";
import { startTimeLimit } from "../../../packages/core/run/time-limit.ts";
import { createVirtualClock } from "../../support/world/virtual-clock.ts";

const SECOND_MS = 1_000;

function start({ timeLeftMs, shutdownWaitMs = 0 }: { timeLeftMs?: number; shutdownWaitMs?: number }) {
  const clock = createVirtualClock();
  const draining = new AbortController();
  const interrupting = new AbortController();
  const process = { drain: draining.signal, interrupt: interrupting.signal };
  const limit = startTimeLimit(
    { clock, shutdownWaitMs },
    { ...process, ...(timeLeftMs === undefined ? {} : { timeLeftMs }) },
  );
  return { clock, draining, interrupting, process, limit };
}

test("where nothing ends an invocation, only the process does", async () => {
  const { clock, limit, process } = start({});
  expect(limit).toMatchObject(process);
  await clock.pass(86_400 * SECOND_MS);
  expect(limit.leftMs()).toBe(Number.POSITIVE_INFINITY);
  expect(limit.drain.aborted).toBe(false);
});

test("no task is claimed in the last part of an invocation, and handlers are told to stop before its end", async () => {
  const { clock, limit } = start({ timeLeftMs: 900 * SECOND_MS, shutdownWaitMs: 30 * SECOND_MS });
  await clock.pass(869 * SECOND_MS);
  expect([limit.drain.aborted, limit.interrupt.aborted, limit.leftMs()]).toEqual([
    false,
    false,
    31 * SECOND_MS,
  ]);
  await clock.pass(SECOND_MS);
  expect([limit.drain.aborted, limit.interrupt.aborted]).toEqual([true, false]);
  // Ten seconds before the end: a handler has five to settle, and the outcome has to be written.
  await clock.pass(20 * SECOND_MS);
  expect([limit.interrupt.aborted, limit.leftMs()]).toEqual([true, 10 * SECOND_MS]);
  expect(limit.interrupt.reason).toBeInstanceOf(TaskAborted);
  expect(limit.interrupt.reason).toMatchObject({ code: "time_limit" });
});

test("a short invocation is used for half of its time at least", async () => {
  const { clock, limit } = start({ timeLeftMs: 10 * SECOND_MS, shutdownWaitMs: 30 * SECOND_MS });
  await clock.pass(4_999);
  expect(limit.drain.aborted).toBe(false);
  await clock.pass(1);
  expect([limit.drain.aborted, limit.interrupt.aborted]).toEqual([true, true]);
});

test("without a time to wait at a shutdown, claiming ends when handlers are told to stop", async () => {
  const { clock, limit } = start({ timeLeftMs: 60 * SECOND_MS });
  await clock.pass(49_999);
  expect(limit.drain.aborted).toBe(false);
  await clock.pass(1);
  expect([limit.drain.aborted, limit.interrupt.aborted]).toEqual([true, true]);
});

test("a process that is stopped stops the tick as well, for the reason that it has", () => {
  const { limit, draining, interrupting } = start({ timeLeftMs: 900 * SECOND_MS });
  draining.abort();
  expect([limit.drain.aborted, limit.interrupt.aborted]).toEqual([true, false]);
  interrupting.abort(new TaskAborted("shutdown"));
  expect(limit.interrupt.reason).toMatchObject({ code: "shutdown" });
});

test("a process that was stopped before stops the tick at once", () => {
  const reason = new TaskAborted("shutdown");
  const stopped = AbortSignal.abort(reason);
  const limit = startTimeLimit(
    { clock: createVirtualClock(), shutdownWaitMs: 0 },
    { timeLeftMs: 900 * SECOND_MS, drain: stopped, interrupt: stopped },
  );
  expect([limit.drain.aborted, limit.interrupt.reason]).toEqual([true, reason]);
});

test("when a tick has ended, nothing of it is left in the signals of the process or in the clock", async () => {
  const { clock, limit, process } = start({ timeLeftMs: 900 * SECOND_MS });
  limit.stop();
  for (const signal of Object.values(process)) expect(getEventListeners(signal, "abort")).toEqual([]);
  await clock.pass(900 * SECOND_MS);
  expect([limit.drain.aborted, limit.interrupt.aborted]).toEqual([false, false]);
});
