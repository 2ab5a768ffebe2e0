/** What the compiler says of a stored value is what JSON makes of it. */
import { describe, expect, expectTypeOf, test } from "vitest";
import type { Stored } from "#core";

/** The way of a value into the table and back. */
const stored = <T>(value: T): Stored<T> => JSON.parse(JSON.stringify(value) ?? "null");

interface Address {
  city: string;
  since: Date;
}

class Money {
  readonly #cents: number;
  readonly currency = "EUR";
  constructor(cents: number) {
    this.#cents = cents;
  }
  get euros() {
    return this.#cents / 100;
  }
  toJSON() {
    return { cents: this.#cents, at: new Date(0) };
  }
}

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
  length() {
    return Math.hypot(this.x, this.y);
  }
}

class Itself {
  readonly name = "one";
  readonly at = new Date(0);
  toJSON(): this {
    return this;
  }
}

describe("a stored value", () => {
  test("that JSON has is the same", () => {
    type Colour = "red" | "green";
    const value: { text: "a"; n: 1; yes: true; none: null; colour: Colour; list: readonly number[] } = {
      text: "a",
      n: 1,
      yes: true,
      none: null,
      colour: "red",
      list: [1],
    };
    expect(stored(value)).toEqual(value);
    expectTypeOf(stored(value)).toEqualTypeOf<typeof value>();
    expectTypeOf<Stored<string & { __brand: "id" }>>().toEqualTypeOf<string & { __brand: "id" }>();
  });

  test("that was a date is a string, at any depth", () => {
    const value: { addresses: Record<string, Address>; at: Date | null } = {
      addresses: { home: { city: "Turin", since: new Date(0) } },
      at: null,
    };
    expect(stored(value)).toEqual({
      addresses: { home: { city: "Turin", since: "1970-01-01T00:00:00.000Z" } },
      at: null,
    });
    expectTypeOf(stored(value)).toEqualTypeOf<{
      addresses: Record<string, { city: string; since: string }>;
      at: string | null;
    }>();
  });

  test("lacks the properties that are undefined, methods and symbols", () => {
    const sign = Symbol("sign");
    const value: {
      a?: string;
      b: Date | undefined;
      c?: Date | undefined;
      gone: undefined;
      method(): void;
      later?: () => void;
      sign: symbol;
      [sign]: number;
    } = { b: undefined, gone: undefined, method() {}, sign, [sign]: 1 };
    expect(stored(value)).toEqual({});
    expectTypeOf(stored(value)).toEqualTypeOf<{ a?: string; b?: string; c?: string }>();
    const index: Record<string, Date | undefined> = { at: new Date(0), not: undefined };
    expect(stored(index)).toEqual({ at: "1970-01-01T00:00:00.000Z" });
    expectTypeOf(stored(index)).toEqualTypeOf<{ [key: string]: string | undefined }>();
  });

  test("has null in a list for what JSON has no value for, and a tuple keeps its shape", () => {
    const list = [new Date(0), undefined, () => {}];
    expect(stored(list)).toEqual(["1970-01-01T00:00:00.000Z", null, null]);
    expectTypeOf(stored(list)).toEqualTypeOf<(string | null)[]>();
    const tuple: readonly [Date, n: number, more?: Date, ...rest: Address[]] = [new Date(0), 1];
    expect(stored(tuple)).toEqual(["1970-01-01T00:00:00.000Z", 1]);
    expectTypeOf(stored(tuple)).toEqualTypeOf<
      readonly [string, n: number, more?: string | null, ...rest: { city: string; since: string }[]]
    >();
  });

  test("is null when there was none, and a union is taken apart", () => {
    expect([stored(undefined), stored(() => {})]).toEqual([null, null]);
    expectTypeOf<Stored<undefined>>().toEqualTypeOf<null>();
    expectTypeOf<Stored<void>>().toEqualTypeOf<null>();
    expectTypeOf<Stored<Date | undefined>>().toEqualTypeOf<string | null>();
    type Answer = { ok: true; at: Date } | { ok: false; why?: string };
    expectTypeOf<Stored<Answer>>().toEqualTypeOf<{ ok: true; at: string } | { ok: false; why?: string }>();
  });

  test("of a class is what its toJSON says, which is asked once, or else its own properties", () => {
    expect(stored(new Money(150))).toEqual({ cents: 150, at: "1970-01-01T00:00:00.000Z" });
    expectTypeOf(stored(new Money(150))).toEqualTypeOf<{ cents: number; at: string }>();
    expect(stored(new Point(3, 4))).toEqual({ x: 3, y: 4 });
    expectTypeOf(stored(new Point(3, 4))).toEqualTypeOf<{ readonly x: number; readonly y: number }>();
    expect(stored(new Itself())).toEqual({ name: "one", at: "1970-01-01T00:00:00.000Z" });
    expectTypeOf(stored(new Itself())).toEqualTypeOf<{ readonly name: "one"; readonly at: string }>();
    expect(stored({ key: { toJSON: (key: string) => key.length } })).toEqual({ key: 3 });
    expectTypeOf<Stored<{ key: { toJSON(key: string): number } }>>().toEqualTypeOf<{ key: number }>();
  });

  test("of a map or a set is empty", () => {
    const value = { map: new Map([[1, new Date(0)]]), set: new Set([1]) };
    expect(stored(value)).toEqual({ map: {}, set: {} });
    expectTypeOf(stored(value)).toEqualTypeOf<{ map: Record<string, never>; set: Record<string, never> }>();
  });

  test("cannot be a bigint", () => {
    expect(() => stored({ n: 7n })).toThrow(TypeError);
    expectTypeOf<Stored<bigint>>().toEqualTypeOf<never>();
    expectTypeOf<Stored<{ n: bigint }>>().toEqualTypeOf<{ n: never }>();
  });

  test("stays unknown or any where nothing is known", () => {
    expectTypeOf<Stored<unknown>>().toEqualTypeOf<unknown>();
    expectTypeOf<Stored<{ u: unknown; list: unknown[] }>>().toEqualTypeOf<{ u: unknown; list: unknown[] }>();
    // biome-ignore lint/suspicious/noExplicitAny: what is asked
    expectTypeOf<Stored<any>>().toBeAny();
    // biome-ignore lint/suspicious/noExplicitAny: what is asked
    expectTypeOf<Stored<{ a: any }>>().toEqualTypeOf<{ a: any }>();
    expectTypeOf<Stored<never>>().toEqualTypeOf<never>();
  });

  test("may contain itself", () => {
    interface Tree {
      at: Date;
      children: Tree[];
    }
    const tree: Tree = { at: new Date(0), children: [{ at: new Date(1), children: [] }] };
    const at: string | undefined = stored(tree).children[0]?.children[0]?.at;
    expect(at).toBeUndefined();
    expectTypeOf(stored(tree).children[0]?.at).toEqualTypeOf<string | undefined>();
  });
});
