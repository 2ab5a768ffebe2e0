/** What a pause or a limit is of: one of several kinds, and its name. */
import * as v from "valibot";
import { accepts, storable } from "../../core/tasks/accepts.ts";

export const textUpTo = (limit: number) => {
  const message = accepts(`a string of 1 to ${limit} characters`);
  return v.pipe(v.string(message), v.minLength(1, message), v.maxLength(limit, message), storable);
};

const namedIn = (kinds: readonly string[], given: object) =>
  kinds.filter((kind) => (given as Record<string, unknown>)[kind] !== undefined);

/** Whether it names one of these kinds, not none of them and not several; and what is said if it does not. */
export const namesOne = (kinds: readonly string[]) => (given: object) => namedIn(kinds, given).length === 1;
export const mustNameOne =
  (kinds: readonly string[]) =>
  ({ input }: { input: object }) =>
    `the request must name one of ${kinds.join(", ")}, got ${namedIn(kinds, input).join(" and ") || "none"}`;

/** The same, as JSON Schema. */
export const oneOfThese = (kinds: readonly string[]) => kinds.map((kind) => ({ required: [kind] }));
