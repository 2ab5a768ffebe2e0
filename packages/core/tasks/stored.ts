/** A value after its way through JSON: dates are strings, and what JSON has not is left out. */
export type Stored<T> = T extends { toJSON(): infer Json }
  ? Json
  : T extends string | number | boolean | null
    ? T
    : T extends undefined
      ? null
      : T extends readonly unknown[]
        ? { [Index in keyof T]: Stored<T[Index]> }
        : T extends (...args: never[]) => unknown
          ? never
          : T extends object
            ? {
                [Key in keyof T as T[Key] extends (...args: never[]) => unknown ? never : Key]: Stored<
                  T[Key]
                >;
              }
            : unknown;
