import type { Moment } from "../clock.ts";
import { PUT_CHUNK, WINDOW_MS } from "../limits.ts";
import type { Standing } from "../tasks/standing.ts";
import type { Task } from "../tasks/task.ts";
import { type Asking, type Decision, type Gate, type GateOptions, OPERATOR } from "./gate.ts";
import type { RedisCommands } from "./redis-commands.ts";
import { keysOf, rowsKeyOf, type ScriptCall } from "./script.ts";
import * as scripts from "./scripts.ts";

/** The gate in Redis, with the cache of the window: one request a call, but for long lists. */
export function createRedisGate(redis: RedisCommands, options: GateOptions): Gate {
  const { slots, flagTtlMs, operatorTtlMs, limit, earlyMs } = options;
  const keys = keysOf(options.prefix, slots);
  const run = <Reply>({ lua, args }: ScriptCall) => redis.run<Reply>(lua, keys, args);
  const flag = { ttl_ms: flagTtlMs, slots, early_ms: earlyMs };
  const asking = ({ token, napMs }: Asking) => ({
    token,
    nap_ms: Math.max(0, Math.round(napMs)),
    ...flag,
  });

  /** In chunks, so that a request never grows beyond what a server takes. */
  const put = async (standings: readonly Standing[], began: string) => {
    for (let from = 0; from < standings.length; from += PUT_CHUNK) {
      const chunk = standings.slice(from, from + PUT_CHUNK);
      if ((await run<number>(scripts.PUT({ limit, began }, chunk))) !== 1) return false;
    }
    return true;
  };
  const look = (list: boolean) =>
    run<[number, number, number, number, string | null, string[]]>(
      scripts.LOOK({ list: list ? 1 : 0, operator: OPERATOR, slots, window_ms: WINDOW_MS }),
    );

  return {
    enter: async (who) => decisionOf(await run(scripts.ENTER(asking(who)))),
    leave: async (who, slot, standings) =>
      decisionOf(await run(scripts.LEAVE({ ...asking(who), slot, release: 0, limit }, standings))),
    release: async (token, slot, standings) => {
      const args = { ...asking({ token, napMs: 0 }), slot, release: 1, limit };
      const [, , more] = await run<[string, string, number]>(scripts.LEAVE(args, standings));
      return { more: more === 1 };
    },
    renew: async (token, slot, standings) => {
      const [kept, overdue, more] = await run<[number, number, number]>(
        scripts.RENEW({ token, slot, limit, ...flag }, standings),
      );
      return { kept: kept === 1, overdue: overdue === 1, more: more === 1 };
    },
    put: (standings) => put(standings, ""),
    rebuild: async (read) => {
      const [began, since] = await run<[string, string]>(scripts.BEGIN({}));
      const { writes, cutAtMs } = await read();
      if (!(await put(writes, began))) return false;
      const args = { began: Number(began), since: Number(since), marker: String(cutAtMs ?? "+inf") };
      return (await run<number>(scripts.SWEEP(args))) === 1;
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
        const rows = await redis.fields(rowsKeyOf(keys), chunk);
        chunk.forEach((id, n) => {
          const row = rows[n];
          tasks.push(row ? (JSON.parse(row) as Task) : Number(id));
        });
      }
      return tasks;
    },
    setRunning: async (running) => {
      if (running) await run(scripts.HOLD_ALL({ token: OPERATOR, ttl_ms: operatorTtlMs, slots }));
      else await run(scripts.RELEASE_ALL({ slots }));
    },
    isRunning: async () => {
      const [, , ticks, operators] = await look(false);
      return ticks + operators > 0;
    },
  };
}

/** Reads what `decide` in `scripts.ts` answers. */
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
