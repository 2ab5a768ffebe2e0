import { formatGeneral } from "../format-number.ts";
import { type Lexer, refuseNewerSyntax, wordTypeErrors } from "./dialect.ts";
import type {
  Api,
  CheckStack,
  Debugging,
  Defs,
  LuaSlot,
  LuaString,
  Objects,
  Strings,
  Tables,
  ToInteger,
} from "./fengari-internals.ts";
import { readNumeral } from "./numerals.ts";
import { withPrivateCopy } from "./private-copy.ts";

/**
 * Redis runs Lua 5.1. fengari is Lua 5.3, and the difference that shows is numbers.
 *
 * Lua 5.1 has one kind of number, a double that prints with 14 digits. fengari has doubles and integers of
 * 32 bits: `2147483647 + 1` is negative, `10 / 2` prints as `5.0`, `string.sub(s, 1.5)` is an error. A
 * script that computes with milliseconds would go wrong here and nowhere else. No setting changes that, so
 * this file loads a copy of fengari of its own (see `private-copy.ts`) and retunes it while it loads:
 *
 * - there is no integer: the tag for integers is the tag for doubles, and nothing says it is an integer;
 * - numbers print with `%.14g`, numerals are read as C's `strtod` does, `%` is `a - floor(a / b) * b`;
 * - where a function wants an integer, a fraction is cut off;
 * - a function holds 8,000 values at a time, and recursion ends sooner;
 * - a table can be made read-only, which Redis added to its Lua to protect the globals;
 * - a string is hashed to the very string of its bytes. fengari's own hash takes some strings with control
 *   characters for equal and puts them in the wrong order, and ours is what the bridge to Redis needs;
 * - syntax and messages are those of 5.1 (see `dialect.ts`).
 *
 * It was written for fengari 0.1.5; where another version has other insides, `test/memory-redis/lua.test.ts` fails.
 */
export function loadRetunedFengari(): RetunedFengari {
  return withPrivateCopy("fengari", (require) => {
    const file = <T>(name: string) => require(`${name}.js`) as T;
    // Modules copy each other's functions when they load, so what they copy must be changed before.
    const defs = file<Defs>("defs");
    defs.constant_types.LUA_TNUMINT = defs.constant_types.LUA_TNUMFLT;
    Object.assign(file<object>("luaconf"), SETTINGS);
    Object.assign(file<object>("llimits"), { luai_nummod: modulo });
    const strings = file<Strings>("lstring");
    Object.assign(strings, HASHING);

    const api = file<Api>("lapi");
    const objects = file<Objects>("lobject");
    objects.TValue.prototype.ttisinteger = () => false;
    objects.luaO_str2num = stringToNumber;
    const toInteger = truncating(api.lua_tonumberx);
    api.lua_tointegerx = toInteger;
    api.lua_tointeger = (L, index) => toInteger(L, index) || 0;
    api.lua_checkstack = limitingFrame(api.lua_checkstack);
    protectTables(file<Tables>("ltable"), file<Debugging>("ldebug").luaG_runerror);
    refuseNewerSyntax(file<Lexer>("llex"));
    wordTypeErrors(objects, defs.to_luastring("attempt to %s a %s value%s", true));

    return { fengari: file("fengari"), strings, objects };
  });
}

/** The public face of the copy, unknown to TypeScript (see `engine.ts`), and two of its inner modules. */
export interface RetunedFengari {
  readonly fengari: unknown;
  readonly strings: Strings;
  readonly objects: Objects;
}

const SETTINGS = {
  LUA_COMPAT_FLOATSTRING: true,
  /** A script that recurses for ever fails after this many slots: enough for the depth Lua 5.1 allows. */
  LUAI_MAXSTACK: 100_000,
  lua_number2str: (value: number) => formatGeneral(value, 14),
};

const modulo = (_L: object, a: number, b: number): number => a - Math.floor(a / b) * b;

const hash = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

const HASHING = {
  luaS_hash: hash,
  luaS_hashlongstr(string: LuaString): string {
    string.hash ??= hash(string.realstring);
    return string.hash;
  },
};

/** Answers, as fengari's does, how many bytes were read and one more; 0 when they are not a number. */
function stringToNumber(bytes: Uint8Array, result: LuaSlot): number {
  const value = readNumeral(bytes);
  if (value === undefined) return 0;
  result.setfltvalue(value);
  return bytes.length + 1;
}

const INT32_MAX = 2 ** 31 - 1;

const truncating =
  (toNumber: ToInteger): ToInteger =>
  (L, index) => {
    const value = toNumber(L, index);
    if (value === false) return false;
    return Math.max(-INT32_MAX, Math.min(INT32_MAX, Math.trunc(value))) || 0;
  };

/** `unpack` fails beyond this in Redis, and the script that does it should fail here. */
const MAX_SLOTS_PER_FRAME = 8000;

const limitingFrame =
  (check: CheckStack): CheckStack =>
  (L, slots) =>
    L.top - L.ci.funcOff - 1 + slots <= MAX_SLOTS_PER_FRAME && check(L, slots);

function protectTables(tables: Tables, raise: Debugging["luaG_runerror"]): void {
  const { luaH_setfrom } = tables;
  const message = Buffer.from("Attempt to modify a readonly table");
  tables.luaH_setfrom = (L, table, key, value) => {
    if (table.isReadOnly === true) raise(L, message);
    luaH_setfrom(L, table, key, value);
  };
}
