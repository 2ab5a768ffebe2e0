import { messageOf, notDefined, quote, TickworkError } from "../errors.ts";
import { checkLimit, type LimitTarget, type LimitTerms } from "./limit.ts";

/** How many tasks of a type may run and start, in code: `limit` of a definition. At least one of them. */
export interface TypeLimit {
  /** How many run at once, 1 to 100,000. `TASK_CONCURRENCY` stays the roof. */
  concurrency?: number | undefined;
  /**
   * How many start in how much time: 1 to 1,000,000 in 0.001 to 2,678,400 seconds, evenly; with `burst`, up to 1,000 of
   * them at once, and the next when the first is a period ago.
   */
  rate?: { starts: number; periodSeconds: number; burst?: boolean | undefined } | undefined;
}

/** What `defineLimit` takes: one of `type`, `queue` and `concurrencyKey`, and at least one of the others. */
export interface LimitDefinition extends TypeLimit {
  /** A type whose definition says no `limit`. */
  type?: string | undefined;
  queue?: string | undefined;
  /** A key; `*` means each key, as far as it has no limit of its own. */
  concurrencyKey?: string | undefined;
  /** How many turns a group of keys gets where others get one, 0.001 to 1,000. Only of a key without `/`. */
  weight?: number | undefined;
}

/** A limit that is declared in code, in the words of the API. */
export interface DeclaredLimit {
  readonly tickworkLimit: true;
  readonly target: LimitTarget;
  readonly terms: LimitTerms;
}

/**
 * Declares a limit. Export it beside the definitions of your tasks, or list it among `definitions`. The first refresh
 * of a process that starts makes it. What is changed over HTTP after that stays, until the code declares something
 * else.
 *
 * @throws TickworkError `bad_definition`
 * @example
 * const mail = defineLimit({ queue: "mail", concurrency: 2, rate: { starts: 100, periodSeconds: 60 } });
 * const eachKey = defineLimit({ concurrencyKey: "*", concurrency: 1 });
 */
export function defineLimit(definition: LimitDefinition): DeclaredLimit {
  return declare(definition, quote(definition));
}

/** @param which what is said of it where it is refused */
function declare(
  { type, queue, concurrencyKey, concurrency, rate, weight }: LimitDefinition,
  which: string,
): DeclaredLimit {
  const target = Object.fromEntries(
    Object.entries({ type, queue, concurrency_key: concurrencyKey }).filter(([, name]) => name !== undefined),
  ) as LimitTarget;
  const terms: LimitTerms = {
    concurrency: concurrency ?? null,
    rate: rate
      ? { starts: rate.starts, period_seconds: rate.periodSeconds, burst: rate.burst ?? false }
      : null,
    weight: weight ?? null,
  };
  try {
    checkLimit(target, terms);
  } catch (error) {
    throw new TickworkError("bad_definition", `Limit ${which}: ${inCode(messageOf(error))}.`);
  }
  return { tickworkLimit: true, target, terms };
}

/** What the API calls a field, as its option is called in code. */
const inCode = (text: string) =>
  text.replaceAll("period_seconds", "periodSeconds").replaceAll("concurrency_key", "concurrencyKey");

/** Whether a value is what `defineLimit` returns. */
export function isDeclaredLimit(value: unknown): value is DeclaredLimit {
  return (value as Partial<DeclaredLimit> | null | undefined)?.tickworkLimit === true;
}

/** What a definition has to do with limits. */
interface Limitable {
  type: string;
  foreign?: boolean;
  limit?: TypeLimit;
}

/**
 * The limits that definitions say, and those that are declared beside them.
 *
 * @throws TickworkError `bad_definition` when one is not usable, is declared twice, or is of a type that is not defined
 */
export function checkLimits(
  definitions: readonly Limitable[],
  beside: readonly DeclaredLimit[],
): DeclaredLimit[] {
  const all = [
    ...definitions.flatMap(({ type, limit }) =>
      limit === undefined ? [] : [declare({ ...limit, type }, `of type ${quote(type)}`)],
    ),
    ...beside,
  ];
  const names = new Set<string>();
  for (const { target } of all) {
    const name = JSON.stringify(target);
    const refuse = (message: string) =>
      new TickworkError("bad_definition", `Limit ${inCode(name)}: ${message}.`);
    if (names.has(name)) throw refuse("it is declared twice");
    names.add(name);
    if (!("type" in target)) continue;
    const definition = definitions.find(({ type }) => type === target.type);
    if (!definition)
      throw refuse(
        notDefined(
          definitions.map(({ type }) => type),
          target.type,
        ),
      );
    if (definition.foreign) throw refuse("another program runs tasks of this type, and knows no limits");
  }
  return all;
}
