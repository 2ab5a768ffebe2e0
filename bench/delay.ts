/** A delay with fractions of a millisecond, which Node's timers do not have. */
import { Worker } from "node:worker_threads";

/** Sleeps in a thread of its own until the time in `until`, says so, and waits for the next one. */
const SLEEPER = `
const { parentPort, workerData } = require("node:worker_threads");
const state = new Int32Array(workerData, 0, 1);
const until = new Float64Array(workerData, 8, 1);
for (;;) {
  Atomics.wait(state, 0, 0);
  const leftMs = until[0] - (performance.timeOrigin + performance.now());
  if (leftMs > 0) Atomics.wait(state, 0, 1, leftMs);
  Atomics.store(state, 0, 0);
  parentPort.postMessage(0);
}`;

export interface Delay {
  /** Runs it when the delay is over, in the order of the calls. */
  after(run: () => void): void;
  close(): Promise<unknown>;
}

/** @param delayMs any number above 0; what runs is later than that by about a tenth of a millisecond */
export function createDelay(delayMs: number): Delay {
  const shared = new SharedArrayBuffer(16);
  const state = new Int32Array(shared, 0, 1);
  const until = new Float64Array(shared, 8, 1);
  const sleeper = new Worker(SLEEPER, { eval: true, workerData: shared });
  const waiting: { atMs: number; run: () => void }[] = [];
  const sleep = (atMs: number) => {
    until[0] = performance.timeOrigin + atMs;
    Atomics.store(state, 0, 1);
    Atomics.notify(state, 0);
  };
  sleeper.on("message", () => {
    const nowMs = performance.now();
    while (waiting[0] && waiting[0].atMs <= nowMs) waiting.shift()?.run();
    if (waiting[0]) sleep(waiting[0].atMs);
  });
  sleeper.unref();
  return {
    after(run) {
      const atMs = performance.now() + delayMs;
      waiting.push({ atMs, run });
      if (waiting.length === 1) sleep(atMs);
    },
    close: () => sleeper.terminate(),
  };
}
