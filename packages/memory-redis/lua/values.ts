import { formatGeneral } from "../format-number.ts";
import { isStatus, RedisError, type Reply } from "../reply.ts";
import type { Engine } from "./engine.ts";
import type { LuaState } from "./lua-api.ts";

/** Nested deeper than this, a script's result is taken to contain itself. */
const MAX_DEPTH = 1000;

/** Pushes a command's reply as a script sees it: nil is false, a status is `{ok=}`, an error is `{err=}`. */
export function pushReply(engine: Engine, L: LuaState, reply: Reply): void {
  const { lua } = engine;
  if (reply === null) lua.lua_pushboolean(L, false);
  else if (typeof reply === "string") engine.pushBytes(L, reply);
  else if (typeof reply === "number") lua.lua_pushnumber(L, reply);
  else if (Array.isArray(reply)) pushArray(engine, L, reply);
  else if (isStatus(reply)) pushFieldTable(engine, L, "ok", reply.status);
  else pushFieldTable(engine, L, "err", reply.message);
}

/** Pushes `{[name] = text}`. */
export function pushFieldTable(engine: Engine, L: LuaState, name: string, text: string): void {
  engine.lua.lua_createtable(L, 0, 1);
  engine.pushBytes(L, text);
  engine.setField(L, -2, name);
}

/** Pushes a Lua array of replies. */
export function pushArray(engine: Engine, L: LuaState, items: readonly Reply[]): void {
  engine.lua.lua_createtable(L, items.length, 0);
  let position = 0;
  for (const item of items) {
    pushReply(engine, L, item);
    engine.lua.lua_rawseti(L, -2, ++position);
  }
}

/**
 * The reply that the value at the top of the stack, a script's result, stands for. Numbers lose their
 * fraction; an array ends at its first nil.
 */
export function replyAtTop(engine: Engine, L: LuaState, depth = 0): Reply {
  const { lua } = engine;
  switch (lua.lua_type(L, -1)) {
    case lua.LUA_TSTRING:
      return engine.bytesAt(L, -1) ?? null;
    case lua.LUA_TNUMBER:
      return toInteger(lua.lua_tonumber(L, -1));
    case lua.LUA_TBOOLEAN:
      return lua.lua_toboolean(L, -1) ? 1 : null;
    case lua.LUA_TTABLE:
      return tableAtTop(engine, L, depth);
    default:
      return null;
  }
}

function tableAtTop(engine: Engine, L: LuaState, depth: number): Reply {
  const { lua } = engine;
  if (depth === MAX_DEPTH || !lua.lua_checkstack(L, 2)) return new RedisError("ERR reached lua stack limit");
  // Anything but a string in these fields is not meant for us.
  const error = textField(engine, L, -1, "err");
  if (error !== undefined) return new RedisError(oneLine(error));
  const status = textField(engine, L, -1, "ok");
  if (status !== undefined) return { status: oneLine(status) };

  const items: Reply[] = [];
  for (let position = 1; lua.lua_rawgeti(L, -1, position) !== lua.LUA_TNIL; position++) {
    items.push(replyAtTop(engine, L, depth + 1));
    lua.lua_pop(L, 1);
  }
  lua.lua_pop(L, 1);
  return items;
}

/** The field of a table when it is a string. */
export function textField(engine: Engine, L: LuaState, index: number, name: string): string | undefined {
  engine.getField(L, index, name);
  const text = engine.bytesAt(L, -1);
  engine.lua.lua_pop(L, 1);
  return text;
}

/** An error or a status is one line on Redis's wire. */
const oneLine = (text: string): string => text.replace(/[\r\n]/g, " ");

/** C's cast to a 64-bit integer: towards zero, and the lowest of all for what does not fit. */
function toInteger(value: number): number {
  if (!(Math.abs(value) < 2 ** 63)) return -(2 ** 63);
  // `Math.trunc(-0.5)` is -0, which is no integer.
  return Math.trunc(value) || 0;
}

/** An argument of `redis.call`: numbers with 17 digits, so that none loses precision on the way. */
export function argumentAt(engine: Engine, L: LuaState, index: number): string | undefined {
  const { lua } = engine;
  if (lua.lua_type(L, index) !== lua.LUA_TNUMBER) return engine.bytesAt(L, index);
  return formatGeneral(lua.lua_tonumber(L, index), 17);
}
