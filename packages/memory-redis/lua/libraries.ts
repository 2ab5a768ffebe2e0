import { baseFunctions } from "./base-library.ts";
import { asBytes, type Engine } from "./engine.ts";
import { cjsonDecode } from "./json-decode.ts";
import { cjsonEncode } from "./json-encode.ts";
import type { LuaFunction, LuaState } from "./lua-api.ts";
import { mathRandom } from "./math-random.ts";
import { PRELUDE } from "./prelude.ts";
import { redisLibrary, type ScriptCall } from "./redis-library.ts";
import { stringFormat } from "./string-format.ts";
import { pushArray } from "./values.ts";

/** Fills a fresh Lua state with the globals Redis has, and closes them against scripts. */
export function openLibraries(engine: Engine, L: LuaState, execute: ScriptCall): void {
  const { lua, aux, open } = engine;
  for (const [name, library] of Object.entries(open)) {
    aux.luaL_requiref(L, asBytes(name), library, true);
    lua.lua_pop(L, 1);
  }
  runPrelude(engine, L);

  lua.lua_pushglobaltable(L);
  const original = (name: string) => functionField(engine, L, name);
  setMembers(engine, L, baseFunctions(engine, original));
  extend(engine, L, "string", { format: stringFormat(engine) });
  extend(engine, L, "math", mathRandom(engine));
  define(engine, L, "redis", redisLibrary(engine, execute));
  define(engine, L, "cjson", { encode: cjsonEncode(engine), decode: cjsonDecode(engine), null: null });
  protect(engine, L);
  lua.lua_settop(L, 0);
}

/** Sets KEYS and ARGV, which no script may do itself. */
export function setArguments(
  engine: Engine,
  L: LuaState,
  keys: readonly string[],
  args: readonly string[],
): void {
  engine.lua.lua_pushglobaltable(L);
  engine.setReadOnly(L, -1, false);
  pushArray(engine, L, keys);
  engine.setField(L, -2, "KEYS");
  pushArray(engine, L, args);
  engine.setField(L, -2, "ARGV");
  engine.setReadOnly(L, -1, true);
  engine.lua.lua_pop(L, 1);
}

function runPrelude({ lua, aux }: Engine, L: LuaState): void {
  const source = asBytes(PRELUDE);
  aux.luaL_loadbuffer(L, source, source.length, asBytes("@prelude"));
  if (lua.lua_pcall(L, 0, 0, 0) !== lua.LUA_OK) throw new Error("the Lua prelude does not run");
}

/** The function of this name in the table at the top. */
function functionField(engine: Engine, L: LuaState, name: string): LuaFunction {
  engine.getField(L, -1, name);
  const found = engine.lua.lua_tocfunction(L, -1);
  engine.lua.lua_pop(L, 1);
  if (found === null) throw new Error(`Lua has no function '${name}'`);
  return found;
}

/** Null stands for `cjson.null`. */
type Members = Readonly<Record<string, LuaFunction | number | null>>;

/** Sets these in the table at the top. */
function setMembers(engine: Engine, L: LuaState, members: Members): void {
  for (const [name, member] of Object.entries(members)) {
    if (member === null) engine.lua.lua_pushlightuserdata(L, null);
    else if (typeof member === "number") engine.lua.lua_pushnumber(L, member);
    else engine.lua.lua_pushcfunction(L, member);
    engine.setField(L, -2, name);
  }
}

/** Sets these in the library of this name; the globals are at the top. */
function extend(engine: Engine, L: LuaState, library: string, members: Members): void {
  engine.getField(L, -1, library);
  setMembers(engine, L, members);
  engine.lua.lua_pop(L, 1);
}

/** Makes a library of these; the globals are at the top. */
function define(engine: Engine, L: LuaState, library: string, members: Members): void {
  engine.lua.lua_createtable(L, 0, 0);
  setMembers(engine, L, members);
  engine.setField(L, -2, library);
}

const LIBRARIES = ["coroutine", "cjson", "math", "redis", "string", "table"];

/** Makes the globals, at the top, and their libraries read-only, and reading what is not there an error. */
function protect(engine: Engine, L: LuaState): void {
  const { lua } = engine;
  for (const name of LIBRARIES) {
    engine.getField(L, -1, name);
    engine.setReadOnly(L, -1, true);
    lua.lua_pop(L, 1);
  }
  engine.pushBytes(L, "");
  lua.lua_getmetatable(L, -1);
  engine.setReadOnly(L, -1, true);
  lua.lua_pop(L, 2);

  lua.lua_createtable(L, 0, 1);
  lua.lua_pushcfunction(L, (thread) => {
    const name = Buffer.from(engine.aux.luaL_tolstring(thread, 2)).toString("latin1");
    return engine.raise(thread, `Script attempted to access nonexistent global variable '${name}'`);
  });
  engine.setField(L, -2, "__index");
  engine.setReadOnly(L, -1, true);
  lua.lua_setmetatable(L, -2);
  engine.setReadOnly(L, -1, true);
}
