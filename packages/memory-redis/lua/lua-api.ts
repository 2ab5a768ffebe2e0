import type { LuaSlot } from "./fengari-internals.ts";

/** A Lua thread. The fields are what `bytesAt` needs; everything else goes through the C API. */
export interface LuaState {
  readonly stack: readonly (LuaSlot | undefined)[];
  readonly top: number;
  readonly ci: { readonly funcOff: number };
}

/** A function Lua can call: arguments on its stack, results pushed, their number returned. */
export type LuaFunction = (L: LuaState) => number;

/** A string for the C API. */
export type Bytes = Uint8Array;

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
  lua_checkstack(L: LuaState, slots: number): boolean;
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
