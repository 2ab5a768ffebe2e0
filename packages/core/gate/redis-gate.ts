import type { Moment } from "../clock.ts";
import { PUT_CHUNK, WINDOW_MS } from "../limits.ts";
import type { Task } from "../tasks/task.ts";
import type { RedisCommands } from "./redis-commands.ts";
import * as lua from "./scripts.ts";

/**
 * A change of the cache: where a task stands at this rev. `inMs` says how long it is until then by Postgres's clock, for
 * when the cache's own clock was seen to say something else.
 */
export type CacheWrite =
  /** `aside`: it waits for somebody else to run it; it is listed, and no tick minds it. */
  | { id: number; rev: number; kind: "due" | "aside"; atMs: number; inMs?: number; task?: Task }
  | { id: number; rev: number; kind: "lease"; atMs: number; inMs?: number }
  | { id: number; rev: number; kind: "gone" };

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

/** What Postgres says the window is. */
export interface Window {
  writes: CacheWrite[];
  /** When Postgres read it, by its own clock. */
  nowMs: number;
  /** The first due time that was left out; undefined when all of the window is there. */
  cutAtMs: number | undefined;
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
export interface Cache {
  enter(asking: Asking): Promise<Decision>;
  /** Writes what became of the settled tasks, gives the flag back only if nothing is due, and decides anew. */
  leave(asking: Asking, slot: number, writes: readonly CacheWrite[]): Promise<Decision>;
  /** The same, but gives the flag back whatever is due, and sleeps no more. Says whether something is or will soon be due. */
  release(token: string, slot: number, writes: readonly CacheWrite[]): Promise<{ more: boolean }>;
  renew(token: string, slot: number, writes: readonly CacheWrite[]): Promise<Renewal>;
  /** Carries changes into the cache. False: it did not arrive. */
  put(writes: readonly CacheWrite[]): Promise<boolean>;
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

export interface CacheOptions {
  /** Begins every key, so that others can share the Redis. */
  prefix: string;
  slots: number;
  flagTtlMs: number;
  operatorTtlMs: number;
  limit: number;
  /** How early a ring may come, in milliseconds. */
  earlyMs: number;
}

/** The cache in Redis: one request a call, but for long lists. */
export function createRedisCache(redis: RedisCommands, options: CacheOptions): Cache {
  const { slots, flagTtlMs, operatorTtlMs, limit, earlyMs } = options;
  const keys = lua.keysOf(options.prefix, slots);
  const run = <Reply>(script: string, ...args: (string | number)[]) => redis.run<Reply>(script, keys, args);
  const asks = ({ token, napMs }: Asking) =>
    [token, flagTtlMs, slots, Math.max(0, Math.round(napMs)), earlyMs] as const;

  /** Chunks, so that a request never grows beyond what a server takes. */
  const putChunks = async (writes: readonly CacheWrite[], refreshBegan: string) => {
    for (let from = 0; from < writes.length; from += PUT_CHUNK) {
      const chunk = writes.slice(from, from + PUT_CHUNK);
      const args = chunk.flatMap((write) => [
        ...fieldsOf(write),
        "task" in write && write.task ? JSON.stringify(write.task) : "",
      ]);
      if ((await run<number>(lua.PUT, limit, refreshBegan, ...args)) !== 1) return false;
    }
    return true;
  };
  const look = (list: boolean) =>
    run<[number, number, number, number, string | null, string[]]>(
      lua.LOOK,
      list ? 1 : 0,
      OPERATOR,
      slots,
      WINDOW_MS,
    );

  return {
    enter: async (asking) => decisionOf(await run(lua.ENTER, ...asks(asking))),
    leave: async (asking, slot, writes) =>
      decisionOf(await run(lua.LEAVE, ...asks(asking), slot, 0, limit, ...writes.flatMap(fieldsOf))),
    release: async (token, slot, writes) => {
      const asking = asks({ token, napMs: 0 });
      const [, , more] = await run<[string, string, number]>(
        lua.LEAVE,
        ...asking,
        slot,
        1,
        limit,
        ...writes.flatMap(fieldsOf),
      );
      return { more: more === 1 };
    },
    renew: async (token, slot, writes) => {
      const [kept, overdue, more] = await run<[number, number, number]>(
        lua.RENEW,
        ...[token, flagTtlMs, slots, earlyMs, slot, limit, ...writes.flatMap(fieldsOf)],
      );
      return { kept: kept === 1, overdue: overdue === 1, more: more === 1 };
    },
    put: (writes) => putChunks(writes, ""),
    rebuild: async (read) => {
      const [began, sequence] = await run<[string, string]>(lua.BEGIN);
      const { writes, cutAtMs } = await read();
      if (!(await putChunks(writes, began))) return false;
      return (await run<number>(lua.SWEEP, began, sequence, cutAtMs ?? "+inf")) === 1;
    },
    look: async () => {
      const [, waiting, ticks, operators, refreshed] = await look(false);
      return {
        waiting,
        tickRuns: ticks > 0,
        operatorRuns: operators > 0,
        refreshedMs: refreshed === null ? undefined : Number(refreshed),
      };
    },
    list: async () => {
      const [marked, , ticks, , , found] = await look(true);
      // While a tick runs, Postgres is awake and knows better which of them have started.
      if (marked === 0 || ticks > 0) return undefined;
      const ids = found.filter((id) => id !== "*");
      const tasks: (Task | number)[] = [];
      for (let from = 0; from < ids.length; from += PUT_CHUNK) {
        const chunk = ids.slice(from, from + PUT_CHUNK);
        const rows = await redis.fields(keys[lua.TASK_KEY] as string, chunk);
        chunk.forEach((id, n) => {
          const row = rows[n];
          tasks.push(row ? (JSON.parse(row) as Task) : Number(id));
        });
      }
      return tasks;
    },
    setRunning: async (running) => {
      if (running) await run(lua.RAISE, OPERATOR, operatorTtlMs, slots);
      else await run(lua.LOWER, slots);
    },
    isRunning: async () => {
      const [, , ticks, operators] = await look(false);
      return ticks + operators > 0;
    },
  };
}

function fieldsOf(write: CacheWrite): [number, number, string, number | string] {
  if (write.kind === "gone") return [write.id, write.rev, write.kind, ""];
  return [write.id, write.rev, write.kind, write.inMs === undefined ? write.atMs : `~${write.inMs}`];
}

/** Reads what `decide` in `lua.ts` answers. */
function decisionOf(reply: unknown[]): Decision {
  const [kind, nowText, ...rest] = reply as [string, string, ...(string | number | null | string[])[]];
  const now = Number(nowText);
  const moment = (value: unknown): Moment | undefined =>
    value === null || value === undefined ? undefined : { atMs: Number(value), inMs: Number(value) - now };
  const [first, second, third] = rest;
  switch (kind) {
    case "go":
      return { kind, slot: Number(first), more: second === 1, seen: (third as string[]).map(Number) };
    case "held":
      return { kind, freeInMs: Number(first) };
    case "sleep":
      return { kind, until: moment(first) as Moment, lease: moment(second) };
    case "asleep":
      return { kind, wake: moment(first) as Moment, lease: moment(second) };
    case "idle":
      return { kind, next: moment(first), lease: moment(second) };
    default:
      return { kind: "unknown" };
  }
}
