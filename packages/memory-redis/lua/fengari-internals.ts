import type { Messages } from "./dialect.ts";

/** What `retune.ts` touches inside fengari, which comes without types. A module each, under its file's name. */

/** A Lua string: its bytes, and its hash once somebody asked for it. */
export interface LuaString {
  readonly realstring: Uint8Array;
  hash: string | null;
}

/** A stack slot, or a variable. */
export interface LuaSlot {
  readonly value: unknown;
  setfltvalue(value: number): void;
  ttisinteger(): boolean;
  ttisstring(): boolean;
}

/** A Lua table as far as we know it. */
export interface LuaTable {
  isReadOnly?: boolean;
}

export interface Defs {
  readonly constant_types: { LUA_TNUMINT: number; readonly LUA_TNUMFLT: number };
  /** Cached, it answers the same object for the same text. */
  to_luastring(text: string, isCached: boolean): Uint8Array;
}

export interface Strings {
  readonly TString: new (L: object, bytes: Uint8Array) => LuaString;
  luaS_hashlongstr(string: LuaString): string;
}

export interface Objects extends Messages {
  readonly TValue: { readonly prototype: LuaSlot };
  luaO_str2num(bytes: Uint8Array, result: LuaSlot): number;
  pushsvalue2s(L: object, string: LuaString): void;
}

export interface Frame {
  readonly top: number;
  readonly ci: { readonly funcOff: number };
}

export type CheckStack = (L: Frame, slots: number) => boolean;
export type ToInteger = (L: object, index: number) => number | false;

export interface Api {
  readonly lua_tonumberx: ToInteger;
  lua_tointegerx: ToInteger;
  lua_tointeger(L: object, index: number): number;
  lua_checkstack: CheckStack;
}

export interface Tables {
  luaH_setfrom(L: object, table: LuaTable, key: LuaSlot, value: LuaSlot): void;
}

export interface Debugging {
  luaG_runerror(L: object, format: Uint8Array): never;
}
