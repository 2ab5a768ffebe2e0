import { asBytes, type Engine } from "./engine.ts";
import { createLexer, type Token } from "./json-lexer.ts";
import type { LuaFunction, LuaState } from "./lua-api.ts";

const MAX_DEPTH = 1000;

/** `cjson.decode`: arrays and objects become tables, null becomes `cjson.null`. */
export const cjsonDecode =
  (engine: Engine): LuaFunction =>
  (L) => {
    if (engine.lua.lua_gettop(L) !== 1) engine.aux.luaL_argerror(L, 1, asBytes("expected 1 argument"));
    engine.aux.luaL_checklstring(L, 1);
    const parser = { engine, L, next: createLexer(engine.bytesAt(L, 1) ?? "") };
    pushValue(parser, parser.next(), 0);
    const rest = parser.next();
    if (rest.type !== "T_END") fail(parser, "the end", rest);
    return 1;
  };

interface Parser {
  readonly engine: Engine;
  readonly L: LuaState;
  readonly next: () => Token;
}

/** Pushes the value that begins with this token. */
function pushValue(parser: Parser, token: Token, depth: number): void {
  const { engine, L } = parser;
  const { type, value } = token;
  if (type === "T_STRING") engine.pushBytes(L, String(value));
  else if (type === "T_NUMBER") engine.lua.lua_pushnumber(L, Number(value));
  else if (type === "T_BOOLEAN") engine.lua.lua_pushboolean(L, value === true);
  else if (type === "T_NULL") engine.lua.lua_pushlightuserdata(L, null);
  else if (type === "T_OBJ_BEGIN") pushObject(parser, descend(parser, token, depth));
  else if (type === "T_ARR_BEGIN") pushArray(parser, descend(parser, token, depth));
  else fail(parser, "value", token);
}

function descend({ engine, L }: Parser, token: Token, depth: number): number {
  engine.aux.luaL_checkstack(L, 3, asBytes("JSON nested too deeply"));
  if (depth < MAX_DEPTH) return depth + 1;
  return engine.raise(L, `Found too many nested data structures (${depth + 1}) at character ${token.at + 1}`);
}

function pushObject(parser: Parser, depth: number): void {
  const { engine, L, next } = parser;
  engine.lua.lua_createtable(L, 0, 0);
  let token = next();
  if (token.type === "T_OBJ_END") return;
  for (;;) {
    if (token.type !== "T_STRING") fail(parser, "object key string", token);
    engine.pushBytes(L, String(token.value));
    const colon = next();
    if (colon.type !== "T_COLON") fail(parser, "colon", colon);
    pushValue(parser, next(), depth);
    engine.lua.lua_rawset(L, -3);
    const separator = next();
    if (separator.type === "T_OBJ_END") return;
    if (separator.type !== "T_COMMA") fail(parser, "comma or object end", separator);
    token = next();
  }
}

function pushArray(parser: Parser, depth: number): void {
  const { engine, L, next } = parser;
  engine.lua.lua_createtable(L, 0, 0);
  let token = next();
  if (token.type === "T_ARR_END") return;
  for (let position = 1; ; position++) {
    pushValue(parser, token, depth);
    engine.lua.lua_rawseti(L, -2, position);
    const separator = next();
    if (separator.type === "T_ARR_END") return;
    if (separator.type !== "T_COMMA") fail(parser, "comma or array end", separator);
    token = next();
  }
}

function fail({ engine, L }: Parser, expected: string, { type, value, at }: Token): never {
  const found = type === "T_ERROR" ? value : type;
  return engine.raise(L, `Expected ${expected} but found ${found} at character ${at + 1}`);
}
