/** The script that limits how often something may be done. */
import { type Kind, script } from "./script.ts";

/** So many at once, and one more after each step. */
export interface Bucket {
  limit: number;
  stepMs: number;
}

const buckets: Kind<readonly Bucket[]> = {
  encode: (values) => values.flatMap(({ limit, stepMs }) => [limit, stepMs]),
  lua: (n) => `${n}`,
};

/**
 * Admits a request, or says after how many milliseconds it would be. Each key holds when its bucket is full again, so
 * it is one number a bucket and nothing is left of those that are not used (GCRA). What is not admitted changes
 * nothing.
 *
 * Keys: one a bucket. Arguments: each bucket's limit and step. Two commands, and one more for each bucket.
 */
export const ADMIT = script({
  args: { buckets },
  lua: `
local at = now()
local full = call('MGET', unpack(KEYS))
local wait = 0
for i = 1, #KEYS do
  local limit = tonumber(ARGV[buckets + 2 * i - 2])
  local step = tonumber(ARGV[buckets + 2 * i - 1])
  local from = tonumber(full[i] or at)
  if from < at then from = at end
  full[i] = from + step
  if full[i] - at - limit * step > wait then wait = full[i] - at - limit * step end
end
if wait > 0 then return wait end
for i = 1, #KEYS do call('SET', KEYS[i], int(full[i]), 'PX', int(full[i] - at)) end
return 0`,
  decode: (waitMs: number) => waitMs,
});
