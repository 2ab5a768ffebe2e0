/** Settling many tasks in one statement when answers are lost: as `exactly-once.ts`, for batches. */
import type { BatchEnd, BatchRequest } from "../../store/batch.ts";
import { isRefused, isTransient } from "../../store/database.ts";
import { isUniqueViolation } from "../../store/postgres-errors.ts";
import type { Store } from "../../store/store.ts";
import type { Registry } from "../../tasks/registry.ts";
import { missing, type Standing } from "../../tasks/standing.ts";
import type { Task } from "../../tasks/task.ts";
import { type ExactlyOnceDeps, giveUp, pause } from "../exactly-once.ts";
import { cancelled, refused } from "../outcome.ts";

export interface BatchSettleDeps extends Omit<ExactlyOnceDeps, "store"> {
  store: Pick<Store, "settleBatch" | "readBack">;
  registry: Registry;
}

/** An attempt that ended; times are the worker's. */
export interface Ended extends Pick<BatchEnd, "task" | "outcome" | "json" | "lateness"> {
  /** Undefined: its handler was not started. */
  startedMs: number | undefined;
  endedMs: number;
}

export interface EndsRequest extends Omit<BatchRequest, "ends"> {
  ends: readonly Ended[];
  /** The task that has the slot now. */
  holder: number;
}

export interface EndsSettled {
  /** For each end: whether it was written, as far as can be told, and where the task stands now. */
  ends: { ended: Ended; took: boolean; standing: Standing }[];
  /** What was leased as well, and when that was asked for. */
  leased: Task[];
  leasedAt: number;
  /** False: the slot, and with it the lease, is another worker's. */
  led: boolean;
  /** Postgres's time. */
  nowMs: number;
}

/**
 * Settles, and leases more. Where Postgres refuses, each end is written by itself, so that only the task at fault
 * fails.
 *
 * @throws PostgresError when Postgres does not answer for as long as the lease lasts
 */
export async function settleEnds(deps: BatchSettleDeps, request: EndsRequest): Promise<EndsSettled> {
  try {
    return await settleEndsOnce(deps, request);
  } catch (error) {
    if (isUniqueViolation(error, "tickwork_running"))
      return {
        ...(await settleEndsOnce(deps, { ...request, leader: undefined, next: undefined })),
        led: false,
      };
    if (!isRefused(error)) throw error;
  }
  return settleOneByOne(deps, request);
}

async function settleOneByOne(deps: BatchSettleDeps, request: EndsRequest): Promise<EndsSettled> {
  const { holder, leader } = request;
  // The task that has the slot hands it over first, or gives it back last.
  const isHolder = ({ task }: Ended) => Number(task.id === holder) * (leader === undefined ? 1 : -1);
  const ends = [...request.ends].sort((a, b) => isHolder(a) - isHolder(b));
  const settled: EndsSettled = { ends: [], leased: [], leasedAt: 0, led: true, nowMs: 0 };
  for (const end of ends) {
    const settleAs = (ended: Ended) => settleEndsOnce(deps, { ...request, ends: [ended], next: undefined });
    const one = await settleAs(end).catch((error: unknown) => {
      if (!isRefused(error) || isUniqueViolation(error, "tickwork_running")) throw error;
      return settleAs({ ...end, outcome: refused(deps, end.task, error) });
    });
    settled.ends.push(...one.ends);
    settled.led &&= one.led;
    settled.nowMs = one.nowMs;
  }
  return settled;
}

async function settleEndsOnce(deps: BatchSettleDeps, request: EndsRequest): Promise<EndsSettled> {
  const { store, clock, registry } = deps;
  const { ends, next } = request;
  const beganMs = clock.now();
  for (let n = 1; ; n++) {
    const sentMs = clock.now();
    const told = ends.map(({ task, outcome, json, lateness, startedMs, endedMs }) => ({
      task,
      outcome,
      json,
      lateness,
      startedAgoMs: startedMs === undefined ? undefined : sentMs - startedMs,
      endedAgoMs: sentMs - endedMs,
    }));
    try {
      const {
        settled,
        cancelled: toStop,
        leased,
        led,
        nowMs,
      } = await store.settleBatch({ ...request, ends: told }, registry.batches);
      const untold = ends.flatMap(({ task }) => (settled.has(task.id) ? [] : [task.id]));
      const unsure = n > 1 ? next?.token : undefined;
      // An earlier try took effect, or the lease was lost.
      const back =
        untold.length > 0 || unsure ? await store.readBack(untold, unsure) : { standings: settled, held: [] };
      return {
        ends: ends.map((ended) => {
          const took = settled.get(ended.task.id);
          const standing = took ?? back.standings.get(ended.task.id) ?? missing(ended.task.id);
          const outcome = toStop.has(ended.task.id) ? cancelled(deps, ended.task) : ended.outcome;
          return {
            ended: { ...ended, outcome },
            took: took !== undefined || (n > 1 && standing.kind !== "running"),
            standing,
          };
        }),
        leased: unsure ? back.held : leased,
        leasedAt: unsure ? beganMs : sentMs,
        led,
        nowMs,
      };
    } catch (error) {
      if (!isTransient(error) || clock.now() >= beganMs + deps.leaseMs) {
        if (next) giveUp(deps, next.token);
        throw error;
      }
      await pause(deps, n, "a settle was not answered", error);
    }
  }
}
