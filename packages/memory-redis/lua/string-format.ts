import { formatExponent, formatFixed, formatGeneral } from "../format-number.ts";
import { asBytes, type Engine } from "./engine.ts";
import type { LuaFunction, LuaState } from "./lua-api.ts";

/** `%`, flags, width, precision, conversion: what Lua 5.1 hands to C's `sprintf`. */
const SPECIFIER = /%([-+ #0]*)(\d*)(?:\.(\d*))?(.?)/gs;
const MAX_FLAGS = 5;
const MAX_DIGITS = 2;
/** A string this long, without precision, is put in as it is: Lua's buffer has no room to pad it. */
const LONG = 100;

interface Layout {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
}

/**
 * `string.format` as in Lua 5.1. fengari's own knows `%d` and `%x` for 32-bit integers only, and a time in
 * milliseconds needs more.
 */
export const stringFormat =
  (engine: Engine): LuaFunction =>
  (L) => {
    engine.aux.luaL_checklstring(L, 1);
    const format = engine.bytesAt(L, 1) ?? "";
    let arg = 1;
    const formatted = format.replace(
      SPECIFIER,
      (specifier, flags: string, width: string, precision: string | undefined, conversion: string) => {
        if (specifier === "%%") return "%";
        arg++;
        if (arg > engine.lua.lua_gettop(L)) engine.aux.luaL_argerror(L, arg, asBytes("no value"));
        if (flags.length > MAX_FLAGS) engine.raise(L, "invalid format (repeated flags)");
        if (width.length > MAX_DIGITS || (precision ?? "").length > MAX_DIGITS) {
          engine.raise(L, "invalid format (width or precision too long)");
        }
        const layout = {
          flags,
          width: Number(width),
          precision: precision === undefined ? undefined : Number(precision),
        };
        return convert(engine, L, arg, conversion, layout);
      },
    );
    engine.pushBytes(L, formatted);
    return 1;
  };

function convert(engine: Engine, L: LuaState, arg: number, conversion: string, layout: Layout): string {
  const number = () => engine.aux.luaL_checknumber(L, arg);
  const text = () => {
    engine.aux.luaL_checklstring(L, arg);
    return engine.bytesAt(L, arg) ?? "";
  };
  switch (conversion) {
    case "c":
      return pad(String.fromCharCode(number() & 0xff), layout);
    case "d":
    case "i":
      return formatInteger(toInt64(number()), layout);
    case "u":
      return formatUnsigned(toInt64(number()), 10, { ...layout, flags: layout.flags.replace(/[+ #]/g, "") });
    case "o":
      return formatUnsigned(toInt64(number()), 8, layout);
    case "x":
      return formatUnsigned(toInt64(number()), 16, layout);
    case "X":
      return formatUnsigned(toInt64(number()), 16, layout).toUpperCase();
    case "e":
    case "f":
    case "g":
      return formatDouble(number(), conversion, layout);
    case "E":
    case "G":
      return formatDouble(number(), conversion === "E" ? "e" : "g", layout).toUpperCase();
    case "q":
      return quote(text());
    case "s":
      return formatText(text(), layout);
    default:
      return engine.raise(L, `invalid option '%${conversion}' to 'format'`);
  }
}

/** C's cast of a double to a 64-bit integer, which is the lowest one for whatever does not fit. */
const toInt64 = (value: number): bigint =>
  Math.abs(value) < 2 ** 63 ? BigInt(Math.trunc(value)) : -(2n ** 63n);

function formatInteger(value: bigint, layout: Layout): string {
  const digits = withPrecision(String(value < 0n ? -value : value), layout);
  return pad(digits, layout, signOf(value < 0n, layout), layout.precision === undefined);
}

function formatUnsigned(value: bigint, base: 8 | 10 | 16, layout: Layout): string {
  const digits = withPrecision(BigInt.asUintN(64, value).toString(base), layout);
  const isMarked = layout.flags.includes("#") && value !== 0n;
  const prefix = isMarked && base === 16 ? "0x" : "";
  const marked = isMarked && base === 8 && !digits.startsWith("0") ? `0${digits}` : digits;
  return pad(marked, layout, prefix, layout.precision === undefined);
}

/** The precision of an integer is its least number of digits; zero to no digits is nothing at all. */
const withPrecision = (digits: string, { precision }: Layout): string =>
  precision === 0 && digits === "0" ? "" : digits.padStart(precision ?? 1, "0");

const FORMATS = { e: formatExponent, f: formatFixed, g: formatGeneral };

function formatDouble(value: number, conversion: keyof typeof FORMATS, layout: Layout): string {
  const shown = FORMATS[conversion](value, layout.precision ?? 6);
  const isNegative = shown.startsWith("-");
  const digits = isNegative ? shown.slice(1) : shown;
  return pad(digits, layout, signOf(isNegative, layout), Number.isFinite(value));
}

function signOf(isNegative: boolean, { flags }: Layout): string {
  if (isNegative) return "-";
  if (flags.includes("+")) return "+";
  return flags.includes(" ") ? " " : "";
}

function formatText(text: string, layout: Layout): string {
  if (layout.precision === undefined && text.length >= LONG) return text;
  // sprintf stops at a zero byte.
  const [visible = ""] = text.split("\0", 1);
  return pad(visible.slice(0, layout.precision), layout);
}

function pad(body: string, { flags, width }: Layout, prefix = "", mayPadZeros = false): string {
  const fill = Math.max(0, width - prefix.length - body.length);
  if (flags.includes("-")) return prefix + body + " ".repeat(fill);
  if (mayPadZeros && flags.includes("0")) return prefix + "0".repeat(fill) + body;
  return " ".repeat(fill) + prefix + body;
}

const QUOTED: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\\n"],
  ["\r", "\\r"],
  ["\0", "\\000"],
]);

/** `%q`: a string literal Lua reads back. */
const quote = (text: string): string =>
  `"${[...text].map((character) => QUOTED.get(character) ?? character).join("")}"`;
