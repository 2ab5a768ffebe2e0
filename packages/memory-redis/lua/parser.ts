import { RedisError } from "../reply.ts";
import { type Token, tokenize } from "./lexer.ts";

/** Where the translation of a script stands: its next word, and the local variables in scope. */
export type Parser = ReturnType<typeof createParser>;

/** A parser at the start of a script. */
export function createParser(source: string) {
  const tokens = tokenize(source);
  let at = 0;
  let variables = new Map<string, string>();
  let declared = 0;

  /** The next word, or one after it. */
  const peek = (ahead = 0): Token => (tokens[at + ahead] ?? tokens.at(-1)) as Token;
  const fail = (message: string): never => {
    const { text, line } = peek();
    throw new RedisError(
      `ERR Error compiling script (new function): user_script:${line}: ${message} near '${text}'`,
    );
  };
  /** Whether the next word is one of these symbols; a string with the same text is not. */
  const isAt = (...symbols: string[]): boolean => peek().type !== "string" && symbols.includes(peek().text);
  /** Takes the next word if it is this symbol. */
  function accept(symbol: string): boolean {
    const matches = isAt(symbol);
    if (matches) at++;
    return matches;
  }
  const expect = (symbol: string): void => void (accept(symbol) || fail(`'${symbol}' expected`));
  const take = (): string => tokens[at++]?.text ?? "";
  const takeName = (): string => (peek().type === "name" ? take() : fail("'<name>' expected"));

  /** Items with commas between them. */
  function list<T>(item: () => T): [T, ...T[]] {
    const items: [T, ...T[]] = [item()];
    while (accept(",")) items.push(item());
    return items;
  }

  /** Declares a local variable. Its name in JavaScript has a number, for Lua may declare a name again. */
  function declare(name: string): string {
    const js = `${name}$${++declared}`;
    variables.set(name, js);
    return js;
  }

  /** Translates something whose local variables end with it. */
  function inScope<T>(translate: () => T): T {
    const outer = variables;
    variables = new Map(outer);
    const translated = translate();
    variables = outer;
    return translated;
  }

  const find = (name: string): string | undefined => variables.get(name);
  return { peek, fail, isAt, accept, expect, take, takeName, list, declare, find, inScope };
}
