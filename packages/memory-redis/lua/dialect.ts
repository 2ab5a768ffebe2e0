/**
 * Where Lua 5.3 takes more than Lua 5.1, or says an error in other words: a script must not pass here that
 * Redis would refuse, and a message should be the one Redis gives. These go into the private copy of
 * fengari, see `retune.ts`.
 */
interface LexState {
  readonly t: { readonly token: number };
}

/** fengari's lexer. Tokens of one character are their code. */
export interface Lexer {
  readonly RESERVED: Readonly<Record<string, number>>;
  luaX_next(lexer: LexState): void;
  luaX_syntaxerror(lexer: LexState, message: Uint8Array): never;
}

const NEWER_WORDS = ["TK_GOTO", "TK_DBCOLON", "TK_IDIV", "TK_SHL", "TK_SHR"];
const NEWER_CHARACTERS = ["&", "|", "~"];

/** Refuses `goto`, `::`, `//` and the operators on bits. */
export function refuseNewerSyntax(lexer: Lexer): void {
  const { luaX_next, luaX_syntaxerror, RESERVED } = lexer;
  const newer = new Set<number | undefined>([
    ...NEWER_WORDS.map((name) => RESERVED[name]),
    ...NEWER_CHARACTERS.map((character) => character.charCodeAt(0)),
  ]);
  const message = Buffer.from("unexpected symbol");
  lexer.luaX_next = (state) => {
    luaX_next(state);
    if (newer.has(state.t.token)) luaX_syntaxerror(state, message);
  };
}

/** The message of a script that does not compile, in the words of Lua 5.1. */
export const wordSyntaxError = (message: string): string =>
  message.replace(": syntax error near", ": '=' expected near").replace(/near <eof>$/, "near '<eof>'");

/** What makes fengari's messages from a format and its arguments. */
export interface Messages {
  luaO_pushvfstring(L: object, format: Uint8Array, args: readonly unknown[]): Uint8Array;
}

/**
 * Says `attempt to index local 't' (a nil value)` where Lua 5.3 says `attempt to index a nil value
 * (local 't')`. `typeError` is fengari's format for these, the very object it uses.
 */
export function wordTypeErrors(messages: Messages, typeError: Uint8Array): void {
  const { luaO_pushvfstring } = messages;
  const nameless = Buffer.from("attempt to %s a %s value");
  const named = Buffer.from("attempt to %s %s (a %s value)");
  messages.luaO_pushvfstring = (L, format, args) => {
    if (format !== typeError) return luaO_pushvfstring(L, format, args);
    const [operation, type, place] = args as [Uint8Array, Uint8Array, Uint8Array];
    const name = /^ \((?!constant)(.*)\)$/s.exec(Buffer.from(place).toString("latin1"))?.[1];
    if (name === undefined) return luaO_pushvfstring(L, nameless, [operation, type]);
    return luaO_pushvfstring(L, named, [operation, Buffer.from(name, "latin1"), type]);
  };
}
