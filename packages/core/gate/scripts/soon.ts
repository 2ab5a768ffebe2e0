/**
 * `soon(n)`: whether so many are due, or will be when a ring may come; the end of the window counts as one, and the entry of
 * all lanes as two, for it stands for any number of tasks. Needs the argument `early_ms`.
 */
import { LANES } from "../../tasks/standing.ts";

export const SOON = `
local function soon(n)
  local first = call('ZRANGE', waiting, 0, n, 'WITHSCORES')
  local found = 0
  for i = 1, #first, 2 do
    if (cut_of(first[i]) or tonumber(first[i + 1])) <= now() + early_ms then
      found = found + (first[i] == '${LANES}' and 2 or 1)
    end
  end
  return found >= n
end`;
