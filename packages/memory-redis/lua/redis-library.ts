import { sha1 } from "../bytes.ts";
import { RedisError, type Reply } from "../reply.ts";
import type { Engine } from "./engine.ts";
import type { LuaFunction, LuaState } from "./lua-api.ts";
import { argumentAt, pushFieldTable, pushReply } from "./values.ts";

/** Runs a command for a script; throws RedisError for an error reply. */
export type ScriptCall = (argv: string[]) => Reply;

/** The functions and levels of the `redis` table. */
export function redisLibrary(
  engine: Engine,
  execute: ScriptCall,
): Readonly<Record<string, LuaFunction | number>> {
  return {
    call: call(engine, execute, { raises: true }),
    pcall: call(engine, execute, { raises: false }),
    error_reply: singleText(engine, (L, text) => pushFieldTable(engine, L, "err", withErrorCode(text))),
    status_reply: singleText(engine, (L, text) => pushFieldTable(engine, L, "ok", text)),
    sha1hex: sha1hex(engine),
    log: log(engine),
    LOG_DEBUG: 0,
    LOG_VERBOSE: 1,
    LOG_NOTICE: 2,
    LOG_WARNING: 3,
  };
}

const call =
  (engine: Engine, execute: ScriptCall, { raises }: { readonly raises: boolean }): LuaFunction =>
  (L) => {
    const reply = replyOrError(() => execute(readArguments(engine, L)));
    engine.lua.lua_settop(L, 0);
    pushReply(engine, L, reply);
    return raises && reply instanceof RedisError ? engine.lua.lua_error(L) : 1;
  };

function replyOrError(run: () => Reply): Reply {
  try {
    return run();
  } catch (error) {
    if (error instanceof RedisError) return error;
    throw error;
  }
}

function readArguments(engine: Engine, L: LuaState): string[] {
  const count = engine.lua.lua_gettop(L);
  if (count === 0) throw new RedisError("ERR Please specify at least one argument for this redis lib call");
  const argv: string[] = [];
  for (let index = 1; index <= count; index++) {
    const argument = argumentAt(engine, L, index);
    if (argument === undefined) {
      throw new RedisError("ERR Lua redis lib command arguments must be strings or integers");
    }
    argv.push(argument);
  }
  return argv;
}

/** `redis.error_reply` and `redis.status_reply` answer an error, and raise none, for a wrong argument. */
const singleText =
  (engine: Engine, push: (L: LuaState, text: string) => void): LuaFunction =>
  (L) => {
    const text = engine.lua.lua_gettop(L) === 1 ? engine.bytesAt(L, 1) : undefined;
    if (text === undefined) pushFieldTable(engine, L, "err", "ERR wrong number or type of arguments");
    else push(L, text);
    return 1;
  };

/** An error starts with a code. `-CODE text` and `CODE text` have one, a single word has none. */
function withErrorCode(text: string): string {
  const message = text.replace(/^-/, "");
  return message.includes(" ") ? message : `ERR ${message}`;
}

const sha1hex =
  (engine: Engine): LuaFunction =>
  (L) => {
    if (engine.lua.lua_gettop(L) !== 1) return raiseError(engine, L, "ERR wrong number of arguments");
    // A number is hashed as it prints, anything else as nothing.
    if (engine.lua.lua_type(L, 1) === engine.lua.LUA_TNUMBER) engine.aux.luaL_checklstring(L, 1);
    engine.pushBytes(L, sha1(engine.bytesAt(L, 1) ?? ""));
    return 1;
  };

/** There is no server log to write to; wrong arguments are still errors. */
const log =
  (engine: Engine): LuaFunction =>
  (L) => {
    const { lua } = engine;
    if (lua.lua_gettop(L) < 2) {
      return raiseError(engine, L, "ERR redis.log() requires two arguments or more.");
    }
    if (lua.lua_type(L, 1) !== lua.LUA_TNUMBER) {
      return raiseError(engine, L, "ERR First argument must be a number (log level).");
    }
    const level = lua.lua_tonumber(L, 1);
    if (level < 0 || level > 3) return raiseError(engine, L, "ERR Invalid debug level.");
    return 0;
  };

function raiseError(engine: Engine, L: LuaState, message: string): never {
  pushFieldTable(engine, L, "err", message);
  return engine.lua.lua_error(L);
}
