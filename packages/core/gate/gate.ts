import type { Moment } from "../clock.ts";
import type { Window } from "../store/window.ts";
import type { Standing } from "../tasks/standing.ts";
import type { Task } from "../tasks/task.ts";

/** What a tick is to do now. */
export type Decision =
  /** Something is due and the flag of a slot is yours. `seen` are the ids that look due; `more`: a slot is free for what is or will soon be due. */
  | { kind: "go"; slot: number; more: boolean; seen: number[] }
  /** Something is due and every flag is held, the next one until then. */
  | { kind: "held"; freeInMs: number }
  /** Nothing is due, something will be soon, and nobody else sleeps until then. */
  | { kind: "sleep"; until: Moment; lease: Moment | undefined }
  /** Nothing is due, something will be soon, and somebody else sleeps until `wake`. */
  | { kind: "asleep"; wake: Moment; lease: Moment | undefined }
  /** Nothing is due. `next`: what somebody should be woken for; `lease`: when a running task would be overdue. */
  | { kind: "idle"; next: Moment | undefined; lease: Moment | undefined }
  /** It cannot be told from here (an empty Redis, or a window that was cut): ask Postgres. */
  | { kind: "unknown" };

/** Who asks for a decision: the token of a tick, and how long it would sleep. */
export interface Asking {
  token: string;
  napMs: number;
}

export interface Look {
  waiting: number;
  /** A tick holds a flag; or the operator does. */
  tickRuns: boolean;
  operatorRuns: boolean;
  refreshedMs: number | undefined;
}

/** What a renewal of the flag found. */
export interface Renewal {
  /** False: somebody else has the flag now. */
  kept: boolean;
  /** The lease of a task may have ended. */
  overdue: boolean;
  /** More is or will soon be due, and a slot is free. */
  more: boolean;
}

/**
 * The gate and the cache. Two things keep it: Redis (below), and Postgres alone (`gate.ts`) for when there is no
 * Redis. It gates; what it believes is never the last word.
 */
export interface Gate {
  enter(asking: Asking): Promise<Decision>;
  /** Writes what became of the settled tasks, gives the flag back only if nothing is due, and decides anew. */
  leave(asking: Asking, slot: number, writes: readonly Standing[]): Promise<Decision>;
  /** The same, but gives the flag back whatever is due, and sleeps no more. Says whether something is or will soon be due. */
  release(token: string, slot: number, writes: readonly Standing[]): Promise<{ more: boolean }>;
  renew(token: string, slot: number, writes: readonly Standing[]): Promise<Renewal>;
  /** Carries changes into the cache. False: it did not arrive. */
  put(writes: readonly Standing[]): Promise<boolean>;
  /** Rebuilds the cache from what `read` finds. False: it took too long to be believed, or there is none. */
  rebuild(read: () => Promise<Window>): Promise<boolean>;
  look(): Promise<Look>;
  /** The waiting tasks: whole, or only the id when the row is not cached. Undefined: ask Postgres. */
  list(): Promise<(Task | number)[] | undefined>;
  /** The operator's override of the flags. */
  setRunning(running: boolean): Promise<void>;
  isRunning(): Promise<boolean>;
}

/** What the flag holds when the operator raised it. */
export const OPERATOR = "operator";

export interface GateOptions {
  /** Begins every key, so that others can share the Redis. */
  prefix: string;
  slots: number;
  flagTtlMs: number;
  operatorTtlMs: number;
  limit: number;
  /** How early a ring may come, in milliseconds. */
  earlyMs: number;
}
