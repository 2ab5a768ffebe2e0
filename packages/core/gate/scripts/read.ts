/** The scripts that only read: what is cached, and who holds flags. */
import { WINDOW_MS } from "../../limits.ts";
import type { Due } from "../../tasks/standing.ts";
import { type Look, OPERATOR } from "../gate.ts";
import { MARKER } from "./keys.ts";
import { script } from "./script.ts";

/** `ticks` and `operators`: how many flags each of them holds. */
const COUNT_FLAGS = `
local ticks, operators = 0, 0
for slot = 0, slots - 1 do
  local holder = seats[slot + 2]
  if holder == '${OPERATOR}' then operators = operators + 1 elseif holder then ticks = ticks + 1 end
end`;

type LookReply = [number, number, number, string | null, string | null];

/**
 * Counts.
 *
 * Keys: waiting, foreign, state, flags. No arguments. Answers a `Look`.
 */
export const LOOK = script({
  args: {},
  lua: `${COUNT_FLAGS}
local tasks = call('ZCARD', waiting) + call('ZCARD', foreign)
if cut_of(call('ZRANGE', waiting, 0, 0)[1]) then tasks = tasks - 1 end
return {tasks, ticks, operators, unpack(call('HMGET', state, 'refreshed', 'waiting_for_code'))}`,
  decode: ([tasks, ticks, operators, refreshed, waitingForCode]: LookReply): Look => ({
    waiting: tasks,
    tickRuns: ticks > 0,
    operatorRuns: operators > 0,
    refreshedMs: refreshed === null ? undefined : Number(refreshed),
    waitingForCode: Number(waitingForCode ?? 0),
  }),
});

/**
 * The tasks that are due within the window, other programs' too: ids, each before its due time.
 *
 * Keys: waiting, foreign, flags. No arguments. Answers undefined when the cache is empty or a tick runs: Postgres is
 * awake then, and knows better which of them have started.
 */
export const LIST = script({
  args: {},
  lua: `${COUNT_FLAGS}
if ticks > 0 then return false end
local window_end = int(now() + ${WINDOW_MS})
local found = call('ZRANGEBYSCORE', waiting, '-inf', window_end, 'WITHSCORES')
if not cut_of(found[1]) then return false end
for _, text in ipairs(call('ZRANGEBYSCORE', foreign, '-inf', window_end, 'WITHSCORES')) do
  found[#found + 1] = text
end
return found`,
  decode: (found: string[] | null): Due[] | undefined => {
    if (!found) return undefined;
    const due: Due[] = [];
    for (let n = 0; n < found.length; n += 2)
      if (!found[n]?.startsWith(MARKER)) due.push({ id: Number(found[n]), atMs: Number(found[n + 1]) });
    return due;
  },
});
