import { toBytes } from "../bytes.ts";
import { readNumeral } from "./numerals.ts";

/** What a piece of JSON is, under the names lua-cjson gives in its errors. */
export type TokenType =
  | "T_OBJ_BEGIN"
  | "T_OBJ_END"
  | "T_ARR_BEGIN"
  | "T_ARR_END"
  | "T_STRING"
  | "T_NUMBER"
  | "T_BOOLEAN"
  | "T_NULL"
  | "T_COLON"
  | "T_COMMA"
  | "T_END"
  | "T_ERROR";

/** A token; `at` counts bytes from 0. An error's value says what was found. */
export interface Token {
  readonly type: TokenType;
  readonly at: number;
  readonly value: string | number | boolean;
}

const PUNCTUATION: Readonly<Record<string, TokenType>> = {
  "{": "T_OBJ_BEGIN",
  "}": "T_OBJ_END",
  "[": "T_ARR_BEGIN",
  "]": "T_ARR_END",
  ":": "T_COLON",
  ",": "T_COMMA",
};

const LITERALS: readonly (readonly [text: string, type: TokenType, value: boolean])[] = [
  ["true", "T_BOOLEAN", true],
  ["false", "T_BOOLEAN", false],
  ["null", "T_NULL", false],
];

const ESCAPED: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Numbers are read as C does, which takes more than JSON has. */
const NUMBER_START = /[-+\d]|inf|nan/iy;
const NUMBER = /[+-]?(?:0x[\da-f]+|inf(?:inity)?|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/iy;
const PLAIN = /[^"\\]*/y;
/** A character, or a pair of surrogates that make one. Half a pair is no character. */
const UNICODE_ESCAPE = /\\u(?:(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})|((?!d[89a-f])[\da-f]{4}))/iy;

/** Makes a function that answers the next token of a JSON text at each call. */
export function createLexer(json: string): () => Token {
  let at = 0;

  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(json);
  };

  function next(): Token {
    while (" \t\n\r".includes(json.charAt(at)) && at < json.length) at++;
    const start = at;
    const character = json.charAt(at);
    if (character === "") return { type: "T_END", at: start, value: "" };
    if (character === '"') return string();
    const punctuation = PUNCTUATION[character];
    if (punctuation !== undefined) return { type: punctuation, at: at++, value: character };
    const literal = LITERALS.find(([text]) => json.startsWith(text, at));
    if (literal !== undefined) {
      at += literal[0].length;
      return { type: literal[1], at: start, value: literal[2] };
    }
    return number();
  }

  function number(): Token {
    if (match(NUMBER_START) === null) return error("invalid token");
    const text = match(NUMBER)?.[0] ?? "";
    const value = readNumeral(Buffer.from(text, "latin1"));
    if (value === undefined) return error("invalid number");
    const start = at;
    at += text.length;
    return { type: "T_NUMBER", at: start, value };
  }

  function string(): Token {
    const start = at++;
    let value = "";
    for (;;) {
      const plain = match(PLAIN)?.[0] ?? "";
      value += plain;
      at += plain.length;
      const character = json.charAt(at);
      if (character === "") return error("unexpected end of string");
      if (character === '"') break;
      const escaped = json.charAt(at + 1) === "u" ? unicodeEscape() : simpleEscape();
      if (typeof escaped !== "string") return escaped;
      value += escaped;
    }
    at++;
    return { type: "T_STRING", at: start, value };
  }

  function simpleEscape(): string | Token {
    const character = ESCAPED[json.charAt(at + 1)];
    if (character === undefined) return error("invalid escape code");
    at += 2;
    return character;
  }

  function unicodeEscape(): string | Token {
    const found = match(UNICODE_ESCAPE);
    if (found === null) return error("invalid unicode escape code");
    at += found[0].length;
    const units = found.slice(1).filter((unit) => unit !== undefined);
    return toBytes(String.fromCharCode(...units.map((unit) => Number.parseInt(unit, 16))));
  }

  const error = (found: string): Token => ({ type: "T_ERROR", at, value: found });

  return next;
}
