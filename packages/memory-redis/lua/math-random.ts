import { asBytes, type Engine } from "./engine.ts";
import type { LuaFunction, LuaState } from "./lua-api.ts";

/** The linear congruential generator of `lrand48`, which Redis puts in place of C's `rand`. */
const MULTIPLIER = 0x5deece66dn;
const INCREMENT = 0xbn;
const INITIAL_STATE = 0x1234abcd330en;
const SEED_LOW = 0x330en;
const RANGE = 2 ** 31 - 1;

/** `math.random` and `math.randomseed`. Like a Redis just started, every machine begins the same sequence. */
export function mathRandom(engine: Engine): Readonly<Record<"random" | "randomseed", LuaFunction>> {
  const { lua, aux } = engine;
  let state = INITIAL_STATE;

  /** In [0, 1]. */
  function nextFraction(): number {
    state = BigInt.asUintN(48, state * MULTIPLIER + INCREMENT);
    return (Number(state >> 17n) % RANGE) / RANGE;
  }

  const whole = (L: LuaState, arg: number) => Math.trunc(aux.luaL_checknumber(L, arg));

  function random(L: LuaState): number {
    const fraction = nextFraction();
    const given = lua.lua_gettop(L);
    if (given > 2) engine.raise(L, "wrong number of arguments");
    if (given === 0) lua.lua_pushnumber(L, fraction);
    else {
      const low = given === 1 ? 1 : whole(L, 1);
      const high = whole(L, given);
      if (low > high) aux.luaL_argerror(L, given, asBytes("interval is empty"));
      lua.lua_pushnumber(L, Math.floor(fraction * (high - low + 1)) + low);
    }
    return 1;
  }

  function randomseed(L: LuaState): number {
    const seed = Math.trunc(aux.luaL_checknumber(L, 1)) || 0;
    state = (BigInt.asUintN(32, BigInt(seed)) << 16n) | SEED_LOW;
    return 0;
  }

  return { random, randomseed };
}
