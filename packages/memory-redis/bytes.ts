import { createHash } from "node:crypto";

/**
 * Strings in this room are bytes.
 *
 * Redis and Lua keep byte strings, JavaScript keeps UTF-16. Inside, a key, a value and a Lua string is a
 * JavaScript string with one character per byte (0 to 255), so `.length` is what STRLEN counts, `<` is the
 * order of sorted-set members, and a script may cut a character in two. Text becomes bytes when a command
 * enters and text again when a reply leaves; most of it is ASCII, which is the same in both.
 */
const BEYOND_ASCII = /[\u0080-\uffff]/;

/** The UTF-8 bytes of a text. */
export const toBytes = (text: string): string =>
  BEYOND_ASCII.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;

/** The text of UTF-8 bytes; bytes that are not UTF-8 become U+FFFD, as in a Redis client. */
export const fromBytes = (bytes: string): string =>
  BEYOND_ASCII.test(bytes) ? Buffer.from(bytes, "latin1").toString("utf8") : bytes;

/** The SHA-1 of bytes, in hexadecimal: the name of a script. */
export const sha1 = (bytes: string): string => createHash("sha1").update(bytes, "latin1").digest("hex");
