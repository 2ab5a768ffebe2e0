/**
 * C's `%e`, `%f` and `%g`, in the C locale: Redis prints scores with `%.17g`, Lua 5.1 prints numbers with
 * `%.14g`. JavaScript's `toExponential` and `toFixed` compute the same digits but for one case: a number
 * exactly between two (0.5 to no digits) they round up, and C rounds to the even neighbour.
 */
const MAX_DIGITS = 100;
/** This many digits more than asked for tell a half from a number close to one. */
const BEYOND = 25;
const HALF = `5${"0".repeat(BEYOND - 1)}`;

/** `%.<precision>g`: that many significant digits, no trailing zeros. */
export function formatGeneral(value: number, precision: number): string {
  if (!Number.isFinite(value)) return formatNonFinite(value);
  const significant = Math.max(1, precision);
  // Whole numbers are nearly all the numbers there are; up to 2^53 `String` writes them exactly.
  if (Number.isSafeInteger(value) && Math.abs(value) < 10 ** significant) return signed(value);

  const [mantissa, exponent] = scientific(value, significant - 1);
  if (exponent < -4 || exponent >= significant) return withExponent(stripZeros(mantissa), exponent);
  return stripZeros(formatFixed(value, significant - 1 - exponent));
}

/** `%.<digits>e`. */
export function formatExponent(value: number, digits: number): string {
  if (!Number.isFinite(value)) return formatNonFinite(value);
  return withExponent(...scientific(value, digits));
}

/** `%.<digits>f`. */
export function formatFixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return formatNonFinite(value);
  // From 1e21 on `toFixed` turns to exponents. All such numbers are whole.
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}${digits > 0 ? `.${"0".repeat(digits)}` : ""}`;
  const shown = roundHalfEven((count) => value.toFixed(count), digits);
  return Object.is(value, -0) ? `-${shown}` : shown;
}

const formatNonFinite = (value: number): string => {
  // x86 makes the NaN of `0/0` negative, and that is the one scripts meet; JavaScript hides the sign.
  if (Number.isNaN(value)) return "-nan";
  return value > 0 ? "inf" : "-inf";
};

const signed = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

/** The mantissa with `digits` digits after the point, and the exponent. */
function scientific(value: number, digits: number): [mantissa: string, exponent: number] {
  const parts = (count: number) => value.toExponential(count).split("e");
  const mantissa = roundHalfEven((count) => parts(count)[0] ?? "", digits);
  return [Object.is(value, -0) ? `-${mantissa}` : mantissa, Number(parts(digits)[1])];
}

/** Rounds as C does, given a function that writes the number with so many digits, halves away from zero. */
function roundHalfEven(write: (digits: number) => string, digits: number): string {
  const rounded = write(digits);
  if (digits + BEYOND > MAX_DIGITS || !write(digits + 1).endsWith("5")) return rounded;
  const exact = write(digits + BEYOND);
  if (!exact.endsWith(HALF)) return rounded;
  const truncated = exact.slice(0, -BEYOND).replace(/\.$/, "");
  return Number(truncated.at(-1)) % 2 === 0 ? truncated : rounded;
}

const withExponent = (mantissa: string, exponent: number): string =>
  `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;

const stripZeros = (digits: string): string => (digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits);
