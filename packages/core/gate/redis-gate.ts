import { PUT_CHUNK } from "../limits.ts";
import type { Standing } from "../tasks/standing.ts";
import type { Task } from "../tasks/task.ts";
import { type Asking, type Gate, type GateOptions, OPERATOR } from "./gate.ts";
import type { RedisCommands } from "./redis-commands.ts";
import { ENTER, LEAVE, RELEASE } from "./scripts/decide.ts";
import { HOLD, HOLD_ALL, LET_GO, RELEASE_ALL, RENEW } from "./scripts/flag.ts";
import { keysOf, rowsKeyOf } from "./scripts/keys.ts";
import { LIST, LOOK } from "./scripts/read.ts";
import { BEGIN, PUT, SWEEP } from "./scripts/refresh.ts";
import type { Script } from "./scripts/script.ts";

/** The gate in Redis, with the window cached there: each step is one script, and one request unless lists are long. */
export function createRedisGate(redis: RedisCommands, options: GateOptions): Gate {
  const { limit } = options;
  const ttl_ms = options.flagTtlMs;
  const early_ms = options.earlyMs;
  const keys = keysOf(options.prefix, options.slots);
  const rowsKey = rowsKeyOf(options.prefix);
  const run = async <Values, Reply, Answer>(script: Script<Values, Reply, Answer>, values: Values) =>
    script.decode(await redis.run<Reply>(script.lua, keys, script.encode(values)));

  const asking = ({ token, napMs }: Asking) => ({ token, ttl_ms, nap_ms: napMs, early_ms });
  const put = async (standings: readonly Standing[], began: number | undefined) => {
    let news = 0;
    for (const chunk of chunksOf(standings)) {
      const told = await run(PUT, { began, limit, standings: chunk });
      if (told === undefined) return undefined;
      news += told;
    }
    return news;
  };

  return {
    enter: (asks) => run(ENTER, asking(asks)),
    leave: (asks, slot, standings) => run(LEAVE, { ...asking(asks), slot, limit, standings }),
    release: (token, slot, standings) => run(RELEASE, { token, slot, early_ms, limit, standings }),
    renew: (token, slot, standings) => run(RENEW, { token, slot, ttl_ms, early_ms, limit, standings }),
    put: (standings) => put(standings, undefined),
    rebuild: async (read) => {
      const begun = await run(BEGIN, {});
      const { writes, cutAtMs, waitingForCode } = await read();
      if ((await put(writes, begun.began)) === undefined) return false;
      return run(SWEEP, { ...begun, cut_at: cutAtMs, waiting_for_code: sumOf(waitingForCode.values()) });
    },
    look: () => run(LOOK, {}),
    list: () => run(LIST, {}),
    rows: async (ids) => {
      const rows = await redis.fields(rowsKey, ids.map(String));
      return rows.map((row) => (row === null ? undefined : (JSON.parse(row) as Task)));
    },
    hold: (token, holdMs) => run(HOLD, { token, ttl_ms: holdMs }),
    letGo: (token) => run(LET_GO, { token }),
    setRunning: (running) =>
      running ? run(HOLD_ALL, { token: OPERATOR, ttl_ms: options.operatorTtlMs }) : run(RELEASE_ALL, {}),
    isRunning: async () => {
      const { tickRuns, operatorRuns } = await run(LOOK, {});
      return tickRuns || operatorRuns;
    },
  };
}

/** In pieces, so that no request is larger than what a server takes. */
function* chunksOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += PUT_CHUNK) yield all.slice(from, from + PUT_CHUNK);
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0;
  for (const n of numbers) sum += n;
  return sum;
}
