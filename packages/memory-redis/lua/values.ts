import { formatGeneral, readNumber } from "../numbers.ts";

/** `nil` is undefined. Strings are bytes (see `bytes.ts`); numbers are doubles, in Lua 5.1 as in JavaScript. */
export type LuaValue = undefined | boolean | number | string | LuaTable | LuaFunction;

/** Takes its arguments and answers its results. `line` is that of the call, for its errors. */
export type LuaFunction = (args: LuaValue[], line: number) => LuaValue[];

/** What a script raises: the text of an error reply, and the line that it comes from. */
export class LuaError extends Error {
  readonly line: number;
  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

/** Raises an error of Lua itself. */
export function fail(message: string, line: number): never {
  throw new LuaError(`ERR user_script:${line}: ${message}`, line);
}

/** Lua's only data structure. */
export class LuaTable {
  readonly entries = new Map<LuaValue, LuaValue>();
  /** Lua's `#`: there is something at this position, or it is 0, and nothing at the next one. */
  length = 0;

  constructor(list: readonly LuaValue[] = [], fields: readonly [key: LuaValue, value: LuaValue][] = []) {
    for (const [key, value] of fields) this.set(key, value);
    for (const [at, value] of list.entries()) this.set(at + 1, value);
  }

  set(key: LuaValue, value: LuaValue): void {
    if (value === undefined) this.entries.delete(key);
    else this.entries.set(key, value);
    while (this.entries.has(this.length + 1)) this.length++;
    while (this.length > 0 && !this.entries.has(this.length)) this.length--;
  }

  /** The entries from 1 to the first gap. */
  *list(): Generator<[position: number, value: LuaValue], undefined> {
    for (let at = 1; this.entries.has(at); at++) yield [at, this.entries.get(at)];
  }
}

export const typeName = (value: LuaValue): string =>
  value instanceof LuaTable ? "table" : value === undefined ? "nil" : typeof value;

/** The number that a value is or, if it is a string, stands for. */
export function toNumber(value: LuaValue): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" ? readNumber(value) : undefined;
}

/** The string that a value is or, if it is a number, prints as. */
export function toText(value: LuaValue): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" ? formatGeneral(value, 14) : undefined;
}
