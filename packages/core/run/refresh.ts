import type { Clock } from "../clock.ts";
import type { Ringer } from "../doorbell/ringer.ts";
import { TickworkError } from "../errors.ts";
import type { Gate, Trust } from "../gate/gate.ts";
import type { Logger } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Store, Window } from "../store/store.ts";
import type { Scheduler } from "./scheduler.ts";

export interface RefreshDeps {
  store: Pick<Store, "window">;
  gate: Pick<Gate, "rebuild" | "vouch">;
  ringer: Ringer;
  clock: Clock;
  log: Logger;
  metrics?: Metrics | undefined;
  scheduler: Pick<Scheduler, "keepUp">;
  /** What this process has warned of, so that it does so once. */
  warned: Set<string>;
}

const WAITING_FOR_CODE =
  "tasks wait for a type that nobody here runs: deploy the code of that type or version, or name the type with foreignTask";
const TWO_PROCESSORS =
  "another program runs tasks of a type that this deployment runs, too: switch its processor off, or name the type with foreignTask";
const ADOPTED =
  "a task was Running before Tickwork came, and takes the place of one until it ends: if no program runs it any more, cancel it (POST /tasks/:id/cancel)";

/** What a refresh found. */
export interface RefreshReport {
  /** Waiting tasks in the window, up to the limit of the cache. */
  waiting: number;
  /** Those of them that are due. */
  due: number;
  /** How long the task that waits longest has been due, in seconds; 0 if none is. */
  oldestDueAgeSeconds: number;
  /** Running tasks. */
  running: number;
  /** Due tasks of a type that nobody here runs: they wait for code that has it. */
  waitingForCode: number;
  /** How long the first of them has been due, in seconds; 0 if there is none. */
  waitingForCodeSeconds: number;
  /** Whether the window had more than the cache takes. */
  cut: boolean;
  /** Whether it read Postgres; otherwise it went by the cache. */
  readPostgres: boolean;
  durationMs: number;
}

/**
 * One refresh: reads the window from Postgres, makes the occurrences of schedules in it, puts it into the cache, and
 * rings for what is due soon. It mends whatever went wrong since the last one: a change that Redis missed, a ring that
 * was lost.
 *
 * @throws TickworkError when Postgres does not answer, or the cache did not take the window
 */
export async function runRefresh(deps: RefreshDeps): Promise<RefreshReport> {
  const { store, gate, ringer, scheduler, clock, log, warned } = deps;
  const began = clock.now();
  let window: Window | undefined;
  let kept = false;
  try {
    kept = await gate.rebuild(async () => {
      window = await scheduler.keepUp(await store.window(), store.window);
      return window;
    });
  } finally {
    // Even if the cache did not take the window: what is due must run.
    if (window) await ringer.ringFor(window.writes, window.nowMs, { by: "refresh" });
  }
  if (!kept || !window)
    throw new TickworkError(
      "refresh_too_slow",
      "The refresh took so long that what it read may be old; the cache stays as it was.",
    );
  const { nowMs, waitingForCode, codeSinceMs } = window;
  const writes = window.writes.filter(({ kind }) => kind !== "laned");
  // In the order of their due times, as Postgres read them.
  const dueTimes = writes.flatMap((write) => (write.kind === "waiting" ? [write.atMs] : []));
  const running = writes.filter(({ kind }) => kind === "running").length;
  const report = publish(deps, {
    waiting: writes.length - running,
    ...dueOf(dueTimes, nowMs),
    running,
    waitingForCode: [...waitingForCode.values()].reduce((sum, n) => sum + n, 0),
    waitingForCodeSeconds: secondsSince(codeSinceMs, nowMs),
    cut: window.cutAtMs !== undefined,
    readPostgres: true,
    durationMs: clock.now() - began,
  });
  const warn = (message: string, fields: { type: string } & Record<string, unknown>) => {
    const known = `${message} ${fields.type}`;
    if (!warned.has(known)) log.warn(message, fields);
    warned.add(known);
  };
  for (const [type, count] of waitingForCode) warn(WAITING_FOR_CODE, { type, count });
  for (const { id, type, ours, adopted } of window.runByOthers) {
    if (adopted) warn(ADOPTED, { type, task: id });
    else if (ours) warn(TWO_PROCESSORS, { type, task: id });
  }
  return report;
}

/**
 * One refresh that leaves Postgres asleep where the cache can vouch for itself, and rings for what is due soon there.
 * It mends a ring that was lost; what nobody told the cache of, a refresh finds that reads Postgres.
 *
 * @throws as `runRefresh`
 */
export async function runScheduledRefresh(deps: RefreshDeps, trust: Trust): Promise<RefreshReport> {
  const { gate, ringer, clock } = deps;
  const began = clock.now();
  const vouched = await gate.vouch(trust);
  if (!vouched) return runRefresh(deps);
  const { nowMs, coming, waiting, running, waitingForCode, codeSinceMs, cut } = vouched;
  await ringer.ringFor(coming, nowMs, { by: "refresh" });
  const dueTimes = coming.flatMap(({ kind, atMs }) => (kind === "waiting" ? [atMs] : []));
  return publish(deps, {
    waiting,
    ...dueOf(dueTimes, nowMs),
    running,
    waitingForCode,
    waitingForCodeSeconds: secondsSince(codeSinceMs, nowMs),
    cut,
    readPostgres: false,
    durationMs: clock.now() - began,
  });
}

/** How many of these times, in their order, are over, and for how long the first one. */
function dueOf(dueTimes: readonly number[], nowMs: number) {
  return {
    due: dueTimes.filter((atMs) => atMs <= nowMs).length,
    oldestDueAgeSeconds: Math.max(0, ...dueTimes.slice(0, 1).map((atMs) => (nowMs - atMs) / 1000)),
  };
}

const secondsSince = (sinceMs: number | undefined, nowMs: number): number =>
  sinceMs === undefined ? 0 : Math.max(0, (nowMs - sinceMs) / 1000);

function publish({ metrics, log }: RefreshDeps, report: RefreshReport): RefreshReport {
  metrics?.({
    QueueDepth: report.due,
    OldestDueAgeSeconds: report.oldestDueAgeSeconds,
    RunningTasks: report.running,
    WaitingForCodeSeconds: report.waitingForCodeSeconds,
    RefreshMilliseconds: report.durationMs,
  });
  log.debug("refreshed", { ...report });
  return report;
}
