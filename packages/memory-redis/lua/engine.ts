import type { LuaString, LuaTable } from "./fengari-internals.ts";
import type { Bytes, LuaApi, LuaAuxiliary, LuaFunction, LuaState } from "./lua-api.ts";
import { loadRetunedFengari } from "./retune.ts";

/** fengari as Lua 5.1, with the shortcuts the rest of this folder is written in. */
export interface Engine {
  readonly lua: LuaApi;
  readonly aux: LuaAuxiliary;
  /** The functions that open Lua's libraries, by the name of the global they set. */
  readonly open: Readonly<Record<"_G" | "coroutine" | "math" | "string" | "table", LuaFunction>>;
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
    readonly lualib: Readonly<Record<`luaopen_${"base" | Exclude<keyof Engine["open"], "_G">}`, LuaFunction>>;
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
      _G: lualib.luaopen_base,
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
