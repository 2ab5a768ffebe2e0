/** Walks over the text of a JSON value, for what its parsed value does not show any more. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Issue } from "#core";
import { cut, QUOTE_LIMIT } from "../core/errors.ts";
import { BODY_DEPTH_LIMIT, BODY_NAMES_LIMIT, BODY_NESTS_LIMIT } from "../core/limits.ts";

/** An array or an object that is open at a place in the text. */
interface Level {
  isObject: boolean;
  /** What is read in it: its index, or its name. */
  at: number | string;
  /** All names so far, once there are two. */
  names: Set<string> | undefined;
  /** The next string is a name. */
  expectsName: boolean;
}

/** Before the first name: no name is a number. */
const NO_NAME = -1;

export interface Loss extends Issue {
  /** Nested too deeply or too often, or with too many names: it had better not even be parsed. */
  tooMuch: boolean;
}

/** Characters that are walked over before others get their turn: a hundredth of a second. */
const STEP_LENGTH = 256 * 1024;

/**
 * The first value that would be stored as another one: a number that no double holds, a name that an object has twice;
 * or what is nested too deeply to be walked through, or has too much in it to be parsed while others wait. In a text
 * that is not JSON it may find anything.
 */
export async function findLoss(text: string): Promise<Loss | undefined> {
  const steps = walk(text, text.length);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value.loss;
    await nextTurn();
  }
}

/** The path of the value at a place in the text. */
export function pathAt(text: string, end: number): string {
  const steps = walk(text, end);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return pathOf(value.levels);
  }
}

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const E = 0x65;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** What a capital letter lacks of its small one. */
const LOWER_CASE = 0x20;

/**
 * Byte for byte and without regular expressions: a body has five million of them. Yields where it may be left for
 * others.
 */
function* walk(text: string, end: number): Generator<undefined, { levels: Level[]; loss?: Loss }> {
  const levels: Level[] = [];
  const names = new Set<string>();
  let level: Level | undefined;
  let opened = 0;
  let pause = STEP_LENGTH;
  const found = (message: string, tooMuch = false) => ({
    levels,
    loss: { path: pathOf(levels), message, tooMuch },
  });
  for (let n = 0; n < end; n++) {
    if (n >= pause) {
      pause = n + STEP_LENGTH;
      yield;
    }
    const code = text.charCodeAt(n);
    if (code === QUOTE) {
      const close = closingQuote(text, n);
      if (close >= end) break;
      if (level?.expectsName) {
        const name = nameOf(text.slice(n, close + 1));
        if (!enterName(level, name)) return found("must be there once, got it twice");
        if (names.add(name).size > BODY_NAMES_LIMIT)
          return found(`is too much: a body has at most ${BODY_NAMES_LIMIT} different names`, true);
      }
      n = close;
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      const after = endOfNumber(text, n);
      const message = lossOf(text.slice(n, after));
      if (message) return found(message);
      n = after - 1;
    } else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      if (levels.length === BODY_DEPTH_LIMIT)
        return found(`must be nested at most ${BODY_DEPTH_LIMIT} levels deep`, true);
      if (++opened > BODY_NESTS_LIMIT)
        return found(`is too much: a body has at most ${BODY_NESTS_LIMIT} arrays and objects`, true);
      const isObject = code === OPEN_OBJECT;
      level = { isObject, at: isObject ? NO_NAME : 0, names: undefined, expectsName: isObject };
      levels.push(level);
    } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
      levels.pop();
      level = levels.at(-1);
    } else if (code === COMMA && level) {
      if (level.isObject) level.expectsName = true;
      else level.at = Number(level.at) + 1;
    }
  }
  return { levels };
}

/** Whether an object has had no such name before. */
function enterName(level: Level, name: string): boolean {
  const isNew = level.at !== name && !level.names?.has(name);
  if (level.at !== NO_NAME) level.names = (level.names ?? new Set([String(level.at)])).add(name);
  level.at = name;
  level.expectsName = false;
  return isNew;
}

function nameOf(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}

function closingQuote(text: string, open: number): number {
  let close = open;
  do {
    close = text.indexOf('"', close + 1);
    if (close < 0) return text.length;
  } while (isEscaped(text, close));
  return close;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}

function endOfNumber(text: string, begin: number): number {
  let end = begin + 1;
  for (;;) {
    const code = text.charCodeAt(end);
    const belongs = (code >= ZERO && code <= NINE) || code === PLUS || code === MINUS || code === DOT;
    if (!belongs && (code | LOWER_CASE) !== E) return end;
    end++;
  }
}

/** Digits that always come back as they were. */
const SAFE_DIGITS = 15;

/**
 * What is wrong with a number that a double cannot hold. A fraction becomes the nearest double, as everywhere where
 * JSON is read; but of an integer each digit counts, for it may well be an id.
 */
function lossOf(written: string): string | undefined {
  if (written.length <= SAFE_DIGITS && !/e/i.test(written)) return undefined;
  const number = Number(written);
  const isWhole = /^-?\d+$/.test(written);
  const vanished = number === 0 && /[1-9]/.test(written.replace(/e.*/i, ""));
  if (Number.isFinite(number) && !vanished && (!isWhole || String(number) === written)) return undefined;
  const accepted = isWhole
    ? `an integer of at most ${Number.MAX_SAFE_INTEGER}`
    : "a number that a double holds";
  return `must be ${accepted}, or a string, got ${cut(written, QUOTE_LIMIT)}`;
}

/** `[3].task_data.list.0`: as the paths of other issues. */
function pathOf(levels: readonly Level[]): string {
  return levels
    .filter(({ at }) => at !== NO_NAME)
    .map(({ isObject, at }, n) => (n === 0 && !isObject ? `[${at}]` : String(at)))
    .join(".");
}
