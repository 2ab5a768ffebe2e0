import { RedisError } from "./reply.ts";

/**
 * Numbers as C reads and prints them. Redis prints scores with `%.17g` and Lua prints numbers with `%.14g`.
 * JavaScript computes the same digits except when a number lies exactly between two (0.5 to no digits):
 * it rounds up, and C rounds to the even neighbour.
 */
const NUMERAL =
  /^[\t-\r ]*([+-]?)(?:((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|0x[\da-f]+)|inf(?:inity)?)[\t-\r ]*$/i;

/** The number that a text stands for (`5`, `1e-7`, `0x1F`, `-inf`; blanks around it allowed), or undefined. */
export function readNumber(text: string): number | undefined {
  const [matched, sign, digits = "Infinity"] = NUMERAL.exec(text) ?? [];
  if (matched === undefined) return undefined;
  return sign === "-" ? -Number(digits) : Number(digits);
}

/** C's `%.<precision>g`: that many significant digits, without trailing zeros. */
export function formatGeneral(value: number, precision: number): string {
  // Nearly all numbers are whole; up to 2^53 `String` writes them exactly.
  if (Number.isSafeInteger(value) && Math.abs(value) < 10 ** precision) return signOfZero(value) + value;
  if (!Number.isFinite(value)) return formatNonFinite(value);
  const exponential = roundHalfEven((digits) => value.toExponential(digits), precision - 1);
  const [mantissa = "", exponent] = exponential.split("e");
  const power = Number(exponent);
  if (power >= -4 && power < precision) return withoutZeros(formatFixed(value, precision - 1 - power));
  return `${withoutZeros(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** C's `%.<digits>f`. */
export function formatFixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return formatNonFinite(value);
  // From 1e21 on `toFixed` writes exponents. All such numbers are whole.
  if (Math.abs(value) >= 1e21) return BigInt(value) + (digits > 0 ? `.${"0".repeat(digits)}` : "");
  return signOfZero(value) + roundHalfEven((count) => value.toFixed(count), digits);
}

/** What x86 makes of `0/0` prints as `-nan`. */
const formatNonFinite = (value: number): string =>
  Number.isNaN(value) ? "-nan" : value > 0 ? "inf" : "-inf";

const signOfZero = (value: number): string => (Object.is(value, -0) ? "-" : "");

const withoutZeros = (digits: string): string =>
  digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;

/** A half after an even digit, told from a number close to one by 25 digits more than asked for. */
const HALF = /(?<=[02468])\.?50{24}(?=e|$)/;

/** Rounds as C does, given a function that writes the number with so many digits and rounds halves up. */
function roundHalfEven(write: (digits: number) => string, digits: number): string {
  const exact = write(Math.min(100, digits + 25));
  return HALF.test(exact) ? exact.replace(HALF, "") : write(digits);
}

const NOT_AN_INTEGER = "ERR value is not an integer or out of range";

/**
 * Reads what Redis takes for an integer: no sign but a minus, no leading zero.
 * @throws RedisError with this message when it is not one, or not exact in a double
 */
export function parseInteger(text: string, message = NOT_AN_INTEGER): number {
  const value = Number(text);
  if (!/^(?:0|-?[1-9]\d*)$/.test(text) || !Number.isSafeInteger(value)) throw new RedisError(message);
  return value;
}
