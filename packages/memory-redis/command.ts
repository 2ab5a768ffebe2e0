import { wrongNumberOfArguments } from "./errors.ts";
import type { Keyspace } from "./keyspace.ts";
import { RedisError, type Reply } from "./reply.ts";

/** Runs a command. The arguments come without the command's name, as many as its arity lets through. */
export type Handler = (keyspace: Keyspace, ...args: string[]) => Reply;

export interface Command {
  /** As in COMMAND INFO: it counts the name; `-3` means three or more. */
  readonly arity: number;
  readonly run: Handler;
  /** False for what a script may not call. */
  readonly inScripts: boolean;
}

/** Commands by their name in capitals. */
export type CommandTable = Readonly<Record<string, Command>>;

/**
 * Declares a command.
 * @example command(-3, set) // SET key value [option …]
 */
export const command = (arity: number, run: Handler): Command => ({ arity, run, inScripts: true });

/** Declares a command that `redis.call` refuses. */
export const commandOutsideScripts = (arity: number, run: Handler): Command => ({
  arity,
  run,
  inScripts: false,
});

/** True when `argv`, name included, has a length this command takes. */
export const acceptsLength = (command: Command, argv: readonly string[]): boolean =>
  command.arity < 0 ? argv.length >= -command.arity : argv.length === command.arity;

/** The command `argv` calls, or the error when there is none or it takes fewer or more arguments. */
export function resolve(
  commands: ReadonlyMap<string, Command>,
  argv: readonly string[],
): Command | RedisError {
  const name = argv[0] ?? "";
  const found = commands.get(name.toUpperCase());
  if (found === undefined) return unknownCommand(argv);
  return acceptsLength(found, argv) ? found : wrongNumberOfArguments(name.toLowerCase());
}

const SHOWN_BYTES = 128;

function unknownCommand([name = "", ...args]: readonly string[]): RedisError {
  let shown = "";
  for (const arg of args) {
    if (shown.length >= SHOWN_BYTES) break;
    shown += `'${arg.slice(0, SHOWN_BYTES - shown.length)}' `;
  }
  return new RedisError(
    `ERR unknown command '${name.slice(0, SHOWN_BYTES)}', with args beginning with: ${shown}`,
  );
}
