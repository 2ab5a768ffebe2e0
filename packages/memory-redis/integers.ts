import { notAnInteger, overflow } from "./errors.ts";
import { RedisError } from "./reply.ts";

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const INTEGER = /^(?:0|-?[1-9]\d{0,18})$/;
const ALWAYS_FITS = 18;

/** True for what Redis stores as an integer: no sign but a minus, no leading zero, 64 bits. */
export const isInteger = (text: string): boolean =>
  INTEGER.test(text) && (text.length <= ALWAYS_FITS || fitsInt64(BigInt(text)));

const fitsInt64 = (value: bigint): boolean => value >= INT64_MIN && value <= INT64_MAX;

/**
 * Reads an integer argument. Beyond 2^53 the number is the nearest double.
 * @throws RedisError when it is not a 64-bit integer
 */
export function parseInteger(text: string, error: () => RedisError = notAnInteger): number {
  if (!isInteger(text)) throw error();
  return Number(text);
}

/** Reads a count that may not be negative (LPOP, ZPOPMIN). */
export function parseCount(text: string): number {
  const outOfRange = () => new RedisError("ERR value is out of range, must be positive");
  const count = parseInteger(text, outOfRange);
  if (count < 0) throw outOfRange();
  return count;
}

/** `current + delta` in 64 bits, exactly; both must be integers already. */
export function addIntegers(current: string, delta: string): string {
  const sum = Number(current) + Number(delta);
  // Three doubles below 2^53 are exact; only then may the fast way answer.
  if (Number.isSafeInteger(sum) && current.length < 16 && delta.length < 16) return String(sum);
  const exact = BigInt(current) + BigInt(delta);
  if (!fitsInt64(exact)) throw overflow();
  return String(exact);
}

/** `-delta`, for DECRBY. */
export function negate(delta: string): string {
  const negated = -BigInt(delta);
  if (!fitsInt64(negated)) throw new RedisError("ERR decrement would overflow");
  return String(negated);
}
