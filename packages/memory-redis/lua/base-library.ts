import { asBytes, type Engine } from "./engine.ts";
import type { LuaFunction } from "./lua-api.ts";
import { readInBase } from "./numerals.ts";

/**
 * The base functions that differ between Lua 5.3 and Redis's Lua 5.1. `original` finds the ones of Lua 5.3.
 */
export function baseFunctions(
  engine: Engine,
  original: (name: string) => LuaFunction,
): Readonly<Record<string, LuaFunction>> {
  const { lua, aux } = engine;
  const error = original("error");
  const setmetatable = original("setmetatable");
  const tonumber = original("tonumber");
  return {
    /** A number is a message too, and gets the place it was raised at. */
    error(L) {
      if (lua.lua_type(L, 1) === lua.LUA_TNUMBER) aux.luaL_checklstring(L, 1);
      return error(L);
    },

    /** Of an error table, the script gets the text only: so Redis keeps older scripts working. */
    pcall(L) {
      aux.luaL_checkany(L, 1);
      lua.lua_pushboolean(L, true);
      lua.lua_insert(L, 1);
      if (lua.lua_pcall(L, lua.lua_gettop(L) - 2, lua.LUA_MULTRET, 0) === lua.LUA_OK) {
        return lua.lua_gettop(L);
      }
      if (lua.lua_type(L, -1) === lua.LUA_TTABLE && engine.getField(L, -1, "err") !== lua.LUA_TSTRING) {
        lua.lua_pop(L, 1);
      }
      lua.lua_pushboolean(L, false);
      lua.lua_insert(L, -2);
      return 2;
    },

    setmetatable(L) {
      if (lua.lua_type(L, 1) === lua.LUA_TTABLE && engine.isReadOnly(L, 1)) {
        engine.pushBytes(L, "Attempt to modify a readonly table");
        lua.lua_error(L);
      }
      return setmetatable(L);
    },

    /** In a base other than ten, numbers have 64 bits. */
    tonumber(L) {
      const base = lua.lua_type(L, 2) <= lua.LUA_TNIL ? 10 : aux.luaL_checknumber(L, 2);
      if (base === 10) {
        lua.lua_settop(L, Math.min(1, lua.lua_gettop(L)));
        return tonumber(L);
      }
      aux.luaL_checklstring(L, 1);
      if (base < 2 || base > 36) aux.luaL_argerror(L, 2, asBytes("base out of range"));
      const value = readInBase(engine.bytesAt(L, 1) ?? "", Math.trunc(base));
      if (value === undefined) lua.lua_pushnil(L);
      else lua.lua_pushnumber(L, value);
      return 1;
    },
  };
}
