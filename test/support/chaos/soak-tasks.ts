/** The task of a worker that runs for long: next to nothing, and beside it the process says what memory it uses. */
import { openSync, writeSync } from "node:fs";
import { defineTask } from "#core";

/** What the process says of itself, a line each. */
export interface MemoryLine {
  heapUsed: number;
  /** Absent where the garbage was not collected for it. */
  heapAfterCollection?: number;
}

const INTERVAL_MS = 5_000;
/** Collecting by force is rare, so that memory looks as it does without. */
const COLLECT_EVERY = 60;

const file = openSync(process.env.SOAK_MEMORY ?? "/dev/null", "a");
let samples = 0;
setInterval(() => {
  const line: MemoryLine = { heapUsed: process.memoryUsage().heapUsed };
  if (++samples % COLLECT_EVERY === 0 && globalThis.gc) {
    globalThis.gc();
    line.heapAfterCollection = process.memoryUsage().heapUsed;
  }
  writeSync(file, `${JSON.stringify(line)}\n`);
}, INTERVAL_MS).unref();

const tick = defineTask({ type: "small", run: async (data) => ({ echo: data }) });

export const definitions = [tick];
