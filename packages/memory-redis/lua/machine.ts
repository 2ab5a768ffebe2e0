import { RedisError, type Reply } from "../reply.ts";
import { wordSyntaxError } from "./dialect.ts";
import { asBytes, type Engine, loadEngine } from "./engine.ts";
import { openLibraries, setArguments } from "./libraries.ts";
import type { LuaState } from "./lua-api.ts";
import type { ScriptCall } from "./redis-library.ts";
import { replyAtTop, textField } from "./values.ts";

/** A compiled script: its place in the registry of the machine that compiled it. */
export type CompiledScript = number;

/** A Lua state that runs scripts, one at a time. What one does to it, the next does not see. */
export interface LuaMachine {
  /** @throws RedisError when the source does not compile */
  compile(source: string): CompiledScript;
  /**
   * Runs a script. An error reply it returns is returned; an error it raises is thrown.
   * @throws RedisError with the script's name and line
   */
  run(script: CompiledScript, sha: string, keys: readonly string[], args: readonly string[]): Reply;
}

const CHUNK_NAME = asBytes("@user_script");

/** A Lua machine whose `redis.call` runs commands through `execute`. */
export function createLuaMachine(execute: ScriptCall): LuaMachine {
  const engine = loadEngine();
  const { lua, aux } = engine;
  const L = aux.luaL_newstate();
  openLibraries(engine, L, execute);

  // A JavaScript exception that is neither Lua's nor Redis's is a bug of ours. Lua catches it as an error
  // like any other, so it is kept here and thrown once the script is out of the way.
  const bugs: unknown[] = [];
  lua.lua_atnativeerror(L, (thread) => {
    bugs.push(lua.lua_touserdata(thread, 1));
    engine.pushBytes(thread, "internal error");
    return 1;
  });

  function compile(source: string): CompiledScript {
    const bytes = asBytes(source);
    if (aux.luaL_loadbuffer(L, bytes, bytes.length, CHUNK_NAME) === lua.LUA_OK) {
      return aux.luaL_ref(L, lua.LUA_REGISTRYINDEX);
    }
    const message = wordSyntaxError(engine.bytesAt(L, -1) ?? "");
    lua.lua_settop(L, 0);
    throw new RedisError(`ERR Error compiling script (new function): ${message}`);
  }

  function run(script: CompiledScript, sha: string, keys: readonly string[], args: readonly string[]): Reply {
    try {
      setArguments(engine, L, keys, args);
      lua.lua_pushcfunction(L, describeError(engine));
      lua.lua_rawgeti(L, lua.LUA_REGISTRYINDEX, script);
      const status = lua.lua_pcall(L, 0, 1, 1);
      if (bugs.length > 0) throw bugs[0];
      if (status !== lua.LUA_OK) throw scriptError(engine, L, sha);
      return replyAtTop(engine, L);
    } finally {
      bugs.length = 0;
      lua.lua_settop(L, 0);
    }
  }

  return { compile, run };
}

/** The message handler: turns what was raised into `{err, source, line}`, as Redis's own does. */
const describeError = (engine: Engine) => (L: LuaState) => {
  const { lua, aux } = engine;
  if (lua.lua_type(L, 1) !== lua.LUA_TTABLE) {
    aux.luaL_tolstring(L, 1);
    const message = engine.bytesAt(L, -1) ?? "";
    lua.lua_settop(L, 0);
    lua.lua_createtable(L, 0, 3);
    engine.pushBytes(L, `ERR ${message}`);
    engine.setField(L, 1, "err");
  }
  const place = raisedAt(engine, L);
  if (place !== undefined) {
    engine.pushBytes(L, place.source);
    engine.setField(L, 1, "source");
    lua.lua_pushnumber(L, place.line);
    engine.setField(L, 1, "line");
  }
  lua.lua_settop(L, 1);
  return 1;
};

/** The line that raised; when a function of ours did (`redis.call`, `error`), the line that called it. */
function raisedAt({ lua }: Engine, L: LuaState): { source: string; line: number } | undefined {
  const info = new lua.lua_Debug();
  for (let level = 1; level <= 2 && lua.lua_getstack(L, level, info) !== 0; level++) {
    lua.lua_getinfo(L, asBytes("Sl"), info);
    const isInScript = info.currentline > 0;
    if (isInScript) return { source: String.fromCharCode(...info.source), line: info.currentline };
  }
  return undefined;
}

function scriptError(engine: Engine, L: LuaState, sha: string): RedisError {
  const { lua } = engine;
  const message = textField(engine, L, -1, "err") ?? "ERR unknown error";
  const source = textField(engine, L, -1, "source");
  if (source === undefined) return new RedisError(message);
  engine.getField(L, -1, "line");
  const line = lua.lua_tonumber(L, -1);
  return new RedisError(`${message} script: ${sha}, on ${source}:${line}.`);
}
