import { invalidExpireTime, syntaxError } from "../errors.ts";
import { parseInteger } from "../integers.ts";
import type { Keyspace } from "../keyspace.ts";
import { OK, type Reply } from "../reply.ts";
import { expiryMs } from "./expiry.ts";

/** The words that set an expiry: its unit, and whether it counts from 1970. */
const EXPIRY_OPTIONS = {
  EX: { unit: "seconds", isAbsolute: false },
  PX: { unit: "milliseconds", isAbsolute: false },
  EXAT: { unit: "seconds", isAbsolute: true },
  PXAT: { unit: "milliseconds", isAbsolute: true },
} as const;

export type ExpiryOption = keyof typeof EXPIRY_OPTIONS;

interface SetOptions {
  condition?: "NX" | "XX";
  keepTtl: boolean;
  returnsOld: boolean;
  expiry?: { readonly option: ExpiryOption; readonly amount: string };
}

/** SET key value [NX|XX] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL] */
export function set(keyspace: Keyspace, key: string, value: string, ...words: string[]): Reply {
  const options = parseOptions(words);
  const { condition, expiry, keepTtl, returnsOld } = options;
  const atMs = expiry && positiveExpiryMs(keyspace, "set", expiry.option, expiry.amount);

  const old = returnsOld ? (keyspace.read(key, "string") ?? null) : undefined;
  const isThere = keyspace.typeOf(key) !== undefined;
  const isRefused = condition === (isThere ? "NX" : "XX");
  if (isRefused) return old ?? null;

  keyspace.writeString(key, value, { keepTtl });
  if (atMs !== undefined) keyspace.setExpiry(key, atMs);
  return old === undefined ? OK : old;
}

/** When a string written now expires. Unlike EXPIRE, these commands refuse zero and less. */
export function positiveExpiryMs(
  keyspace: Keyspace,
  command: string,
  option: ExpiryOption,
  amount: string,
): number {
  const { unit, isAbsolute } = EXPIRY_OPTIONS[option];
  const length = parseInteger(amount);
  if (length <= 0) throw invalidExpireTime(command);
  return expiryMs(command, length, unit, isAbsolute ? 0 : keyspace.now());
}

function parseOptions(words: string[]): SetOptions {
  const options: SetOptions = { keepTtl: false, returnsOld: false };
  for (let at = 0; at < words.length; at++) {
    const word = words[at]?.toUpperCase();
    if (word === "NX" || word === "XX") {
      if (options.condition !== undefined && options.condition !== word) throw syntaxError();
      options.condition = word;
    } else if (word === "GET") options.returnsOld = true;
    else if (word === "KEEPTTL" && options.expiry === undefined) options.keepTtl = true;
    else if (isExpiryOption(word) && !options.keepTtl) {
      const amount = words[++at];
      const isOther = options.expiry !== undefined && options.expiry.option !== word;
      if (amount === undefined || isOther) throw syntaxError();
      options.expiry = { option: word, amount };
    } else throw syntaxError();
  }
  return options;
}

const isExpiryOption = (word: string | undefined): word is ExpiryOption =>
  word !== undefined && Object.hasOwn(EXPIRY_OPTIONS, word);
