/** The scripts that read: what is cached, and who holds flags. */
import { VOUCHED_LIMIT, WINDOW_MS } from "../../limits.ts";
import type { Pause } from "../../tasks/pause.ts";
import { type Coming, type Due, LANES } from "../../tasks/standing.ts";
import { type Look, OPERATOR, type Vouched } from "../gate.ts";
import { MARKER } from "./keys.ts";
import { number, script, text } from "./script.ts";

/** `ticks` and `operators`: how many flags each of them holds. */
const COUNT_FLAGS = `
local ticks, operators = 0, 0
for slot = 0, slots - 1 do
  local holder = seats[slot + 2]
  if holder == '${OPERATOR}' then operators = operators + 1 elseif holder then ticks = ticks + 1 end
end`;

type LookReply = [number, number, number, ...state: (string | null)[]];

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
if tasks > 0 and call('EXISTS', foreign) == 1 and call('ZSCORE', waiting, '${LANES}') then tasks = tasks - 1 end
return {tasks, ticks, operators, unpack(call('HMGET', state, 'refreshed', 'waiting_for_code', 'code_since', 'read', 'pauses'))}`,
  decode: ([
    tasks,
    ticks,
    operators,
    refreshed = null,
    waitingForCode,
    codeSince,
    read,
    pauses,
  ]: LookReply): Look => ({
    waiting: tasks,
    tickRuns: ticks > 0,
    operatorRuns: operators > 0,
    refreshedMs: refreshed ? Number(refreshed) : undefined,
    waitingForCode: Number(waitingForCode ?? 0),
    codeSinceMs: Number(codeSince ?? 0) || undefined,
    readMs: Number(read ?? 0) || undefined,
    pauses: pauses ? (JSON.parse(pauses) as Pause[]) : [],
  }),
});

type VouchReply = [
  now: string,
  sizes: [waiting: number, foreign: number, running: number],
  soon: string[],
  lease: string[],
  forCode: [count: string | null, since: string | null],
  cut: 0 | 1,
];

/**
 * A refresh asks whether the cache is what Postgres and those who told of their writes would have it be: the marker is
 * there and far enough ahead; each member of a set has its rev and each rev its member, so none was evicted; the latest
 * refresh has ended, not long ago, and would have read the same; nobody told since of a pause, or of an
 * operation that was not through. Notes that it looked.
 *
 * Keys: all but rows, the sleeper and the flags. Arguments: as `Trust`, who would read, and the limit of the cache.
 * Answers a `Vouched`, or undefined: read Postgres.
 */
export const VOUCH = script({
  args: { basis: text, limit: number, young_ms: number, whole_ms: number, ahead_ms: number },
  lua: `
local known = call('HMGET', state, 'read', 'basis', 'began', 'ended', 'waiting_for_code', 'code_since', 'doubted')
local age = now() - tonumber(known[1] or 0)
if known[2] ~= basis or known[3] ~= known[4] or age < 0 or age > young_ms then return false end
if tonumber(known[7] or 0) > tonumber(known[3] or 0) then return false end
local sizes, members = {}, -1
for n, set in ipairs({waiting, foreign, running, gone}) do
  sizes[n] = call('ZCARD', set)
  members = members + sizes[n]
end
if call('HLEN', revs) ~= members or sizes[2] >= limit then return false end
local soon = call('ZRANGEBYSCORE', waiting, '-inf', int(now() + ahead_ms), 'WITHSCORES', 'LIMIT', 0, ${VOUCHED_LIMIT + 2})
local window_end = cut_of(soon[1])
if not window_end or window_end < now() + whole_ms or #soon > ${2 * (VOUCHED_LIMIT + 1)} then return false end
call('HSET', state, 'refreshed', int(now()))
local lease = call('ZRANGE', running, 0, 0, 'WITHSCORES')
return {int(now()), sizes, soon, lease, {known[5], known[6]}, soon[1] ~= '${MARKER}' and 1 or 0}`,
  decode: (reply: VouchReply | null): Vouched | undefined => {
    if (!reply) return undefined;
    const [now, [waiting, foreign, running], soon, lease, [waitingForCode, codeSince], cut] = reply;
    return {
      nowMs: Number(now),
      coming: [...comingIn("waiting", soon), ...comingIn("running", lease)],
      // Without the marker, nor what stands for the lanes.
      waiting: waiting - 1 + foreign - (soon.includes(String(LANES)) ? 1 : 0),
      running,
      waitingForCode: Number(waitingForCode ?? 0),
      codeSinceMs: Number(codeSince ?? 0) || undefined,
      cut: cut === 1,
    };
  },
});

/** Of members and scores in turn. */
function comingIn(kind: Coming["kind"], found: readonly string[]): Coming[] {
  return dueIn(found).map((due) => ({ ...due, kind }));
}

function dueIn(found: readonly string[]): Due[] {
  const due: Due[] = [];
  for (let n = 0; n < found.length; n += 2)
    if (!found[n]?.startsWith(MARKER)) due.push({ id: Number(found[n]), atMs: Number(found[n + 1]) });
  return due;
}

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
  decode: (found: string[] | null): Due[] | undefined =>
    found ? dueIn(found).filter(({ id }) => id !== LANES) : undefined,
});
