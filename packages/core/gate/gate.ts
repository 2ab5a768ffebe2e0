import type { Moment } from "../clock.ts";
import type { Window } from "../store/window.ts";
import type { Pause } from "../tasks/pause.ts";
import type { Coming, Due, Standing } from "../tasks/standing.ts";
import type { Task } from "../tasks/task.ts";

/** What a tick does now. `lease`: when a running task is overdue, for then a tick has to look after it. */
export type Decision =
  /**
   * Something is due, and the flag of this slot is the caller's: claim a task. `seen` are the ids that look due, none
   * if the gate did not look at ids. `more`: another slot is free, and more is due or will be soon: ring for another
   * tick.
   * `lanesRev`: laned tasks look due; a claim that finds none says so under this rev.
   */
  | { kind: "go"; slot: number; more: boolean; seen: number[]; lanesRev?: number }
  /** Something is due, and every flag is held; the first one ends after this time: ring then, in case its holder died. */
  | { kind: "held"; freeInMs: number }
  /** Nothing is due, but something will be soon. The caller is the sleeper now: sleep until then, and enter again. */
  | { kind: "sleep"; until: Moment; lease: Moment | undefined }
  /** The same, but another tick sleeps until `wake`. Ring for a moment after that, in case it dies asleep. */
  | { kind: "asleep"; wake: Moment; lease: Moment | undefined }
  /** Nothing is due, nor will be soon. `next` is the next due time: ring for it. */
  | { kind: "idle"; next: Moment | undefined; lease: Moment | undefined }
  /** The cache cannot tell, because it is empty or its end is reached: ask Postgres, and rebuild the cache. */
  | { kind: "unknown" };

/** A tick that asks for a decision. */
export interface Asking {
  token: string;
  /** How long it would sleep at most. */
  napMs: number;
}

/** What a renewal of the flag found. */
export interface Renewal {
  /** False: another tick has the flag now. */
  kept: boolean;
  /** A task's lease may have ended. */
  overdue: boolean;
  /** Another slot is free, and more is due or will be soon. */
  more: boolean;
}

/** When a refresh may go by the cache alone, in milliseconds. */
export interface Trust {
  /** Postgres was read so long ago at most. */
  youngMs: number;
  /** Where the limit cut the window, the cut is so far ahead at least. */
  wholeMs: number;
  /** What is due, or whose lease ends, within this time is to be rung for. */
  aheadMs: number;
}

/** What a cache has that vouches for itself. */
export interface Vouched {
  /** By the clock of the cache. */
  nowMs: number;
  /** The waiting tasks that are due soon, by due time; and of the running ones that whose lease ends first. */
  coming: Coming[];
  waiting: number;
  running: number;
  waitingForCode: number;
  codeSinceMs?: number | undefined;
  /** Whether the limit cut the window. */
  cut: boolean;
}

/** What the gate knows, for statistics. */
export interface Look {
  /** Waiting tasks in the window. */
  waiting: number;
  /** A tick holds a flag. */
  tickRuns: boolean;
  /** The operator holds a flag. */
  operatorRuns: boolean;
  /** When a refresh last looked at the cache, whether it rebuilt it or not, as epoch milliseconds. */
  refreshedMs: number | undefined;
  /** When the latest refresh that read Postgres did so, as epoch milliseconds; where there is no cache, undefined. */
  readMs?: number | undefined;
  /** Tasks that were due and of a type that nobody here runs, when the cache was last rebuilt. */
  waitingForCode: number;
  /** What was paused then. */
  pauses: Pause[];
  /** Since when the first of them is due, in epoch milliseconds; undefined: there are none. */
  codeSinceMs?: number | undefined;
}

/**
 * The gate stands before Postgres: it tells a tick whether anything is due, and lets one tick work in each slot. The
 * tick that works holds the slot's **flag**, under a token and with a TTL. An idle tick asks the gate alone, so
 * Postgres sleeps.
 *
 * The gate is quick and may be wrong: a flag may be lost, a cached due time may be old. That makes a task late at
 * worst, for only the claim in Postgres decides who runs it.
 *
 * Three implement it: `redis-gate.ts` with the window cached in Redis, `postgres-gate.ts` without a cache, and
 * `fallback-gate.ts`, the first with the second for when Redis does not answer. What a tick did is told to the gate as
 * standings: where each task stands now.
 */
export interface Gate {
  /** A tick begins, or wakes up: decides, and takes a flag if something is due. */
  enter(asking: Asking): Promise<Decision>;
  /** A tick has nothing left to claim: releases its flag only if nothing is due, and decides anew. */
  leave(asking: Asking, slot: number, standings: readonly Standing[]): Promise<Decision>;
  /** A tick stops: releases its flag whatever is due. `more`: something is due or will be soon, so ring. */
  release(token: string, slot: number, standings: readonly Standing[]): Promise<{ more: boolean }>;
  /** A tick works on: renews its flag, or takes it again if it was lost. */
  renew(token: string, slot: number, standings: readonly Standing[]): Promise<Renewal>;
  /**
   * Brings changes that are not a tick's into the cache. Returns how many told it something new, as far as it can tell;
   * undefined: they did not arrive, so ring with `askPostgres`.
   */
  put(standings: readonly Standing[]): Promise<number | undefined>;
  /** Rebuilds the cache from what `read` finds. False: it took so long that what it read may be old. */
  rebuild(read: () => Promise<Window>): Promise<boolean>;
  /**
   * A refresh that would rather leave Postgres asleep: notes that it looked. Undefined when the cache may lack what was
   * told to it, or when it is time to look for what was not: read Postgres.
   */
  vouch(trust: Trust): Promise<Vouched | undefined>;
  look(): Promise<Look>;
  /** The waiting tasks of the window, other programs' too, in any order. Undefined: ask Postgres. */
  list(): Promise<Due[] | undefined>;
  /** The rows of these tasks that are cached. */
  rows(ids: readonly number[]): Promise<(Task | undefined)[]>;
  /**
   * Takes every flag under this token, or prolongs them, if nobody else holds any; on Postgres, also if no task runs.
   * So whoever has them is alone.
   */
  hold(token: string, ttlMs: number): Promise<boolean>;
  /** Releases the flags that are held under this token. Says whether there were any. */
  letGo(token: string): Promise<boolean>;
  /** The operator's override: holds every free flag, or releases all flags, whoever holds them. */
  setRunning(running: boolean): Promise<void>;
  /** Whether any flag is held. On Postgres, a task with a living lease counts too. */
  isRunning(): Promise<boolean>;
}

/** The token of the operator. */
export const OPERATOR = "operator";

export interface GateOptions {
  /** Begins every key, so that others can share the Redis. */
  prefix: string;
  /** How many ticks may work at once. */
  slots: number;
  /** How long a tick holds its flag without renewing it. */
  flagTtlMs: number;
  /** How long the operator holds all flags. */
  operatorTtlMs: number;
  /** How many waiting tasks the cache takes: those that are due first. */
  limit: number;
  /** Names what the contents of the cache depend on beside the rows: what another reader would have read is not trusted. */
  basis: string;
  /** How early a ring may come, in milliseconds. */
  earlyMs: number;
}
