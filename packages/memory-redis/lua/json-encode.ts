import { formatGeneral } from "../format-number.ts";
import { asBytes, type Engine } from "./engine.ts";
import type { LuaFunction, LuaState } from "./lua-api.ts";

const MAX_DEPTH = 1000;
/** An array with a higher index than this must be at least half full. */
const SPARSE_SAFE = 10;
const SPARSE_RATIO = 2;

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["/", "\\/"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** `cjson.encode`, as configured in Redis: an empty table is `{}`, numbers have 14 digits. */
export const cjsonEncode =
  (engine: Engine): LuaFunction =>
  (L) => {
    if (engine.lua.lua_gettop(L) !== 1) engine.aux.luaL_argerror(L, 1, asBytes("expected 1 argument"));
    engine.pushBytes(L, encodeValue(engine, L, 0));
    return 1;
  };

/** The JSON of the value at the top of the stack. */
function encodeValue(engine: Engine, L: LuaState, depth: number): string {
  const { lua } = engine;
  switch (lua.lua_type(L, -1)) {
    case lua.LUA_TSTRING:
      return quote(engine.bytesAt(L, -1) ?? "");
    case lua.LUA_TNUMBER:
      return encodeNumber(engine, L, lua.lua_tonumber(L, -1));
    case lua.LUA_TBOOLEAN:
      return String(lua.lua_toboolean(L, -1));
    case lua.LUA_TTABLE:
      return encodeTable(engine, L, depth + 1);
    case lua.LUA_TNIL:
      return "null";
    default:
      // cjson.null is the only light userdata a script can have.
      if (lua.lua_type(L, -1) === lua.LUA_TLIGHTUSERDATA) return "null";
      return refuse(engine, L, "type not supported");
  }
}

const refuse = (engine: Engine, L: LuaState, why: string, index = -1): never =>
  engine.raise(L, `Cannot serialise ${Buffer.from(engine.aux.luaL_typename(L, index))}: ${why}`);

function encodeNumber(engine: Engine, L: LuaState, value: number): string {
  if (!Number.isFinite(value)) refuse(engine, L, "must not be NaN or Inf");
  return formatGeneral(value, 14);
}

function encodeTable(engine: Engine, L: LuaState, depth: number): string {
  if (depth > MAX_DEPTH) engine.raise(L, `Cannot serialise, excessive nesting (${depth})`);
  engine.aux.luaL_checkstack(L, 3, asBytes("JSON nested too deeply"));
  const length = arrayLength(engine, L);
  return length > 0 ? encodeArray(engine, L, length, depth) : encodeObject(engine, L, depth);
}

/** The highest index when all keys are whole numbers from 1 up; otherwise, or when empty, 0. */
function arrayLength(engine: Engine, L: LuaState): number {
  const { lua } = engine;
  let highest = 0;
  let items = 0;
  lua.lua_pushnil(L);
  while (lua.lua_next(L, -2) !== 0) {
    const key = lua.lua_type(L, -2) === lua.LUA_TNUMBER ? lua.lua_tonumber(L, -2) : Number.NaN;
    if (!(key >= 1 && Number.isInteger(key))) {
      lua.lua_pop(L, 2);
      return 0;
    }
    highest = Math.max(highest, key);
    items++;
    lua.lua_pop(L, 1);
  }
  if (highest > SPARSE_SAFE && highest > items * SPARSE_RATIO) refuse(engine, L, "excessively sparse array");
  return highest;
}

function encodeArray(engine: Engine, L: LuaState, length: number, depth: number): string {
  let json = "";
  for (let position = 1; position <= length; position++) {
    engine.lua.lua_rawgeti(L, -1, position);
    json += `${position > 1 ? "," : ""}${encodeValue(engine, L, depth)}`;
    engine.lua.lua_pop(L, 1);
  }
  return `[${json}]`;
}

function encodeObject(engine: Engine, L: LuaState, depth: number): string {
  const { lua } = engine;
  let json = "";
  lua.lua_pushnil(L);
  while (lua.lua_next(L, -2) !== 0) {
    json += `${json === "" ? "" : ","}${encodeKey(engine, L)}:${encodeValue(engine, L, depth)}`;
    lua.lua_pop(L, 1);
  }
  return `{${json}}`;
}

function encodeKey(engine: Engine, L: LuaState): string {
  const { lua } = engine;
  const text = engine.bytesAt(L, -2);
  if (text !== undefined) return quote(text);
  if (lua.lua_type(L, -2) === lua.LUA_TNUMBER) return `"${encodeNumber(engine, L, lua.lua_tonumber(L, -2))}"`;
  return refuse(engine, L, "table key must be a number or string", -2);
}

function quote(bytes: string): string {
  let json = '"';
  let plainFrom = 0;
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes.charCodeAt(at);
    if (code >= 0x20 && code !== 0x22 && code !== 0x2f && code !== 0x5c && code !== 0x7f) continue;
    const escaped = ESCAPES.get(bytes.charAt(at)) ?? `\\u${code.toString(16).padStart(4, "0")}`;
    json += bytes.slice(plainFrom, at) + escaped;
    plainFrom = at + 1;
  }
  return `${json}${bytes.slice(plainFrom)}"`;
}
