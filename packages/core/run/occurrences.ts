/**
 * Occurrences of schedules. A refresh makes those that fall into its window: some of them where there are many, and the
 * first of these to start makes more, before its handler runs. So each has a row that waits before it is due, and
 * should a process die in between, the same row starts again, and makes them.
 *
 * What an occurrence does depends on what came before it, so it asks its schedule when it starts. Tasks that are no
 * occurrence ask nothing.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import {
  CATCH_UP_LIMIT,
  MISSED_AFTER_MS,
  OCCURRENCES_AHEAD,
  OCCURRENCES_PER_STATEMENT,
  PLANS_PER_TURN,
  QUEUE_BEHIND_MS,
  QUEUE_FIRST_LOOK_MS,
  QUEUE_MARGIN_MS,
  WINDOW_MS,
} from "../limits.ts";
import type { Logger } from "../log.ts";
import type { Database } from "../store/database.ts";
import { makeOccurrences, type Plan, readSchedule, releaseNext, takeTurn } from "../store/schedules.ts";
import type { ScheduleRow, Window, WindowRead } from "../store/window.ts";
import { timeAfter, timesUpTo } from "../tasks/schedule-times.ts";
import { type KnownTypes, standingOfTask } from "../tasks/standing.ts";
import type { Outcome, Task } from "../tasks/task.ts";

export interface OccurrencesDeps {
  database: Database;
  clock: Clock;
  log: Logger;
  registry: KnownTypes;
  cacheLimit: number;
  /** Tells the cache and the doorbell. */
  announce(tasks: readonly Task[], nowMs: number): Promise<void>;
}

/** What has to be made of a schedule, and how far that gets. */
export function planOf(schedule: ScheduleRow, nowMs: number, windowMs: number): Plan {
  const { name, rev, next_ms } = schedule;
  const missed = next_ms !== null && next_ms <= nowMs ? overdueOf(schedule, next_ms, nowMs) : [];
  const ahead: number[] = [];
  let next = next_ms === null ? undefined : next_ms > nowMs ? next_ms : timeAfter(schedule, nowMs);
  const isInWindow = () => next !== undefined && next <= nowMs + windowMs;
  while (next !== undefined && isInWindow() && ahead.length < OCCURRENCES_AHEAD) {
    ahead.push(next);
    next = timeAfter(schedule, next);
  }
  const more = isInWindow() ? ahead[0] : undefined;
  return {
    name,
    rev,
    next_ms,
    times: [...missed, ...ahead],
    then_next_ms: next ?? null,
    then_more_ms: more ?? null,
  };
}

/** Those of an outage that are made now, by the same rule by which those that were made before it run. */
function overdueOf(schedule: ScheduleRow, fromMs: number, nowMs: number): number[] {
  if (schedule.catch_up === "all")
    return timesUpTo(schedule, nowMs, CATCH_UP_LIMIT)
      .filter((ms) => ms >= fromMs)
      .reverse();
  const recent: number[] = [];
  let at = timeAfter(schedule, Math.max(fromMs, nowMs - MISSED_AFTER_MS) - 1);
  for (; at !== undefined && at <= nowMs; at = timeAfter(schedule, at)) recent.push(at);
  if (recent.length > 0 || schedule.catch_up === "none") return recent;
  return timesUpTo(schedule, nowMs, 1).filter((ms) => ms >= fromMs);
}

