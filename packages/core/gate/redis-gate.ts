import { FORGET_CHUNK, PUT_CHUNK } from "../limits.ts";
import type { Standing } from "../tasks/standing.ts";
import type { Task } from "../tasks/task.ts";
import { type Asking, type Gate, type GateOptions, OPERATOR } from "./gate.ts";
import type { RedisCommands } from "./redis-commands.ts";
import { differences, readContents } from "./redis-refresh.ts";
import { ENTER, LEAVE, RELEASE } from "./scripts/decide.ts";
import { HOLD, HOLD_ALL, LET_GO, RELEASE_ALL, RENEW } from "./scripts/flag.ts";
import { keysOf, NOT_ALL, rowsKeyOf } from "./scripts/keys.ts";
import { LIST, LOOK, VOUCH } from "./scripts/read.ts";
import { BEGIN, COMPARE, FINISH, FORGET, PUT } from "./scripts/refresh.ts";
import type { Script } from "./scripts/script.ts";

/** The gate in Redis, with the window cached there: each step is one script, and one request unless lists are long. */
export function createRedisGate(redis: RedisCommands, options: GateOptions): Gate {
  const { limit, basis } = options;
  const ttl_ms = options.flagTtlMs;
  const early_ms = options.earlyMs;
  const keys = keysOf(options.prefix, options.slots);
  const rowsKey = rowsKeyOf(options.prefix);
  const run = async <Values, Reply, Answer>(script: Script<Values, Reply, Answer>, values: Values) =>
    script.decode(await redis.run<Reply>(script.lua, keys, script.encode(values)));

  const asking = ({ token, napMs }: Asking) => ({ token, ttl_ms, nap_ms: napMs, early_ms });
  const put = async (standings: readonly Standing[], began: number | undefined) => {
    let news = 0;
    for (const chunk of chunksOf(standings, PUT_CHUNK)) {
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
      const { began, since, alone } = await run(BEGIN, {});
      const window = await read();
      const contents = await readContents((from) => run(COMPARE, { from }));
      const { absent, changed } = differences(window, contents, since);
      // Another refresh may have read what this one did not: the next one removes it.
      for (const ids of alone ? chunksOf(absent, FORGET_CHUNK) : [])
        if (!(await run(FORGET, { began, since, ids }))) return false;
      if ((await put(changed, began)) === undefined) return false;
      const waiting_for_code = sumOf(window.waitingForCode.values());
      const marked = contents.marked ? 1 : 0;
      return run(FINISH, {
        began,
        since,
        marked,
        cut_at: window.cutAtMs,
        waiting_for_code,
        pauses: window.pauses.length > 0 ? JSON.stringify(window.pauses) : "",
        code_since: window.codeSinceMs,
        basis: alone ? basis : NOT_ALL,
      });
    },
    vouch: ({ youngMs, wholeMs, aheadMs }) =>
      run(VOUCH, { basis, limit, young_ms: youngMs, whole_ms: wholeMs, ahead_ms: aheadMs }),
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
function* chunksOf<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0;
  for (const n of numbers) sum += n;
  return sum;
}
