/** The jobs of the process that runs tasks. */
import { type Handler, nowMs, type Worker } from "./contender.ts";

export interface DrainOptions {
  count: number;
  /** Tasks that do not count: Node compiles the code meanwhile. It is over after `warmUpMs` at the latest. */
  warmUp: number;
  warmUpMs: number;
  /** Whoever is slower than `count` in this time is not waited for. */
  limitMs: number;
}

export interface Drained {
  perSecond: number;
  /** What the process had at most, in MiB. */
  memoryMib: number;
}

export function runTasks(start: (handler: Handler) => Promise<Worker>) {
  let working: Promise<Worker> | undefined;
  const lateMs: number[] = [];

  return {
    /** From one start of a handler to the last, in tasks a second. */
    async drain({ count, warmUp, warmUpMs, limitMs }: DrainOptions): Promise<Drained> {
      let finish: (perSecond: number) => void = () => {};
      const finished = new Promise<number>((resolve) => {
        finish = resolve;
      });
      let started = 0;
      let firstMs = 0;
      let begin: { started: number; ms: number } | undefined;
      working = start(async (data) => {
        const ms = performance.now();
        started++;
        if (started === 1) firstMs = ms;
        if (!begin && (started > warmUp || ms - firstMs > warmUpMs)) begin = { started, ms };
        else if (begin && (started === count || ms - begin.ms > limitMs))
          finish((started - begin.started) / ((ms - begin.ms) / 1000));
        return data.text === undefined ? undefined : { text: data.text };
      });
      await working;
      const perSecond = await finished;
      return { perSecond, memoryMib: process.resourceUsage().maxRSS / 1024 };
    },

    /** Runs what comes, and keeps how late it was. */
    async listen(_: undefined): Promise<void> {
      working = start(async ({ dueMs }) => {
        if (dueMs !== undefined) lateMs.push(nowMs() - dueMs);
        return undefined;
      });
      await working;
    },
    lateness: async (_: undefined) => lateMs,

    /** Runs once what is due at longer intervals; returns how often it is, or 0 if there is nothing of the kind. */
    async regularly(_: undefined): Promise<number> {
      const { regularly } = (await working) ?? {};
      await regularly?.run();
      return regularly?.everySeconds ?? 0;
    },
  };
}