export function createOccurrences(deps: OccurrencesDeps) {
  const { database, clock, log, registry, announce } = deps;
  const windowMs = registry.windowMs ?? WINDOW_MS;
  /** Occurrences that run here, and have others of their queue wait. */
  const queues = new Map<number, string>();

  const tryPlan = (schedule: ScheduleRow, nowMs: number): Plan[] => {
    try {
      return [planOf(schedule, nowMs, windowMs)];
    } catch (error) {
      log.error("the times of a schedule cannot be told; correct them", {
        schedule: schedule.name,
        error: messageOf(error),
      });
      return [];
    }
  };

  async function make(schedules: readonly ScheduleRow[], nowMs: number): Promise<Task[]> {
    const made: Task[] = [];
    let plans: Plan[] = [];
    let count = 0;
    const send = async () => {
      if (plans.length > 0) made.push(...(await makeOccurrences(database, plans)).tasks);
      plans = [];
      count = 0;
    };
    for (const [n, schedule] of schedules.entries()) {
      const planned = tryPlan(schedule, nowMs);
      plans.push(...planned);
      count += planned[0]?.times.length ?? 0;
      if (count >= OCCURRENCES_PER_STATEMENT) await send();
      // Others get their turn: ten thousand cron expressions take a second or two.
      else if (n % PLANS_PER_TURN === PLANS_PER_TURN - 1) await nextTurn();
    }
    await send();
    return made;
  }

  const skipped = (reason: "missed" | "overlap" | "deleted"): Outcome => ({
    kind: "completed",
    result: { skipped: reason },
  });

  return {
    /** Makes what falls into the window that a refresh has read, and returns it with that. */
    async keepUp(window: WindowRead, read: () => Promise<Window>): Promise<Window> {
      const { writes, nowMs, cutAtMs } = window;
      const made = await make(window.schedules, nowMs);
      if (made.length === 0) return window;
      if (cutAtMs !== undefined || writes.length + made.length > deps.cacheLimit) return read();
      const standings = made.map((task) => standingOfTask(task, nowMs, registry));
      const atMs = (one: (typeof writes)[number]) => ("atMs" in one ? one.atMs : 0);
      return { ...window, writes: [...writes, ...standings].sort((a, b) => atMs(a) - atMs(b)) };
    },

    /** Makes what falls into the window of one schedule, and tells the cache and the doorbell. */
    async extend(schedule: ScheduleRow, nowMs: number): Promise<void> {
      const made = await make([schedule], nowMs);
      if (made.length > 0) await announce(made, nowMs);
    },

    /** Asks whether an occurrence runs now; what is returned becomes of it otherwise. */
    async begin(task: Task & { schedule: string }): Promise<Outcome | undefined> {
      const { id, schedule: name, schedule_time, scheduled_time, attempts } = task;
      const dueMs = Date.parse(schedule_time ?? scheduled_time);
      const isFirst = attempts <= 1;
      // What a queue held back was claimed in time, and is due at another one since.
      if (isFirst && clock.now() > Date.parse(scheduled_time) + MISSED_AFTER_MS) {
        const row = await readSchedule(database, name);
        if (row && isMissed(row.schedule, dueMs, row.now_ms)) {
          await this.extendIfDue(row.schedule, row.now_ms);
          return skipped("missed");
        }
      }
      // One that is run again by hand has had its time.
      const turn = await takeTurn(database, { name, id, dueMs: isFirst ? dueMs : clock.now() + WINDOW_MS });
      // It was claimed when the schedule was deleted, which takes what has not begun with it. What has is run again.
      if (!turn) return isFirst ? skipped("deleted") : undefined;
      const { schedule, taken, look_ms, is_behind, now_ms } = turn;
      await this.extendIfDue(schedule, now_ms);
      if (taken) {
        if (schedule.overlap === "queue") queues.set(id, name);
        return undefined;
      }
      if (schedule.overlap === "skip") return skipped("overlap");
      const lookAfterMs = is_behind ? QUEUE_BEHIND_MS : Math.max(0, (look_ms ?? now_ms) - now_ms);
      return { kind: "given_back", delayMs: lookAfterMs + QUEUE_MARGIN_MS };
    },

    async extendIfDue(schedule: ScheduleRow, nowMs: number): Promise<void> {
      if (schedule.more_ms !== null && schedule.more_ms <= nowMs) await this.extend(schedule, nowMs);
    },

    /** The next one of a queue starts at once. Should that fail, it looks by itself when this one's lease would have ended. */
    async ended({ id }: Task, outcome: Outcome): Promise<void> {
      const name = queues.get(id);
      queues.delete(id);
      if (name === undefined || (outcome.kind !== "completed" && outcome.kind !== "failed")) return;
      try {
        const { tasks, nowMs } = await releaseNext(database, { name, lookAfterMs: QUEUE_FIRST_LOOK_MS });
        if (tasks.length > 0) await announce(tasks, nowMs);
      } catch (error) {
        log.warn("the next one of a queue could not be released; it looks by itself", {
          schedule: name,
          error: messageOf(error),
        });
      }
    },
  };
}

function isMissed(schedule: ScheduleRow, dueMs: number, nowMs: number): boolean {
  if (schedule.catch_up === "all") return false;
  if (schedule.catch_up === "none") return true;
  const successor = timeAfter(schedule, dueMs);
  return successor !== undefined && successor <= nowMs;
}

export type Occurrences = ReturnType<typeof createOccurrences>;
