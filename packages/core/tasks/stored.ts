/**
 * A value after its way through JSON, as it comes out of the table: a Date is a string, `undefined` is `null`, and a
 * property that JSON has no value for is not there. JSON refuses a bigint, so it becomes `never`.
 *
 * @example const stored: Stored<{ at: Date; note?: string }> = { at: "2026-11-24T09:00:00.000Z" };
 */
export type Stored<T> =
  IsAny<T> extends true ? T : T extends { toJSON(key: string): infer Json } ? Plain<Json> : Plain<T>;

/** What JSON has no value for: `null` in a list and by itself, and left out of an object. */
type Unsaid = undefined | symbol | ((...args: never[]) => unknown);

/** The same of what `toJSON` returned: it is asked once. */
type Plain<T> =
  IsAny<T> extends true
    ? T
    : T extends string | number | boolean | null
      ? T
      : T extends bigint
        ? never
        : // biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing returns void
          T extends Unsaid | void
          ? null
          : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
            ? Record<string, never>
            : T extends readonly unknown[]
              ? { [Index in keyof T]: Stored<T[Index]> }
              : T extends object
                ? Flat<
                    { [Key in keyof T as KeyIf<"always", Key, T[Key]>]: Stored<T[Key]> } & {
                      [Key in keyof T as KeyIf<"sometimes", Key, T[Key]>]?: Stored<Exclude<T[Key], Unsaid>>;
                    }
                  >
                : unknown;

/** The key if JSON has it so often. */
type KeyIf<Often extends "always" | "sometimes", Key, Value> = Key extends symbol
  ? never
  : Often extends HowOften<Value>
    ? Key
    : never;

type HowOften<Value> =
  IsAny<Value> extends true
    ? "always"
    : [Value] extends [Unsaid]
      ? "never"
      : [Extract<Value, Unsaid>] extends [never]
        ? "always"
        : "sometimes";

/** An intersection as one type, for those who read it. */
type Flat<T> = { [Key in keyof T]: T[Key] };

type IsAny<T> = 0 extends 1 & T ? true : false;
