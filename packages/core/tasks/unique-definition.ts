/** What may be wrong with the `unique` of a definition. Requests are checked by `uniqueness.ts`, which not every process loads. */
import { mustBe, quote } from "../errors.ts";
import { UNIQUE_SECONDS_MAX } from "../limits.ts";
import type { TaskDefinition } from "./define-task.ts";
import { ON_CONFLICT, UNIQUE_FOR } from "./task.ts";

export const quoted = (names: readonly string[]) => names.map(quote).join(", ");
export const SECONDS = `a whole number of seconds from 1 to ${UNIQUE_SECONDS_MAX}`;
const isSeconds = (value: unknown) =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= UNIQUE_SECONDS_MAX;
const isOneOf = (names: readonly string[], value: unknown) => names.some((name) => name === value);

/** @returns what is wrong first; undefined when nothing is */
export function flawOfUnique({ unique }: Pick<TaskDefinition, "unique">): string | undefined {
  if (!unique) return undefined;
  const { key, for: duration, onConflict = "keep", longestWaitSeconds: longest } = unique;
  if (typeof key !== "function") return `unique.key ${mustBe("a function of the data", key)}`;
  if (duration !== undefined && !isOneOf(UNIQUE_FOR, duration) && !isSeconds(duration))
    return `unique.for ${mustBe(`${quoted(UNIQUE_FOR)} or ${SECONDS}`, duration)}`;
  if (!isOneOf(ON_CONFLICT, onConflict))
    return `unique.onConflict ${mustBe(`one of ${quoted(ON_CONFLICT)}`, onConflict)}`;
  if (longest !== undefined && !isSeconds(longest))
    return `unique.longestWaitSeconds ${mustBe(SECONDS, longest)}`;
  if (longest === undefined && onConflict === "postpone")
    return `unique.longestWaitSeconds ${mustBe(`${SECONDS} with onConflict "postpone"`, longest)}`;
  if (longest !== undefined && onConflict === "keep")
    return 'unique.longestWaitSeconds must come with onConflict "postpone" or "replace", got "keep"';
  if (typeof duration === "number" && onConflict !== "keep")
    return `unique.onConflict ${mustBe(`"keep" where unique.for is a number of seconds`, onConflict)}`;
  return undefined;
}
