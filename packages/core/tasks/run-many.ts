/** Handlers that do the work of many tasks in one call. */
import { jsonOf } from "../errors.ts";

/** What became of one item: its result, which becomes `result_data`, or the error as its handler would have thrown it. */
export type ItemOutcome<Result> = { result: Result; error?: never } | { error: unknown; result?: never };

/** Handlers that were made of a `runMany`. */
const made = new WeakSet<object>();

/** Whether a handler was made of a `runMany`, and is not the user's own. */
export const isOneOfMany = (run: object): boolean => made.has(run);

/** Remembers that a handler was made of a `runMany`. */
export function madeOfMany<Run extends object>(run: Run): Run {
  made.add(run);
  return run;
}

/**
 * What `runMany` answered, one outcome for each of its items.
 *
 * @throws TypeError which names what is missing, surplus or no outcome
 */
export function outcomesOf<Result>(
  type: string,
  answered: unknown,
  count: number,
): readonly ItemOutcome<Result>[] {
  const must = `runMany of "${type}" must answer an outcome for each of its ${count} items, in their order`;
  if (!Array.isArray(answered)) throw new TypeError(`${must}; got ${shortened(answered)}`);
  if (answered.length < count)
    throw new TypeError(`${must}; got ${answered.length}, so items[${answered.length}] has none`);
  if (answered.length > count)
    throw new TypeError(`${must}; got ${answered.length}, of which [${count}] belongs to no item`);
  const wrong = answered.findIndex((one) => !isOutcome(one));
  if (wrong >= 0)
    throw new TypeError(
      `${must}; [${wrong}] must be { result } or { error }, got ${shortened(answered[wrong])}`,
    );
  return answered as ItemOutcome<Result>[];
}

const isOutcome = (one: unknown) =>
  typeof one === "object" && one !== null && "result" in one !== "error" in one;

const shortened = (value: unknown) => jsonOf(value).slice(0, 100);
