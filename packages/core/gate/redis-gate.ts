import type { Moment } from "../clock.ts";
import { PUT_CHUNK, WINDOW_MS } from "../limits.ts";
import type { Standing } from "../tasks/standing.ts";
import type { Task } from "../tasks/task.ts";
import { type Asking, type Decision, type Gate, type GateOptions, OPERATOR } from "./gate.ts";
import type { RedisCommands } from "./redis-commands.ts";
import * as lua from "./scripts.ts";

/** The cache in Redis: one request a call, but for long lists. */
export function createRedisGate(redis: RedisCommands, options: GateOptions): Gate {
  const { slots, flagTtlMs, operatorTtlMs, limit, earlyMs } = options;
  const keys = lua.keysOf(options.prefix, slots);
  const run = <Reply>(script: string, ...args: (string | number)[]) => redis.run<Reply>(script, keys, args);
  const asks = ({ token, napMs }: Asking) =>
    [token, flagTtlMs, slots, Math.max(0, Math.round(napMs)), earlyMs] as const;

  /** Chunks, so that a request never grows beyond what a server takes. */
  const putChunks = async (writes: readonly Standing[], refreshBegan: string) => {
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

function fieldsOf(write: Standing): [number, number, string, number | string] {
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
