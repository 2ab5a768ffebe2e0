/** A word of a script. The text of a string is its value; keywords and punctuation are symbols. */
export interface Token {
  readonly type: "name" | "number" | "string" | "symbol" | "end";
  readonly text: string;
  readonly line: number;
}

const KEYWORD =
  /^(?:and|break|do|else|elseif|end|false|for|function|if|in|local|nil|not|or|repeat|return|then|true|until|while)$/;
/** Blanks and comments, names and keywords, numbers, strings, and then whatever is left. */
const TOKEN =
  /(\s+|--[^\n]*)|([a-z_]\w*)|(0x[\da-f]+|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|\.\.|[=~<>]=|./gis;
const CONTROL: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** The words of a script, with an `end` after the last. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (const [text, blank, name, number, string] of source.matchAll(TOKEN)) {
    if (string !== undefined) tokens.push({ type: "string", text: unquote(string), line });
    else if (number !== undefined) tokens.push({ type: "number", text, line });
    else if (name !== undefined && !KEYWORD.test(name)) tokens.push({ type: "name", text, line });
    else if (blank === undefined) tokens.push({ type: "symbol", text, line });
    line += text.split("\n").length - 1;
  }
  return [...tokens, { type: "end", text: "<eof>", line }];
}

const unquote = (quoted: string): string =>
  quoted
    .slice(1, -1)
    .replace(/\\(?:(\d{1,3})|(.))/gs, (_, code?: string, character = "") =>
      code === undefined ? (CONTROL[character] ?? character) : String.fromCharCode(Number(code)),
    );
