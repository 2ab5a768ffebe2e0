import { notAFloat } from "./errors.ts";
import { formatGeneral } from "./format-number.ts";
import { RedisError } from "./reply.ts";

/** Where a range of scores ends: `5`, or `(5` for everything but 5. */
export interface ScoreBound {
  readonly score: number;
  readonly exclusive: boolean;
}

export interface ScoreRange {
  readonly min: ScoreBound;
  readonly max: ScoreBound;
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)(0x[\da-f]+)$/i;
const INFINITY = /^[+-]?inf(?:inity)?$/i;

/** C's `strtod` on a whole string, or undefined. Hexadecimal fractions (`0x1p-3`) are left out. */
function readDouble(text: string): number | undefined {
  if (DECIMAL.test(text)) return Number(text);
  if (INFINITY.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  const [, sign, digits] = HEXADECIMAL.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return sign === "-" ? -Number(digits) : Number(digits);
}

/**
 * Reads a score or an increment.
 * @throws RedisError for text that is no number, for NaN and for a decimal too large for a double
 */
export function parseScore(text: string): number {
  const score = readDouble(text);
  const overflows = score !== undefined && !Number.isFinite(score) && !INFINITY.test(text);
  if (score === undefined || overflows) throw notAFloat();
  // Redis keeps small sets as integers where it can, which turns -0 into 0.
  return score === 0 ? 0 : score;
}

/** Reads the `min` and `max` of a range of scores, as in `(1 +inf`. */
export const parseScoreRange = (min: string, max: string): ScoreRange => ({
  min: parseBound(min),
  max: parseBound(max),
});

function parseBound(text: string): ScoreBound {
  const exclusive = text.startsWith("(");
  // Here Redis calls strtod without looking first, so blanks are skipped and nothing at all is zero.
  const digits = (exclusive ? text.slice(1) : text).replace(/^\s+(?=\S)/, "");
  const score = digits === "" ? 0 : readDouble(digits);
  if (score === undefined) throw new RedisError("ERR min or max is not a float");
  return { score, exclusive };
}

/** A score as Redis 7.0 prints it: 17 significant digits, `inf`, `-inf`. */
export const formatScore = (score: number): string => formatGeneral(score, 17);
