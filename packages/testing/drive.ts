/** Moves the clock of a test, from one thing that happens to the next, and has the real engine do its work at each. */
import type { Activity } from "./activity.ts";
import type { Timeline } from "./timeline.ts";

export interface DriveDeps {
  timeline: Timeline;
  activity: Activity;
  /** When something is due next; undefined when nothing is. */
  nextDueMs(): Promise<number | undefined>;
  /** One refresh, as a deployment has it. */
  refresh(): Promise<unknown>;
  refreshIntervalMs: number;
  /** Called after each move of the clock. */
  moved(nowMs: number): unknown;
  /** Called before tasks run: what is created from now on, they create. */
  begun(): void;
}

export interface Drive {
  /** Runs everything that is due now, and what comes of it now. */
  runDue(): Promise<void>;
  /** Lets so much time pass: everything in it happens, in order and at its own time. */
  advance(ms: number): Promise<void>;
}

/**
 * A deployment refreshes its cache at every interval. Most refreshes find nothing to do; here only those take place
 * that could: the last one before something is due, and the last one of all. So a month passes in no time.
 */
export function createDrive(deps: DriveDeps): Drive {
  const { timeline, activity, refreshIntervalMs } = deps;
  const beganMs = timeline.nowMs;
  let refreshedMs = beganMs;

  const intervalBefore = (ms: number) =>
    beganMs + Math.floor((ms - beganMs) / refreshIntervalMs) * refreshIntervalMs;

  function nextRefreshMs(dueMs: number | undefined, untilMs: number): number {
    const last = intervalBefore(untilMs);
    const beforeDue = dueMs === undefined ? last : intervalBefore(Math.max(dueMs, timeline.nowMs));
    // The one after it is for what is due and cannot be had, or was not rung for.
    const candidates = [beforeDue, beforeDue + refreshIntervalMs, last];
    return Math.min(...candidates.filter((ms) => ms > refreshedMs && ms >= timeline.nowMs));
  }

  async function refreshNow(): Promise<void> {
    refreshedMs = timeline.nowMs;
    activity.begin(deps.refresh);
    await activity.rest();
  }

  async function moveTo(ms: number): Promise<void> {
    if (ms === timeline.nowMs) return;
    timeline.moveTo(ms);
    await deps.moved(ms);
  }

  /** @returns when something is due next */
  async function runDue(): Promise<number | undefined> {
    // What an earlier call left may still go on.
    await activity.rest();
    deps.begun();
    for (let refreshed = false; ; refreshed = true) {
      while (nextMs() <= timeline.nowMs) {
        timeline.step();
        await activity.rest();
      }
      const dueMs = await deps.nextDueMs();
      // Nobody rang for a task that another program has written: a refresh finds it.
      if (refreshed || dueMs === undefined || dueMs > timeline.nowMs) return dueMs;
      await refreshNow();
    }
  }

  const nextMs = () => timeline.nextMs ?? Number.POSITIVE_INFINITY;

  return {
    async runDue() {
      await runDue();
    },
    async advance(ms) {
      const untilMs = timeline.nowMs + ms;
      let dueMs = await runDue();
      for (;;) {
        const refreshMs = nextRefreshMs(dueMs, untilMs);
        const toMs = Math.min(nextMs(), refreshMs);
        if (toMs > untilMs) break;
        await moveTo(toMs);
        if (toMs === refreshMs) await refreshNow();
        dueMs = await runDue();
      }
      await moveTo(untilMs);
    },
  };
}
