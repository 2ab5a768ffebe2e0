const BLANKS = "[\\t\\n\\v\\f\\r ]*";
const HEXADECIMAL = "0x([\\da-f]+\\.?[\\da-f]*|\\.[\\da-f]+)(?:p([+-]?\\d+))?";
const DECIMAL = "(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?";
const NUMERAL = new RegExp(
  `^${BLANKS}([+-]?)(?:${HEXADECIMAL}|(${DECIMAL})|(inf(?:inity)?|nan))${BLANKS}$`,
  "i",
);

/** Digits enough for any count or time, few enough to be exact in a double. */
const SHORT = 15;

/** What Lua 5.1 reads as a number, which is what C's `strtod` reads: decimals, hexadecimals, inf, nan. */
export function readNumeral(bytes: Uint8Array): number | undefined {
  return readShortInteger(bytes) ?? parseNumeral(Buffer.from(bytes).toString("latin1"));
}

/** The common case, without making a string. */
function readShortInteger(bytes: Uint8Array): number | undefined {
  if (bytes.length === 0 || bytes.length > SHORT) return undefined;
  let value = 0;
  for (const byte of bytes) {
    const digit = byte - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

function parseNumeral(text: string): number | undefined {
  const match = NUMERAL.exec(text);
  if (match === null) return undefined;
  const [, sign, hexadecimal, exponent = "0", decimal, special] = match;
  const size = () => {
    if (hexadecimal !== undefined) return parseHexadecimal(hexadecimal) * 2 ** Number(exponent);
    if (decimal !== undefined) return Number(decimal);
    return special?.toLowerCase() === "nan" ? NaN : Infinity;
  };
  return sign === "-" ? -size() : size();
}

function parseHexadecimal(digits: string): number {
  const [whole = "", fraction = ""] = digits.split(".");
  return Number(`0x${whole}${fraction}`) / 16 ** fraction.length;
}

/** What C's `strtoul` reads in another base than ten, blanks around it allowed. */
export function readInBase(text: string, base: number): number | undefined {
  const trimmed = text.replace(/^[\t\n\v\f\r ]+|[\t\n\v\f\r ]+$/g, "");
  const [, sign, digits = ""] =
    /^([+-]?)(.*)$/s.exec(base === 16 ? trimmed.replace(/^([+-]?)0x/i, "$1") : trimmed) ?? [];
  if (digits === "") return undefined;
  let value = 0;
  for (const character of digits) {
    const digit = Number.parseInt(character, 36);
    if (Number.isNaN(digit) || digit >= base) return undefined;
    value = value * base + digit;
  }
  // The result is unsigned: a minus wraps around 64 bits.
  return sign === "-" && value > 0 ? 2 ** 64 - value : value;
}
