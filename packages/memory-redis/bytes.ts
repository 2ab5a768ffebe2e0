/**
 * Strings in this room are bytes, as in Redis and in Lua: a JavaScript string with one character (0 to 255) per
 * byte. Text becomes bytes when a command enters, and text again when a reply leaves; ASCII is the same in both.
 */
const BEYOND_ASCII = /[\u0080-\uffff]/;

/** The UTF-8 bytes of a text. */
export const toBytes = (text: string): string =>
  BEYOND_ASCII.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;

/** The text of UTF-8 bytes; bytes that are not UTF-8 become U+FFFD, as in a Redis client. */
export const fromBytes = (bytes: string): string =>
  BEYOND_ASCII.test(bytes) ? Buffer.from(bytes, "latin1").toString("utf8") : bytes;
