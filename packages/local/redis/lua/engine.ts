import { type LuaSlot, type LuaString, type LuaTable, loadRetunedFengari } from "./retune.ts";

/** A Lua thread. The fields are what `bytesAt` needs; everything else goes through the C API. */
export interface LuaState {
  readonly stack: readonly (LuaSlot | undefined)[];
  readonly top: number;
  readonly ci: { readonly funcOff: number };
}

/** A function Lua can call: arguments on its stack, results pushed, their number returned. */
export type LuaFunction = (L: LuaState) => number;

type Bytes = Uint8Array;

/** The part of Lua's C API this room uses, under the names of the Lua manual. Its own types are none. */
export interface LuaApi {
  readonly LUA_MULTRET: number;
  readonly LUA_OK: number;
  readonly LUA_REGISTRYINDEX: number;
  readonly LUA_TBOOLEAN: number;
  readonly LUA_TLIGHTUSERDATA: number;
  readonly LUA_TNIL: number;
  readonly LUA_TNUMBER: number;
  readonly LUA_TSTRING: number;
  readonly LUA_TTABLE: number;
  readonly lua_Debug: new () => { currentline: number; source: Bytes };
  lua_atnativeerror(L: LuaState, handler: LuaFunction): void;
  lua_concat(L: LuaState, count: number): void;
  lua_createtable(L: LuaState, items: number, fields: number): void;
  lua_error(L: LuaState): never;
  lua_getinfo(L: LuaState, what: Bytes, info: object): number;
  lua_getmetatable(L: LuaState, index: number): boolean;
  lua_getstack(L: LuaState, level: number, info: object): number;
  lua_gettop(L: LuaState): number;
  lua_insert(L: LuaState, index: number): void;
  lua_next(L: LuaState, index: number): number;
  lua_pcall(L: LuaState, args: number, results: number, handler: number): number;
  lua_pop(L: LuaState, count: number): void;
  lua_pushboolean(L: LuaState, value: boolean): void;
  lua_pushcfunction(L: LuaState, run: LuaFunction): void;
  lua_pushglobaltable(L: LuaState): void;
  lua_pushlightuserdata(L: LuaState, value: unknown): void;
  lua_pushnil(L: LuaState): void;
  lua_pushnumber(L: LuaState, value: number): void;
  lua_pushvalue(L: LuaState, index: number): void;
  lua_rawget(L: LuaState, index: number): number;
  lua_rawgeti(L: LuaState, index: number, position: number): number;
  lua_rawset(L: LuaState, index: number): void;
  lua_rawseti(L: LuaState, index: number, position: number): void;
  lua_remove(L: LuaState, index: number): void;
  lua_setmetatable(L: LuaState, index: number): void;
  lua_settop(L: LuaState, index: number): void;
  lua_toboolean(L: LuaState, index: number): boolean;
  lua_tocfunction(L: LuaState, index: number): LuaFunction | null;
  lua_tonumber(L: LuaState, index: number): number;
  lua_topointer(L: LuaState, index: number): unknown;
  lua_touserdata(L: LuaState, index: number): unknown;
  lua_type(L: LuaState, index: number): number;
}

/** The part of Lua's auxiliary library this room uses. */
export interface LuaAuxiliary {
  luaL_argerror(L: LuaState, arg: number, message: Bytes): never;
  luaL_checkany(L: LuaState, arg: number): void;
  luaL_checklstring(L: LuaState, arg: number): Bytes;
  luaL_checknumber(L: LuaState, arg: number): number;
  luaL_checkstack(L: LuaState, slots: number, message: Bytes): void;
  luaL_loadbuffer(L: LuaState, source: Bytes, size: number, name: Bytes): number;
  luaL_newstate(): LuaState;
  luaL_ref(L: LuaState, table: number): number;
  luaL_requiref(L: LuaState, name: Bytes, open: LuaFunction, isGlobal: boolean): void;
  luaL_tolstring(L: LuaState, index: number): Bytes;
  luaL_typename(L: LuaState, index: number): Bytes;
  luaL_where(L: LuaState, level: number): void;
}

/** fengari as Lua 5.1, with the shortcuts the rest of this folder is written in. */
export interface Engine {
  readonly lua: LuaApi;
  readonly aux: LuaAuxiliary;
  readonly open: Readonly<Record<"base" | "coroutine" | "math" | "string" | "table", LuaFunction>>;
  /** Pushes a byte string. */
  pushBytes(L: LuaState, bytes: string): void;
  /** The byte string at an index; undefined when there is something else. */
  bytesAt(L: LuaState, index: number): string | undefined;
  /** `table[name] = value`, the value at the top, without metamethods. Pops the value. */
  setField(L: LuaState, index: number, name: string): void;
  /** Pushes `table[name]`, without metamethods, and answers its type. */
  getField(L: LuaState, index: number, name: string): number;
  setReadOnly(L: LuaState, index: number, isReadOnly: boolean): void;
  isReadOnly(L: LuaState, index: number): boolean;
  /** Raises an error with the place in the script before the message, as `error` does. */
  raise(L: LuaState, message: string): never;
}

/** The bytes of a byte string, for the C API. */
export const asBytes = (text: string): Bytes => Buffer.from(text, "latin1");

let engine: Engine | undefined;

/** Loading takes some 50 ms, so it waits for the first script. There is one engine; Lua states are many. */
export function loadEngine(): Engine {
  engine ??= createEngine();
  return engine;
}

function createEngine(): Engine {
  const { fengari, strings, objects } = loadRetunedFengari();
  const {
    lua,
    lauxlib: aux,
    lualib,
  } = fengari as {
    readonly lua: LuaApi;
    readonly lauxlib: LuaAuxiliary;
    readonly lualib: Readonly<Record<`luaopen_${keyof Engine["open"]}`, LuaFunction>>;
  };
  const tableAt = (L: LuaState, index: number) => lua.lua_topointer(L, index) as LuaTable;

  function pushBytes(L: LuaState, bytes: string): void {
    const string = new strings.TString(L, asBytes(bytes));
    string.hash = bytes;
    objects.pushsvalue2s(L, string);
  }

  /** An index as it was before something was pushed on top. */
  const below = (index: number) => (index < 0 && index > lua.LUA_REGISTRYINDEX ? index - 1 : index);

  return {
    lua,
    aux,
    open: {
      base: lualib.luaopen_base,
      coroutine: lualib.luaopen_coroutine,
      math: lualib.luaopen_math,
      string: lualib.luaopen_string,
      table: lualib.luaopen_table,
    },
    pushBytes,
    bytesAt(L, index) {
      const slot = L.stack[index > 0 ? L.ci.funcOff + index : L.top + index];
      return slot?.ttisstring() ? strings.luaS_hashlongstr(slot.value as LuaString) : undefined;
    },
    setField(L, index, name) {
      pushBytes(L, name);
      lua.lua_insert(L, -2);
      lua.lua_rawset(L, below(index));
    },
    getField(L, index, name) {
      pushBytes(L, name);
      return lua.lua_rawget(L, below(index));
    },
    setReadOnly(L, index, isReadOnly) {
      tableAt(L, index).isReadOnly = isReadOnly;
    },
    isReadOnly: (L, index) => tableAt(L, index).isReadOnly === true,
    raise(L, message) {
      aux.luaL_where(L, 1);
      pushBytes(L, message);
      lua.lua_concat(L, 2);
      return lua.lua_error(L);
    },
  };
}
