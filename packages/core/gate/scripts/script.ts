/** How a Lua script gets its keys and arguments: by name, each in an order that exists once. */
import { KEY_NAMES, MARKER } from "./keys.ts";

type Argument = string | number;

/** A kind of argument: what is sent for a value, and what the script reads in its place. */
export interface Kind<Value> {
  encode: (value: Value) => Argument[];
  /** The Lua expression for the argument that begins at this position of ARGV. */
  lua: (position: number) => string;
}

export const text: Kind<string> = { encode: (value) => [value], lua: (n) => `ARGV[${n}]` };
export const number: Kind<number> = { encode: (value) => [value], lua: (n) => `tonumber(ARGV[${n}])` };
/** `undefined` is `nil` in Lua. */
export const optionalNumber: Kind<number | undefined> = {
  encode: (value) => [value ?? ""],
  lua: number.lua,
};

type Args = Record<string, Kind<never>>;
type Values<Given extends Args> = {
  [Name in keyof Given]: Given[Name] extends Kind<infer Value> ? Value : never;
};

/** A script, how it is asked, and how its reply is read. */
export interface Script<Given, Reply, Answer> {
  readonly lua: string;
  /** The arguments in their order. The compiler refuses a name that is missing or too many. */
  encode(values: Given): Argument[];
  decode(reply: Reply): Answer;
}

/**
 * Makes a script. Its text can use each argument by its name, each key by its name (`keys.ts`), and the `HELPERS`.
 *
 * @example
 * const HOLD = script({
 *   args: { slot: number, token: text, ttl_ms: number },
 *   lua: "return call('SET', flag(slot), token, 'PX', ttl_ms)",
 *   decode: (reply: string) => reply === "OK",
 * });
 * redis.run(HOLD.lua, keys, HOLD.encode({ slot: 0, token: "t", ttl_ms: 60_000 }));
 */
export function script<Given extends Args, Reply, Answer>({
  args,
  lua,
  decode,
}: {
  args: Given;
  lua: string;
  decode: (reply: Reply) => Answer;
}): Script<Values<Given>, Reply, Answer> {
  const names: (keyof Given & string)[] = Object.keys(args);
  const body = compact(lua);
  return {
    lua: [keysUsedBy(body), ...helpersUsedBy(body), argumentsOf(args), body].filter(Boolean).join("\n"),
    encode: (values) => names.flatMap((name) => args[name]?.encode(values[name] as never) ?? []),
    decode,
  };
}

/** Values that one command takes; Lua passes at most 8,000. Even: they may be pairs. */
const VALUES = 4_000;

/** What a script may use beside its keys and arguments. None needs another one. */
const HELPERS = {
  call: "local call = redis.call",
  flag: `local function flag(slot) return KEYS[${KEY_NAMES.length + 1} + slot] end`,
  slots: `local slots = #KEYS - ${KEY_NAMES.length}`,
  // The values of `sleeper` and, behind it, of the flags: that of a slot is seats[slot + 2].
  seats: `local seats = redis.call('MGET', unpack(KEYS, ${KEY_NAMES.length}))`,
  // By Redis's own clock, in milliseconds. It is asked when it is needed, and once.
  now: `local read_at local function now()
    if not read_at then local time = redis.call('TIME') read_at = time[1] * 1000 + math.floor(time[2] / 1000) end
    return read_at end`,
  // One command for as many values as Lua passes.
  many: `local function many(command, key, values) for from = 1, #values, ${VALUES} do
    redis.call(command, key, unpack(values, from, math.min(from + ${VALUES - 1}, #values))) end end`,
  fields: `local function fields(key, ids) local found = {} for from = 1, #ids, ${VALUES} do
    local part = redis.call('HMGET', key, unpack(ids, from, math.min(from + ${VALUES - 1}, #ids)))
    for n, value in ipairs(part) do found[from + n - 1] = value end end return found end`,
  // Where the window ends if the member of `waiting` says so, or nil.
  cut_of: `local function cut_of(member) local cut = string.match(member or '', '^%${MARKER}(.*)$')
    return cut and (tonumber(cut) or ${Number.MAX_SAFE_INTEGER}) end`,
  // Lua alone writes large numbers with an exponent.
  int: "local function int(n) return string.format('%.0f', n) end",
};

const isUsed = (name: string, body: string) => new RegExp(`\\b${name}\\b`).test(body);

function keysUsedBy(body: string): string {
  const used = KEY_NAMES.filter((name) => isUsed(name, body));
  return locals(
    used,
    used.map((name) => `KEYS[${KEY_NAMES.indexOf(name) + 1}]`),
  );
}

function helpersUsedBy(body: string): string[] {
  const used = Object.entries(HELPERS).filter(([name]) => isUsed(name, body));
  return used.map(([, lua]) => compact(lua));
}

function argumentsOf(args: Args): string {
  return locals(
    Object.keys(args),
    Object.values(args).map(({ lua }, n) => lua(n + 1)),
  );
}

function locals(names: readonly string[], values: readonly string[]): string {
  return names.length > 0 ? `local ${names.join(",")}=${values.join(",")}` : "";
}

/**
 * Without what would travel with every request for nothing: comments (on lines of their own), indentation, and blanks
 * around operators. No literal in our Lua has a blank.
 */
function compact(lua: string): string {
  return lua
    .split("\n")
    .map((line) =>
      line
        .trim()
        .replace(/ ([=~<>+*]+|\.\.) /g, "$1")
        .replaceAll(", ", ","),
    )
    .filter((line) => line !== "" && !line.startsWith("--"))
    .join("\n");
}
